"""The signing desk: the one way from a draft to a statement in the registry.

Every command that makes a statement calls `Desk.propose` with its content. The desk then, in this order,

1. finds the key file (`--key`, ACCREDIT_KEY) and asks the node which authority the key speaks for and what its newest
   statement is. To avoid a fork, two nodes must agree on the head if the key file is behind the node (a fresh copy, a
   restored backup); if it is ahead, signed statements that never arrived are sent first;
2. builds the drafts: numbered after the head, dated now but never before the previous statement;
3. asks the node for the effect of each (dry run) and refuses those that cannot take effect, unless `--force`;
4. with `--dry-run` stops there, with `--offline FILE` writes a request file and stops there;
5. unlocks the key once, signs, writes the signed statements to `<key file>.unsent` and their last number into the key
   file, and only then sends them. If the connection breaks, nothing is lost and nothing can be signed twice;
6. shows the outcome of each.
"""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from accredit.cli.base import exits, node_option, output
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import AUTHORITIES, read_id
from accredit.cli.base.node_option import complete
from accredit.cli.base.output import faint, fair, mix, shorten
from accredit.cli.base.real_lists import check_real_lists
from accredit.governance.index.key_entries import next_number
from accredit.governance.rules.rulebook import check_body, check_statement, names_mandate
from accredit.node.files.key_files import SealedKey
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError, NotYetError, RefusedError, RemoteError
from accredit.registry.limits import LOOKUP_STATEMENTS
from accredit.registry.statement import Draft, Statement, Unverified, as_unverified, decode, verify

from .ballot_paper import targets_of
from .clock import CLOCK_SLACK, require_clock
from .key_head import compare_heads
from .keys import PublicKey, UnlockedKey, key_options, read_public, unsent_path, write_unsent
from .offline_files import Head, SignedStatements, SigningRequest, read_statements
from .outcomes import CANNOT_TAKE_EFFECT, SHOWN, Outcome, foreseen_lines, outcome_of, show
from .submit import await_key, submit

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")

_HELD: Final = ("logged", "known")
_TOLD: Final = 5  # drafts whose consequences are told before signing


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """The content of one statement to be made.

    Attributes:
        kind, sub: as in a statement.
        body: its members; or a function that makes them from the ids of the statements before it in the same call, for
            parts that name their whole.
        label: how the result table names it; its subject, if empty.
        chose_budget: whether the user named its budgets in this command, so that they may be large.
    """

    kind: str
    sub: str
    body: dict[str, Any] | Callable[[Sequence[bytes]], dict[str, Any]]
    label: str = ""
    chose_budget: bool = False


Alike = Callable[[Say], Hashable]
"""The common traits of similar statements: of thousands, the node is asked only about the first of each sort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """A key as the ecosystem knows it: the authority it speaks for here, and its head.

    `counts` is false while it counts for nobody: a successor before its first word, a founder before the founding.
    `mandates` are those under which it speaks: (`by`, `via` in hex or None), as in records.
    """

    kid: bytes
    counts: bool
    authority: str
    mandates: frozenset[tuple[str, str | None]]
    head: Head | None
    next_seq: int
    budget: int
    iat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options that every signing command takes."""

    key: Path | None
    passphrase_file: Path | None
    authority: str | None
    offline: Path | None
    dry_run: bool
    force: bool
    mandate: str | None = None


def _is_in_force(standing: Mapping[str, Any]) -> bool:
    """Return whether a mandate, as `/v1` shows it, has been neither withdrawn nor outlived."""
    until = standing.get("valid_until")
    return standing["withdrawn"] is None and (until is None or rfc3339.parse(until) > time.time())


def signing(command: _F) -> _F:
    """Adds the signing options and `--node` to a command, which gets one argument for all: `desk: Desk`."""

    def invoke(
        *args: Any,
        nodes: tuple[str, ...],
        key: Path | None,
        passphrase_file: Path | None,
        authority: str | None,
        mandate: str | None,
        offline: Path | None,
        dry_run: bool,
        force: bool,
        **kwargs: Any,
    ) -> Any:
        wishes = Wishes(
            key=key,
            passphrase_file=passphrase_file,
            authority=authority,
            mandate=mandate,
            offline=offline,
            dry_run=dry_run,
            force=force,
        )
        with Desk(nodes, wishes) as desk:
            return command(*args, desk=desk, **kwargs)

    decorated: Any = update_wrapper(invoke, command)
    for option in reversed(_SIGNING_OPTIONS):
        decorated = option(decorated)
    result: _F = key_options(node_option.node_option(decorated))
    return result


