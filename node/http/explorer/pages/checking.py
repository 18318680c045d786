"""`/explore/check`: a credential is read in the browser, and only the question about its issuer leaves it.

The page has no upload: the file goes to a script of the page, which may talk to this node alone. Without scripts the
page says so, and offers the form for the same question.
"""

from typing import Final

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import Page, page_route, show
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.route import Call


async def check(call: Call) -> Response:
    """The page; everything else happens in the browser."""
    return show(call, Page(template="check.html", title=load(LANGUAGE).check.title))


ROUTES: Final = (page_route("/explore/check", check, "Check a credential that never leaves the browser"),)
