"""Shares the records, the clock and the check of freshness among all questions that are answered in one turn.

    moment = Moment(reader)
    moment.sitting().decide(query)

Reading the last commit, the clock and the charter takes longer than a decision, so it is done once for all questions
that were there when the turn began. A moment is valid until somebody else has a turn, and longer where it is known that
nothing has changed meanwhile (`is_still`).
"""

from accredit.governance.fold import Fold
from accredit.registry.decision.decide import Sitting
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import NotYetError

from .deciding import TurnRecords
from .node_ports import ReadableNode


def ecosystem_of(fold: Fold) -> CanonicalId:
    """Return the id of the ecosystem that a node serves.

    Raises:
        NotYetError: its genesis is not in effect there (`not_ready`).
    """
    charter = fold.charter
    if charter is None:
        raise NotYetError(
            "not_ready", "the ecosystem's genesis is not in effect here yet.", hint="GET /readyz says what is missing."
        )
    return charter.id


class Moment:
    """See the module.

    Args:
        now: as the attribute; None: by the node's clock.

    Attributes:
        fold: standings, and records that change as soon as others have a turn. records: those of the fold, to decide
            on. now: when questions are asked that name no time, seconds since 1970.
        stale: why its view is older than policy allows, a sentence; None when it is not.
    """

    __slots__ = ("_as_of", "_ecosystem", "_sitting", "fold", "now", "records", "stale")

    def __init__(self, reader: ReadableNode, now: int | None = None) -> None:
        self._as_of = reader.as_of
        self.fold = reader.fold
        self.records = TurnRecords(self.fold)
        self.now = reader.now() if now is None else now
        self.stale = reader.health.stale()
        self._ecosystem: CanonicalId | None = None
        self._sitting: Sitting | None = None

    def is_still(self, reader: ReadableNode) -> bool:
        """Return whether a new moment would be the same: no record has changed, within the same second."""
        return (
            self._as_of is not None
            and self._as_of == reader.as_of
            and self.now == reader.now()
            and self.stale == reader.health.stale()
        )

    @property
    def ecosystem(self) -> CanonicalId:
        """The id of the ecosystem this node serves.

        Raises:
            NotYetError: as `ecosystem_of`.
        """
        if self._ecosystem is None:
            self._ecosystem = ecosystem_of(self.fold)
        return self._ecosystem

    @property
    def sitting(self) -> Sitting:
        """Return the sitting that decides questions on these records.

        Raises:
            NotYetError: as `ecosystem`.
        """
        if self._sitting is None:
            self._sitting = Sitting(self.records, self.now, ecosystem_id=self.ecosystem)
        return self._sitting

    def check_fresh(self) -> None:
        """Check that the node may answer.

        Raises:
            NotYetError: as `ecosystem`; `stale_view`: its view is too old.
        """
        _ = self.ecosystem
        if self.stale is not None:
            raise NotYetError("stale_view", self.stale, hint="Ask another node, or this one in a moment.")
