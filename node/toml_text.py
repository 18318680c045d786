"""Values as TOML 1.0, in files that people read and change: each table and member may have a comment above it.

`tomllib` reads them back. A library would write them too (`tomli_w`), but without comments.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def toml_text(table: Mapping[str, Any], *, comments: Mapping[str, str] | None = None, prefix: str = "") -> str:
    """TOML text of a rendered table. `comments` maps dotted paths (indices left out) to a line above them."""
    comments = comments or {}
    lines: list[str] = []
    later: list[str] = []
    for name, value in table.items():
        path = f"{prefix}.{_key(name)}" if prefix else _key(name)
        above = [f"# {line}" for line in comments.get(_plain_path(path), "").splitlines()]
        if isinstance(value, dict):
            inner = toml_text(value, comments=comments, prefix=path)
            later.append("\n".join(["", *above, f"[{path}]", inner]).rstrip("\n"))
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                inner = toml_text(item, comments=comments, prefix=path)
                later.append("\n".join(["", *(above if index == 0 else []), f"[[{path}]]", inner]).rstrip("\n"))
        elif value is not None:
            lines += [*above, f"{_key(name)} = {toml_value(value)}"]
    return "\n".join([*lines, *later]) + "\n"


def _plain_path(path: str) -> str:
    return path.replace('"', "")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, save for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any) -> str:
    """Return a text, number, boolean, list or table as the value of one member."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {toml_value(item)}" for name, item in value.items()) + " }"
    assert isinstance(value, (list, tuple))
    return "[" + ", ".join(toml_value(item) for item in value) + "]"