_SIGNING_OPTIONS: Final = (
    click.option("--as", "authority", metavar="ID", help="Authority to sign for, if the key belongs to several."),
    click.option(
        "--mandate", metavar="ID", help="Delegation to sign under, or who gave it, if the key belongs to several."
    ),
    click.option(
        "--offline",
        metavar="FILE",
        type=FILE,
        help="Sign nothing; write a request file for `accredit sign` on a machine without a network.",
    ),
    click.option("--dry-run", is_flag=True, help="Sign nothing; show the effect it would have."),
    click.option("--force", is_flag=True, help="Sign even if the statement cannot take effect now."),
)


class Desk:
    """See the module's docstring. Use as a context manager; connections close at the end."""

    def __init__(self, nodes: tuple[str, ...], wishes: Wishes) -> None:
        self.nodes = nodes
        self.wishes = wishes
        self._stack = ExitStack()
        self._read: dict[bytes, Unverified] = {}
        self._sorts: dict[Hashable, dict[str, Any]] = {}
        self._drafted: dict[int, bytes] = {}
        self.unlocked: UnlockedKey | None = None
        """The key, once it has been unlocked: who signs thousands of statements types the passphrase once."""

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def client(self) -> "NodeClient":
        """Return the client of the first node."""
        return self._stack.enter_context(node_option.connected(self.nodes[0], for_work=True))

    @cached_property
    def ecosystem(self) -> dict[str, Any]:
        """Return `GET /v1/ecosystem` of the first node."""
        found: dict[str, Any] = self.client.ecosystem()
        return found

    @cached_property
    def key_path(self) -> Path:
        """Return the path of the key file.

        Raises:
            InputError: no key file is named.
        """
        if self.wishes.key is None:
            raise InputError(
                "no_key",
                "No key file was given.",
                hint="Add --key FILE or set ACCREDIT_KEY; accredit keys new makes one.",
            )
        return self.wishes.key

    @cached_property
    def voice(self) -> KeyStanding:
        """Return the key, its authority and its head, after sending everything unsent.

        Raises:
            NotYetError: the node does not know the key, or lacks its earlier statements.
            InputError: it speaks for several authorities and none was named, or not for that one.
            RefusedError: the key has been cut off, or two nodes contradict each other.
        """
        key = read_public(self.key_path)
        if not self.wishes.offline and not self.wishes.dry_run:
            self._send_unsent()
        known = self._key_at_node(key)
        authority = self._choose_authority(known)
        head = Head(seq=known["seq"], id=bytes.fromhex(known["head"])) if known["head"] else None
        if known["forked"]:
            raise RefusedError(
                "key_forked",
                f"Key {shorten(key.kid)} has signed two statements with the same number, so its statements have "
                "no effect.",
                hint="End it with another key of your authority: accredit keys compromise.",
            )
        self._require_ecosystem(key)
        if key.is_secret and not self.wishes.dry_run:
            # Of an exported entry nothing is known; there the key file that signs the request is the guard.
            compare_heads(self.nodes, self.ecosystem, key.kid, last=key.last, head=head)
        newest = self._newest(head, key) if head else None
        return KeyStanding(
            kid=key.kid,
            counts=bool(known["authorities"]),
            authority=authority,
            mandates=frozenset((one["by"], one["via"]) for one in known["authorities"] if one["by"] == authority),
            head=head,
            next_seq=next_number(newest) if newest else 1,
            budget=known["budget"],
            iat=newest.iat if newest else 0,
        )

    @property
    def authority(self) -> str:
        """Return the id of the authority the key speaks for."""
        return self.voice.authority

    def proposals(self, targets: Sequence[bytes]) -> list[Unverified]:
        """Return the statements that a vote names, read from their own bytes, so that a node cannot substitute others.

        Raises:
            InputError: the node does not hold one.
            RemoteError: it sends another statement than the one asked for.
        """
        with output.progress("Reading the proposals", len(targets)) as step:
            wanted = [target for target in dict.fromkeys(targets) if target not in self._read]
            step(len(targets) - len(wanted))
            for start in range(0, len(wanted), LOOKUP_STATEMENTS):
                some = wanted[start : start + LOOKUP_STATEMENTS]
                for said in self.client.signed(some).values():
                    check_body(said.kind, said.body)
                    self._read[said.id] = said
                step(len(some))
        for target in wanted:
            if target not in self._read:
                raise InputError(
                    "not_found",
                    f"{self.nodes[0]} does not hold the statement {target.hex()}.",
                    hint="It may not have arrived yet; ask again in a moment.",
                )
        return [self._read[target] for target in targets]

    @cached_property
    def mandate(self) -> str | None:
        """Return the delegation under which the key speaks here, in hex; None under the charter, or for nobody yet.

        Raises:
            InputError: there are several and none was chosen, or the chosen one is not the key's.
        """
        held = {via for _, via in self.voice.mandates}
        delegations = sorted(via for via in held if via is not None)
        chosen = self.wishes.mandate
        if chosen is not None and ":" not in chosen:
            return complete(chosen, lambda: delegations, "a mandate of the key")
        if chosen is None and (None in held or not held):
            return None
        if chosen is None and len(delegations) == 1:
            return delegations[0]
        records = self.client.authorities()["authorities"]
        standings = {one["via"]: one for record in records for one in record["standings"]}
        if chosen is not None:
            giver = read_id(chosen, "--mandate", search=AUTHORITIES)
            given = [id_ for id_ in delegations if id_ in standings and standings[id_]["parent"]["by"] == giver]
            if not given:
                raise InputError(
                    "not_your_mandate",
                    f"--mandate: {giver} has given {self.voice.authority} no delegation that names this key.",
                    hint=f"accredit authority show {self.voice.authority} lists its mandates.",
                )
            delegations = given
        in_force = [id_ for id_ in delegations if id_ not in standings or _is_in_force(standings[id_])]
        if len(in_force) == 1:
            return in_force[0]
        if chosen is not None and len(delegations) == 1:
            return delegations[0]
        listed = [
            shorten(id_) + (f" (by {standings[id_]['parent']['by']})" if id_ in standings else "")
            for id_ in delegations
        ]
        raise InputError(
            "several_mandates",
            f"The key speaks for {self.voice.authority} under {many(len(delegations), 'delegation')}: "
            f"{', '.join(listed)}.",
            hint="Choose one with --mandate ID; the id of the body that gave it will do, if it gave only one.",
        )

    def _mandate_of(self, say: Say, body: Mapping[str, Any]) -> bytes | None:
        """Return the mandate that a statement names."""
        if not names_mandate(say.kind):
            return None
        is_own_word = say.kind in ("issuer.key", "issuance.commit") and body["issuer"] == self.voice.authority
        if is_own_word and body.get("op") != "add" and len(self.voice.mandates) > 1 and self.wishes.mandate is None:
            return None  # whoever names an issuer's key in delegations of their own must not hinder its report
        return None if self.mandate is None else bytes.fromhex(self.mandate)

    def is_own(self, said: Mapping[str, Any]) -> bool:
        """Return whether a part of a record, as `/v1` shows it, was stated under the mandate of the key.

        The name is not enough: two delegations to one body are two mandates; each may change only its own statements.
        """
        return bool(self.voice.mandates) and (said["by"], said["via"]) == (self.voice.authority, self.mandate)

    def propose(
        self,
        says: Sequence[Say],
        *,
        show: bool = True,
        alike: Alike | None = None,
        signed: Callable[[Sequence[bytes]], None] = lambda _: None,
    ) -> list[Outcome]:
        """Make all statements of `says`, in order, and show their outcomes.

        Args:
            says: at least one.
            show: print the result; False for a caller that prints its own.
            alike: before signing, ask the node only about the first of each sort; None: about each.
            signed: called with the signed statements, once they are kept and before they are sent.

        Returns:
            one outcome for each, in the same order.

        Raises:
            RefusedError: one of them cannot take effect; nothing was signed.
            RemoteError: the node could not be reached; signed statements are kept and sent next time.
        """
        require_clock(self.client)
        drafts = self._drafts(says)
        outcomes = self._foresee(says, drafts, alike)
        if self.wishes.dry_run:
            pass
        elif self.wishes.offline is not None:
            self._write_request(drafts, self.wishes.offline)
            outcomes = [outcome.with_status("requested") for outcome in outcomes]
        else:
            outcomes = [
                one.warned(before) for one, before in zip(self._say(says, drafts, alike, signed), outcomes, strict=True)
            ]
        if show:
            output.emit({"statements": [outcome.to_json() for outcome in outcomes]}, lambda: self.show(outcomes))
            if any(outcome.came_to_nothing for outcome in outcomes):
                raise exits.Negative
        return outcomes

    def show(self, outcomes: Sequence[Outcome]) -> None:
        """Print outcomes for people, and what to do with a request file."""
        show(outcomes)
        if self.wishes.offline is not None and not self.wishes.dry_run:
            output.say(f"Nothing is signed yet. Take {self.wishes.offline} to the machine with your key and run there:")
            output.say(f"  accredit sign {output.quoted(self.wishes.offline)} -o signed.json")

    # ------------------------------------------------------------------------------------------- the key and its head

    def _key_at_node(self, key: PublicKey) -> dict[str, Any]:
        known = await_key(self.client, key.kid, key.last.seq if key.last else 0)
        if known is None:
            raise NotYetError(
                "unknown_key",
                f"{self.nodes[0]} does not know the key {shorten(key.kid)}.",
                hint="First introduce the key with a charter, a delegation or accredit keys add; or ask another node.",
            )
        return known

    def _newest(self, head: Head, key: PublicKey) -> Statement:
        """Return the key's newest statement, after checking its signature, so that a node cannot invent it.

        Raises:
            RemoteError: the node's answer is not what the key has signed.
        """
        try:
            newest = verify(decode(self.client.statement_bytes(head.id)), key.public)
        except (DecodeError, RefusedError) as error:
            raise RemoteError(
                "bad_answer",
                f"{self.nodes[0]} reports a newest statement that your key has not signed ({error.message})",
                hint="Ask another node with --node, and tell its operator.",
            ) from error
        if (newest.id, newest.seq) != (head.id, head.seq):
            raise RemoteError(
                "bad_answer",
                f"{self.nodes[0]} contradicts itself about your key's newest statement.",
                hint="Ask another node with --node, and tell its operator.",
            )
        return newest

    def _require_ecosystem(self, key: PublicKey) -> None:
        here = self.ecosystem["ecosystem"]
        if key.ecosystem is not None and key.ecosystem.hex() != here:
            raise RefusedError(
                "wrong_ecosystem",
                f"The key belongs to the ecosystem {shorten(key.ecosystem)}, but {self.nodes[0]} serves {here[:12]}.",
                hint="Give a node of your ecosystem with --node, or another key with --key.",
            )

    def _choose_authority(self, known: dict[str, Any]) -> str:
        chosen = self.wishes.mandate
        begins = "" if chosen is None or ":" in chosen else chosen.lower()
        held = [one for one in known["authorities"] if (one["via"] or "").startswith(begins)]
        ids = sorted({standing["by"] for standing in held})
        if not ids and not known["cut"]:
            # A committed successor that has not spoken yet; or a founder: nobody speaks for anybody before the charter
            # is in effect, and founders' votes are what puts it there. For others the dry run says why it is no use.
            ids = [read_public(self.key_path).authority]
        wanted = self.wishes.authority
        if wanted is not None and wanted not in ids:
            raise InputError(
                "not_your_authority",
                f"The key does not sign for {wanted}.",
                hint=f"It signs for {', '.join(ids) or 'nobody, or no longer'}.",
            )
        if known["cut"]:
            raise RefusedError(
                "key_cut_off",
                "The key no longer signs for anybody: it was cut off.",
                hint="accredit authority list shows the keys of each authority.",
            )
        if wanted is None and len(ids) > 1:
            raise InputError(
                "several_authorities", f"The key signs for {', '.join(ids)}.", hint="Choose one with --as ID."
            )
        return wanted or ids[0]

    # ------------------------------------------------------------------------------------------------ drafts and votes

    def _drafts(self, says: Sequence[Say]) -> list[Unverified]:
        voice, eco = self.voice, bytes.fromhex(self.ecosystem["ecosystem"])
        now = int(time.time())
        if voice.iat > now + CLOCK_SLACK:
            output.note(fair("This key's last statement is dated in the future; the new one will be dated the same."))
        head, number = voice.head, voice.next_seq
        drafts: list[Unverified] = []
        ids: list[bytes] = []
        for say in says:
            body = say.body(ids) if callable(say.body) else say.body
            draft = Draft(
                iss=voice.authority,
                sub=say.sub,
                iat=max(now, voice.iat),
                eco=eco,
                kind=say.kind,
                seq=number,
                prev=head.id if head else None,
                body=body,
                mandate=self._mandate_of(say, body),
            )
            said = as_unverified(draft, voice.kid)
            check_statement(said)
            check_real_lists(body)
            head, number = Head(seq=draft.seq, id=said.id), next_number(said)
            if not say.chose_budget and not self.wishes.force:
                _require_modest(say, handed_out=number - draft.seq - 1, left=voice.budget - draft.seq)
            drafts.append(said)
            ids.append(head.id)
        self._drafted = {draft.seq: id_ for draft, id_ in zip(drafts, ids, strict=True)}
        if drafts[-1].seq > voice.budget:
            raise RefusedError(
                "over_budget",
                f"This would be statement number {drafts[-1].seq} of the key, but its budget is {voice.budget}.",
                hint="Add a new key with another key of your authority: accredit keys add.",
            )
        return drafts

    def _foresee(self, says: Sequence[Say], drafts: Sequence[Draft], alike: Alike | None = None) -> list[Outcome]:
        """Return the effect that the node foresees for each draft; refuse those that cannot take effect."""
        outcomes: list[Outcome] = []
        sorts, drafted = self._sorts, self._drafted
        registered = {say.sub for say in says if say.kind == "issuer.register"}
        with output.progress("Asking for its effect", len(drafts)) as step:
            for say, draft in zip(says, drafts, strict=True):
                id_ = drafted[draft.seq]
                if callable(say.body):
                    # A part of something said just before it, which the node cannot know yet.
                    state = outcomes[0].state if outcomes else "cannot be predicted"
                    outcomes.append(_outcome(say, id_, "foreseen", {"state": state}, {}))
                    continue
                if alike is not None and (sort := alike(say)) in sorts:
                    outcomes.append(_outcome(say, id_, "foreseen", sorts[sort], {}))
                    step(1)
                    continue
                asked = {"iss": draft.iss, "sub": draft.sub, "kind": draft.kind, "body": draft.body}
                named = {} if draft.mandate is None else {"mandate": draft.mandate}
                foreseen = self.client.dry_run({**asked, **named, "key": self.voice.kid})
                told = foreseen.setdefault("foreseen", {})  # a node of an older version foresees nothing
                told["unregistered"] = [one for one in told.get("unregistered", ()) if one not in registered]
                if alike is not None:
                    sorts[alike(say)] = {**foreseen, "foreseen": {}}  # what is said of one is not true of another
                outcomes.append(_outcome(say, id_, "foreseen", foreseen, {}))
                step(1)
        hopeless = [outcome for outcome in outcomes if outcome.state in CANNOT_TAKE_EFFECT]
        if hopeless and not self.wishes.force and not self.wishes.dry_run:
            first = hopeless[0]
            more = f" (and {len(hopeless) - 1} more)" if len(hopeless) > 1 else ""
            raise RefusedError(
                "cannot_take_effect",
                f"{first.kind} about {first.name} would not take effect: {first.reason.rstrip('.')}{more}.",
                hint="Nothing was signed. Change it, or add --force to sign it anyway.",
            )
        if not self.wishes.dry_run and self.wishes.offline is None:
            self._tell(outcomes)
        return outcomes

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        """Print the foreseen effects before anything is signed."""
        for outcome in outcomes[:_TOLD]:
            for line in foreseen_lines(outcome.foreseen):
                output.note(line if len(outcomes) == 1 else mix(outcome.name, ": ", line))
        left = sum(bool(foreseen_lines(outcome.foreseen)) for outcome in outcomes[_TOLD:])
        if left:
            output.note(faint(f"… and {left} more with notes; --dry-run --json lists them all."))

    def _write_request(self, drafts: Sequence[Draft], path: Path) -> None:
        from accredit.cli.base.documents import write_new

        request = SigningRequest(
            ecosystem=drafts[0].eco,
            ecosystem_name=str(self.ecosystem["name"]),
            key=self.voice.kid,
            authority=self.voice.authority,
            head=self.voice.head,
            drafts=tuple(drafts),
            votes_on=tuple(one.raw for one in self.proposals(targets_of(drafts))),
        )
        write_new(path, request.encode(), force=self.wishes.force)

    def _say(
        self,
        says: Sequence[Say],
        drafts: Sequence[Unverified],
        alike: Alike | None,
        signed: Callable[[Sequence[bytes]], None],
    ) -> list[Outcome]:
        signer = self.unlocked = self.unlocked or UnlockedKey.unlock(self.key_path, self.wishes.passphrase_file)
        with output.progress("Signing"):
            raws = signer.sign(
                drafts,
                keep=lambda raws: write_unsent(
                    self.key_path,
                    SignedStatements(
                        ecosystem=bytes.fromhex(self.ecosystem["ecosystem"]),
                        ecosystem_name=str(self.ecosystem["name"]),
                        statements=tuple(raws),
                    ),
                    drafts,
                ),
            )
        signed(raws)
        receipts = submit(self.client, raws)
        unsent_path(self.key_path).unlink(missing_ok=True)
        self.__dict__.pop("voice", None)  # the head has moved on
        ids = [self._drafted[draft.seq] for draft in drafts]
        firsts: dict[Hashable, bytes] = {}
        for at, (say, receipt) in enumerate(zip(says, receipts, strict=True)):
            if receipt["status"] in _HELD:
                firsts.setdefault(at if alike is None else alike(say), ids[at])
        asked = list(firsts.values())[:SHOWN]
        standings = self.learn(lambda: self._standings(asked), dict[bytes, dict[str, Any]]())
        return [
            _outcome(say, id, receipt["status"], standings.get(id, {}), receipt.get("problem") or {})
            for say, id, receipt in zip(says, ids, receipts, strict=True)
        ]

    def learn(self, ask: Callable[[], _T], unknown: _T) -> _T:
        """Return what the node answers about statements that it has just taken; `unknown`, with a note, if it does not.

        The command did what it was for. If it ended here with an error, its report would be lost, and people would
        make the same statements again.
        """
        try:
            return ask()
        except RemoteError as error:
            output.note(fair(f"Everything was sent. What became of it is not known yet: {output.safe(error.message)}"))
            return unknown

    def _standings(self, ids: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
        """Return how statements stand by the first node; of one alone, with what it leads to."""
        if len(ids) == 1:
            return {ids[0]: self.client.statement(ids[0])}
        return {bytes.fromhex(id): one for id, one in self.client.standings(ids).items()}

    def _send_unsent(self) -> None:
        """Send statements that an earlier command signed and could not send, because later numbers depend on them."""
        path = unsent_path(self.key_path)
        if not path.exists():
            return
        raws = read_statements(path)
        newest = decode(raws[-1])
        SealedKey.record_last(self.key_path, newest.seq, newest.id)
        submit(self.client, raws)
        path.unlink()
        output.note(f"Sent {many(len(raws), 'statement')} that an earlier command had signed and could not send.")


def _require_modest(say: Say, *, handed_out: int, left: int) -> None:
    """Check that a key keeps half of its remaining budget: it permanently loses the numbers that it hands out."""
    if 0 < left < 2 * handed_out:
        raise RefusedError(
            "generous_budget",
            f"{say.kind} about {say.label or say.sub} would give away {handed_out} of the {many(left, 'statement')} "
            "that your key may still sign.",
            hint=f"Nothing was signed. Give less (with --budget or in the file; at most {left // 2} in total), "
            "or add --force.",
        )


def _outcome(say: Say, id_: bytes, status: str, standing: dict[str, Any], problem: dict[str, Any]) -> Outcome:
    return outcome_of(
        kind=say.kind, sub=say.sub, label=say.label, id=id_, status=status, standing=standing, problem=problem
    )
