"""One row of a list of issuers: its content, its result and its findings.

A row is *ready* (its `body` is one of `issuer.register`), *same* (it repeats a ready row), *refused* (a person must
look at it), or *left out* (nothing is wrong, and no statement is needed: a removed entry).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from accredit.cli.importers.findings import ImportFinding

READY: Final = "ready"
SAME: Final = "same"
REFUSED: Final = "refused"
LEFT_OUT: Final = "left_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        source: its file, and the list within that file.
        place: in the source, as in `line 12`.
        id: the issuer's id, canonical if it is one, else as written.
        name: its name, for people; may be empty.
        result: one of the words above; the command adds its own words for its actions.
        body: of `issuer.register`; None unless the row is ready.
        findings: in order of weight.
        statements: ids of the statements made from it.
        terms: of the accreditation to grant, if the row has its own.
    """

    source: str
    place: str
    id: str
    name: str
    result: str
    body: dict[str, Any] | None = None
    findings: tuple[ImportFinding, ...] = ()
    statements: tuple[bytes, ...] = ()
    terms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Source and place."""
        return f"{self.source}, {self.place}" if self.place else self.source

    def ended(self, result: str, *findings: ImportFinding) -> "Row":
        """Return the row with another result; new findings come first."""
        body = self.body if result == READY else None
        return replace(self, result=result, body=body, findings=(*findings, *self.findings))
