"""`docs/vectors/`: what a verifier must say to what; for kits in other languages, and for those who check ours.

    files()     the vectors as text, by file name; a test compares them with what is there, and runs them
    text()      the tables of `docs/vectors/README.md`

What is expected is written down by hand beside how each input is made; nothing is taken from what the code answers.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from docs.generators import _vectors_of_evidence as evidence
from docs.generators import _vectors_of_files as others
from docs.generators import _vectors_of_parts as parts
from docs.generators import _vectors_of_receipts as receipts
from docs.generators._page import DOCS, code, rewrite, table
from docs.generators._vector_world import Vector

PAGE: Final = "vectors/README.md"

_FILES: Final[dict[str, tuple[str, Callable[[], Iterator[Vector]]]]] = {
    "evidence": (evidence.ABOUT, evidence.vectors),
    "snapshots": (others.ABOUT_SNAPSHOTS, others.snapshots),
    "buckets": (others.ABOUT_BUCKETS, others.buckets),
    "receipts": (receipts.ABOUT, receipts.vectors),
    "policies": (others.ABOUT_POLICIES, others.policies),
    "map-proofs": (parts.ABOUT_PROOFS, parts.proofs),
    "signatures": (parts.ABOUT_SIGNATURES, parts.signatures),
    "cbor": (parts.ABOUT_CBOR, parts.cbor),
}


def files() -> dict[str, str]:
    """The vectors, by the name of their file: one vector a line, policies apart, for most are under the same."""
    return {f"{name}.json": _file(about, list(make())) for name, (about, make) in _FILES.items()}


def _file(about: str, vectors: list[Vector]) -> str:
    assert len({one.name for one in vectors}) == len(vectors), "a name twice"
    policies: dict[str, str] = {}
    lines = []
    for one in vectors:
        value = one.as_json()
        if "policy" in value:
            value["policy"] = policies.setdefault(value["policy"], f"policy {len(policies)}")
        lines.append(_line(value))
    named = _line({name: text for text, name in policies.items()})
    return f'{{"about": {_line(about)},\n"policies": {named},\n"vectors": [\n' + ",\n".join(lines) + "\n]}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def text() -> str:
    """A table of each file's vectors: name, what it is, what is expected."""
    parts = []
    for name, (about, make) in _FILES.items():
        rows = ((code(one.name), one.why, _expected(one.expected)) for one in make())
        parts += [f"## {name}.json", about, table(("vector", "what it is", "expected"), rows)]
    return "\n\n".join(parts)


def _expected(value: Any) -> str:
    match value:
        case {"error": why}:
            return f"refused: {code(why)}"
        case {"verdict": verdict, "reasons": reasons}:
            return f"{code(verdict)}: {', '.join(map(code, reasons))}"
        case {"existed_by": _}:
            return "existed by a time"
        case {"result": result, "check": check}:
            return f"{result} by {code(check)}"
        case {"value": proved}:
            return "absent" if proved is None else "present"
        case {"accepted": accepted, "usable": usable}:
            return ("accepted" if accepted else "refused") + ("" if usable else ", the key not usable")
        case {"accepted": accepted}:
            return "accepted" if accepted else "refused"
        case _:
            return "read"


if __name__ == "__main__":
    for name, content in files().items():
        (DOCS / "vectors" / name).write_text(content, "utf-8")
    rewrite(PAGE, text())
