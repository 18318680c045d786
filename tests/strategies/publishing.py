"""A node's state published into a folder, without a network, and read as a verifier does."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from accredit.governance.policy_renewal import export_policy
from accredit.node.clients.outgoing import Outgoing
from accredit.node.clients.store_files import open_store
from accredit.node.clients.store_reading import fetch_bucket, fetch_snapshot, open_state
from accredit.node.publication.publish import Publication, PublishedPages, publish
from accredit.node.publication.targets import FolderTarget, Target
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Decision
from accredit.registry.errors import RemoteError
from accredit.registry.evidence.deciding import decide_over
from accredit.registry.evidence.published_map import MapRecords
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies import bodies
from tests.strategies.network import A
from tests.strategies.served import Served


class PowerCut(Exception):
    """The publisher ends here, whatever it was at."""


class Interrupted(FolderTarget):
    """A folder that takes so many files, and then the publisher is gone."""

    def __init__(self, folder: Path, files: int) -> None:
        super().__init__(folder)
        self.left = files

    def write(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        if not self.left:
            raise PowerCut
        self.left -= 1
        super().write(path, data, media_type=media_type, cache=cache)


class Away(FolderTarget):
    """A store that takes so many files, and then cannot be reached."""

    def __init__(self, folder: Path, files: int) -> None:
        super().__init__(folder)
        self.left = files

    def write(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        if not self.left:
            raise RemoteError("unreachable", "The store is away.")
        self.left -= 1
        super().write(path, data, media_type=media_type, cache=cache)


@dataclass
class Published:
    """A node, and the folder to which it publishes.

    Attributes:
        told: what a reader was told did not work.
    """

    node: Served
    folder: Path
    told: list[str] = field(default_factory=list)

    def publish(
        self, target: Target | None = None, *, pages: PublishedPages | None = None, **options: Any
    ) -> Publication:
        return publish(
            self.node.store.path,
            target or FolderTarget(self.folder),
            pages=lambda: pages or {},
            now=self.node.time,
            **options,
        )

    def policy(self) -> TrustPolicy:
        return export_policy(self.node.fold, self.node.now())

    def ask(self, issuer: str, policy: TrustPolicy | None = None) -> Decision:
        """What a verifier decides from the files alone."""
        policy = policy or self.policy()
        query = Query(entity=issuer, authority=policy.charter, achievement_types=("Degree",))
        with open_store(str(self.folder)) as files:
            records = MapRecords(open_state(files, policy, self.node.now()), partial(fetch_bucket, files))
            return decide_over(query, records, self.node.now(), ecosystem_id=policy.charter)

    def sync(self, held: Snapshot | None = None, policy: TrustPolicy | None = None) -> tuple[Snapshot, str]:
        """All records, or what changed, from the files alone."""
        policy = policy or self.policy()
        now = self.node.now()
        return fetch_snapshot(str(self.folder), held, policy, now, outgoing=Outgoing(), tell=self.told.append)

    def goes_on(self, *issuers: str, seconds: int = 60) -> None:
        """Time passes, and the node hears of new issuers, on a new note."""
        self.node.time += seconds
        for issuer in issuers:
            self.node.town.says(A, "issuer.register", bodies.register(issuer))
            self.node.town.says(A, "accreditation.grant", bodies.grant(issuer))
        self.node.hears()

    def files(self) -> dict[str, bytes]:
        """Everything in the folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}
