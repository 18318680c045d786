"""Sends a planned history to the registry in pieces, each statement once, even after interruptions.

It first reads the log for statements that the authority and its agencies have already made. A statement with the same
content is not made again, and later statements refer to it. So a second run continues where the first one stopped, and
a run over newer data adds only what is new.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from accredit.cli.base import output
from accredit.cli.base.log_entries import read_entries
from accredit.cli.histories.life import Ref, resolved
from accredit.cli.histories.plan import HistoryPlan, PlannedLife, delegation_body
from accredit.cli.signing.keys import UnlockedKey, new_passphrase_for, unsent_path
from accredit.cli.signing.outcomes import Outcome
from accredit.cli.signing.workflow import Desk, Say
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import MODERATE, SealedKey, new_seed
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import InputError, NotYetError
from accredit.registry.statement import decode

PIECE: Final = 2_000
"""Statements drafted, signed and sent at once: a few MiB, and a second or two between the steps of the progress bar."""

KEY_LIMITS: Final = MODERATE
"""What it costs to unlock an agency's key: as much as for keys that people make."""

BUDGET_SPARE: Final = 500
"""Statements that an agency's key may sign beside its history."""


class _Content(NamedTuple):
    """What makes two statements say the same."""

    by: str
    kind: str
    sub: str
    body: bytes


