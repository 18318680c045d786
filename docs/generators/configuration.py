"""`docs/configuration.md`: every setting of a node, from `node.settings`."""

from typing import Final

from accredit.node.settings import settings
from docs.generators._page import code, rewrite, table

PAGE: Final = "configuration.md"

WITHOUT_EFFECT: Final[tuple[str, ...]] = ()
"""Settings that are read and checked, and that nothing uses yet; a test holds this list to the code."""


def text() -> str:
    """The table of settings."""
    rows = []
    for setting in settings():
        about = setting.description
        if setting.name in WITHOUT_EFFECT:
            about += " **Has no effect yet.**"
        default = code(setting.default) if setting.default else "must be set"
        rows.append((code(setting.name), setting.type, default, about, code(setting.variable)))
    return table(("setting", "expects", "default", "what it is", "variable"), rows)


if __name__ == "__main__":
    rewrite(PAGE, text())
