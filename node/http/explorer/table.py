"""The routes of all pages, for the one table of routes."""

from typing import Final

from . import static
from .pages import (
    authorities,
    changes,
    checking,
    competencies,
    deciding,
    front,
    issuers,
    logbook,
    network,
    outcomes,
    search,
)

ROUTES: Final = (
    *(*front.ROUTES, *search.ROUTES, *issuers.ROUTES, *deciding.ROUTES, *checking.ROUTES, *authorities.ROUTES),
    *(*competencies.ROUTES, *network.ROUTES, *logbook.ROUTES, *changes.ROUTES, *outcomes.ROUTES, *static.ROUTES),
)