@dataclass(slots=True)
class HistoryTelling:
    """One import.

    Attributes:
        agency_keys: folder of the agencies' key files; None: the authority says everything itself.
        said: what was said in this run, for the report.
        known: how many statements were there already.
        waiting: those of them that wait for votes, for the report.
    """

    desk: Desk
    plan: HistoryPlan
    agency_keys: Path | None
    said: list[dict[str, Any]] = field(default_factory=list)
    known: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    _held: dict[_Content, bytes] = field(default_factory=dict)
    _known: dict[bytes, Say] = field(default_factory=dict)
    _desks: dict[str, Desk] = field(default_factory=dict)

    def tell(self) -> None:
        """Says what is not there yet.

        Raises:
            NotYetError: the agencies' mandates or the grants wait for votes; the next run goes on from there.
        """
        if self.desk.wishes.dry_run:
            self.agency_keys = None
        else:
            self._send_unsent()
            self._held = _held_by(self.desk.client, {self.desk.authority, *self.plan.agencies.values()})
            self._tell_where_it_goes_on()
        try:
            if self.agency_keys is not None:
                self._delegate()
            self._say_each(
                "Registering institutions",
                self.desk,
                [Say(kind="issuer.register", sub=one.issuer, body=dict(one.body)) for one in self.plan.registrations],
            )
            grants = self._grant()
            self._require_effect(grants)
            self._tell_lives(grants)
            self._look_at_known()
        finally:
            for desk in self._desks.values():
                desk.__exit__(None, None, None)

    def _send_unsent(self) -> None:
        """Sends what an interrupted run signed and did not send, before the log is read: it is said by then."""
        for agency in self.plan.agencies if self.agency_keys is not None else ():
            desk = self._desk_of(agency)
            if unsent_path(desk.key_path).exists():
                _ = desk.voice

    def _tell_where_it_goes_on(self) -> None:
        """Says so, if an earlier run has begun this import."""
        by, registrations = self.desk.authority, self.plan.registrations
        contents = [_content(by, "issuer.register", one.issuer, dict(one.body)) for one in registrations]
        told = sum(content in self._held for content in contents)
        if told:
            total = many(len(registrations), "institution")
            output.note(f"{told} of {total} were registered by an earlier run; this one goes on from there.")

    def _look_at_known(self) -> None:
        """Finds out which of the statements that were there already wait for votes: the report names them too."""
        standings = self.desk.client.standings(list(self._known))
        self.waiting = [
            {"id": id.hex(), "kind": say.kind, "sub": say.sub, "state": "waiting"}
            for id, say in self._known.items()
            if standings.get(id.hex(), {}).get("state") == "waiting"
        ]

    # ------------------------------------------------------------------------------------------------ agencies

    def _delegate(self) -> None:
        """Makes each agency an authority, with a key in the folder; one that is there already is used."""
        assert self.agency_keys is not None
        self.agency_keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        counts: dict[str, int] = {}
        for life in self.plan.lives:
            counts[life.agency] = counts.get(life.agency, 0) + len(life.told)
        standing = {one["id"]: one["standings"] for one in self.desk.client.authorities()["authorities"]}
        says: list[Say] = []
        for agency, id in self.plan.agencies.items():
            key = self._key_of(agency)
            if any(key.key.hex() == entry["key"] for one in standing.get(id, ()) for entry in one["keys"]):
                continue
            entry = {"public": key.public, "budget": 2 * counts[agency] + BUDGET_SPARE, "label": key.label}
            body = delegation_body(self.plan, agency, [entry])
            says.append(Say(kind="authority.delegate", sub=id, body=body, label=str(body["name"]), chose_budget=True))
        self._say_each("Making agencies authorities", self.desk, says)
        if not says:
            return
        last = self._held[_content(self.desk.authority, says[-1].kind, says[-1].sub, says[-1].body)]
        if self._state(last) != "effective":
            raise NotYetError(
                "mandates_wait",
                "The agencies' mandates wait for votes.",
                hint="Have them approved (accredit inbox), then run the same command again: it goes on from there.",
            )

    def _key_of(self, agency: str) -> SealedKey:
        assert self.agency_keys is not None
        path = self.agency_keys / f"agency-{quote(agency, safe='')}.key"
        if path.exists():
            return SealedKey.load(path)
        passphrase = self._passphrase(path)
        seed = new_seed()
        ecosystem = bytes.fromhex(self.desk.ecosystem["ecosystem"])
        name = self.plan.history.agencies[agency].name[:60]
        made = SealedKey.create(
            path,
            seed,
            passphrase,
            label=name,
            authority=self.plan.agencies[agency],
            ecosystem=ecosystem,
            limits=KEY_LIMITS,
        )
        self._desk_of(agency).unlocked = UnlockedKey(path=path, kid=made.key, signer=KeyPair(seed))
        return made

    def _passphrase(self, path: Path) -> str:
        return new_passphrase_for(path, self.desk.wishes.passphrase_file)

    def _desk_of(self, agency: str) -> Desk:
        """The desk at which an agency signs; the authority's own where agencies do not speak for themselves."""
        if self.agency_keys is None:
            return self.desk
        if agency not in self._desks:
            path = self.agency_keys / f"agency-{quote(agency, safe='')}.key"
            self._desks[agency] = Desk(
                self.desk.nodes, replace(self.desk.wishes, key=path, authority=None, mandate=None)
            )
        return self._desks[agency]

    # ------------------------------------------------------------------------------------------------ what is said

    def _grant(self) -> list[bytes]:
        """Grants every spell; returns the ids, in the order of the plan's lives."""
        by_agency: dict[str, list[int]] = {}
        for at, life in enumerate(self.plan.lives):
            by_agency.setdefault(life.agency if self.agency_keys is not None else "", []).append(at)
        ids = [b""] * len(self.plan.lives)
        for agency, places in by_agency.items():
            lives = [self.plan.lives[at] for at in places]
            says = [
                Say(kind=life.told[0].kind, sub=life.issuer, body=dict(life.told[0].body), label=life.about)
                for life in lives
            ]
            desk = self._desk_of(agency)
            name = self.plan.history.agencies[agency].name if agency else "Granting accreditations"
            for at, id in zip(places, self._say_each(name, desk, says), strict=True):
                ids[at] = id
        return ids

    def _require_effect(self, grants: Sequence[bytes]) -> None:
        """Goes on to what happened only where the grants stand: an event about what nobody granted has no effect."""
        if self.desk.wishes.dry_run or not grants or all(len(life.told) == 1 for life in self.plan.lives):
            return
        if self._state(grants[-1]) == "waiting":
            self._look_at_known()
            raise NotYetError(
                "grants_wait",
                "The grants wait for votes; what happened since then is said once they are in effect.",
                hint="Have them approved: accredit approve --from REPORT. Then run the same command again.",
            )

    def _state(self, statement: bytes) -> str:
        """Return how a statement stands, without its predicted result, which takes long while thousands wait."""
        return str(self.desk.client.standings([statement])[statement.hex()]["state"])

    def _tell_lives(self, grants: Sequence[bytes]) -> None:
        """Says what happened in each spell, whole spells at a time, since its events name each other."""
        if self.desk.wishes.dry_run:
            return
        total = sum(len(life.told) - 1 for life in self.plan.lives)
        with output.progress("Telling what happened", total) as step:
            piece: list[tuple[PlannedLife, bytes]] = []
            size = 0
            for life, grant in zip(self.plan.lives, grants, strict=True):
                if len(life.told) == 1:
                    continue
                piece.append((life, grant))
                size += len(life.told) - 1
                if size >= PIECE:
                    self._tell_piece(piece)
                    step(size)
                    piece, size = [], 0
            if piece:
                self._tell_piece(piece)
                step(size)

    def _tell_piece(self, piece: Sequence[tuple[PlannedLife, bytes]]) -> None:
        says: list[Say] = []
        for life, grant in piece:
            ids: list[bytes | int] = [grant]
            for one in life.told[1:]:
                body: dict[str, Any] | Callable[[Sequence[bytes]], dict[str, Any]]
                known = [id for id in ids if isinstance(id, bytes)]
                if len(known) == len(ids) or all(isinstance(ids[ref.at], bytes) for ref in _references(one.body)):
                    body = resolved(one.body, [id if isinstance(id, bytes) else b"" for id in ids])
                    held = self._held.get(_content(self.desk.authority, one.kind, life.issuer, body))
                    if held is not None:
                        self.known += 1
                        self._known[held] = Say(kind=one.kind, sub=life.issuer, body=body)
                        ids.append(held)
                        continue
                else:
                    body = _later(one.body, tuple(ids))
                ids.append(len(says))
                says.append(Say(kind=one.kind, sub=life.issuer, body=body, label=life.about))
        if says:
            self._keep(self.desk.propose(says, show=False, alike=_sort))

    def _say_each(self, label: str, desk: Desk, says: Sequence[Say]) -> list[bytes]:
        """Says what is not there yet, in pieces; returns the id of each."""
        contents = [_content(self._by(desk), say.kind, say.sub, say.body) for say in says]
        missing = [at for at, content in enumerate(contents) if content not in self._held]
        self.known += len(says) - len(missing)
        for content, say in zip(contents, says, strict=True):
            if content in self._held:
                self._known[self._held[content]] = say
        with output.progress(label, len(says)) as step:
            step(len(says) - len(missing))
            for start in range(0, len(missing), PIECE):
                part = missing[start : start + PIECE]
                outcomes = desk.propose([says[at] for at in part], show=False, alike=_sort)
                self._keep(outcomes)
                for at, outcome in zip(part, outcomes, strict=True):
                    self._held[contents[at]] = outcome.id
                step(len(part))
        return [self._held[content] for content in contents]

    def _by(self, desk: Desk) -> str:
        if desk is self.desk:
            return desk.authority
        return str(SealedKey.load(desk.key_path).authority)

    def _keep(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            if one.status == "refused":
                raise InputError("refused", f"{one.kind} about {one.name} was refused: {one.reason}")
            self.said.append({"id": one.id.hex(), "kind": one.kind, "sub": one.sub, "state": one.state or one.status})


def _sort(say: Say) -> tuple[str, ...]:
    """Of what sort a statement is: those of one sort take effect alike."""
    body = say.body
    return (say.kind, str(body.get("event", "")) if isinstance(body, dict) else "")


def _references(body: Mapping[str, Any]) -> Iterator[Ref]:
    for value in body.values():
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, Ref))


def _later(body: Mapping[str, Any], ids: tuple[bytes | int, ...]) -> Callable[[Sequence[bytes]], dict[str, Any]]:
    """A body that names statements of the same piece: numbers in `ids` are their places in it."""

    def made(said: Sequence[bytes]) -> dict[str, Any]:
        return resolved(body, [id if isinstance(id, bytes) else said[id] for id in ids])

    return made


def _content(by: str, kind: str, sub: str, body: Any) -> _Content:
    return _Content(by, kind, sub, sha256(encode(body)).digest())


def _held_by(client: NodeClient, authors: set[str]) -> dict[_Content, bytes]:
    """What some authors have said already, by content, read from the whole log."""
    size = int(client.checkpoint().splitlines()[1])  # C2SP tlog-checkpoint
    found: dict[_Content, bytes] = {}
    with output.progress("Reading what has been said already", size) as step:
        for raw in read_entries(client, size, step):
            said = decode(raw)
            if said.iss in authors and said.kind.startswith(
                ("issuer.register", "accreditation.", "authority.delegate")
            ):
                found[_content(said.iss, said.kind, said.sub, said.body)] = said.id
    return found
