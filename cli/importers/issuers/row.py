"""One row of a list of issuers: what it says, what became of it, and what was found.

A row is *ready* (its `body` is what `issuer.register` would say), *same* (it repeats a ready row), *refused* (something
a person must look at), or *left out* (nothing is wrong, and nothing is to be said: a removed entry).
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
        source: the file it stands in, and the list within that file.
        place: where in it, as in `line 12`.
        id: the issuer's id, canonical if it is one, else as written.
        name: its name, for people; may be empty.
        result: one of the words above; the command adds its own for what it did.
        body: what `issuer.register` would say; None unless the row is ready.
        findings: in order of weight.
        statements: ids of the statements that came of it.
        terms: of the accreditation to grant to it, where the row has some of its own.
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
        """The same row with another result; what is found now comes first."""
        body = self.body if result == READY else None
        return replace(self, result=result, body=body, findings=(*findings, *self.findings))
