"""`/explore/static/…`: the style sheet, the icon and the scripts of the pages, from the package.

Under `kit/` are the modules of the verifier's kit for JavaScript (`registry/javascript`), which check an answer in the
browser: the same files that a wallet uses.
"""

from functools import cache
from pathlib import Path
from typing import Final

from accredit import registry
from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import text_in_path
from accredit.node.http.handling.route import REVALIDATE, Call, Route
from accredit.registry.errors import InputError

_FOLDER: Final = Path(__file__).parent / "static"
_KIT: Final = Path(registry.__file__).parent / "javascript"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """Return content and media type of each file, by its path; a request never reads any other file."""
    found = [(path, path.relative_to(_FOLDER).as_posix()) for path in _FOLDER.rglob("*") if path.suffix in _TYPES]
    found += [(path, f"kit/{path.relative_to(_KIT).as_posix()}") for path in _KIT.rglob("*.js")]
    return {name: (path.read_bytes(), _TYPES[path.suffix]) for path, name in sorted(found)}


async def static(call: Call) -> Response:
    """One file."""
    found = files().get(call.params["path"])
    if found is None:
        raise InputError(
            "not_found", f"the explorer has no file {call.params['path'][:80]!r}.", hint="GET / has pages."
        )
    content, media_type = found
    headers = {"cache-control": REVALIDATE, "content-security-policy": "default-src 'none'"}
    return Response(content, media_type=media_type, headers=headers)


ROUTES: Final = (
    Route(
        method="GET",
        path="/explore/static/{path:path}",
        handler=static,
        family="explorer",
        about="Style sheet, icon and scripts of the pages",
        params=(text_in_path("path", "the file"),),
        gives={"text/css": None, "text/javascript": None, "image/svg+xml": None},
        problems=(404,),
        is_public=False,
        is_page=True,
    ),
)
