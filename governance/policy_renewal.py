"""Exports trust policies from a fold, and renews them along signed history.

A verifier's trust policy (`registry.trust`) names the signers of one version of the charter. Nodes come and go and keys
rotate, so the policy must follow the charter. But it must not follow somebody who has bought the keys of long retired
nodes. So a renewal needs two proofs that no single party can make:

* a state note signed by a fresh quorum of the **old** signers, with the records of the charter and of the new signers'
  nodes proved under it; this shows which charter is in force, and with which keys;
* the **statements** behind it: the charter statement of the last step in the policy; every amendment since, each
  approved by more than half of the authorities of the charter before it *and* of its own; and for each signer that the
  charter itself does not name with its key, the `node.admit` that does, approved by the authorities in force.

A buyer of signers' keys can make a note but no amendment. A buyer of authorities' keys can make an amendment but no
note, and an amendment that the noted charter record does not name is refused. An authority's keys are those that the
charters name, those that it added itself (`key.add`) and the committed successors of either (`key.rotate`). The check
ignores cut-offs: the author of the renewal could leave them out, and the noted charter record already reflects them. If
no step is new, a renewal is as strong as a quorum of the old signers.

An expired policy cannot be renewed: its verifier needs a new file from a trusted source.

    renewal = {"v": 1, "records_root": bstr32, "statements_root": bstr32, "records": [[type, id, record, proof], ...],
               "note": bstr, "statements": [bstr, ...]}             deterministic CBOR
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from accredit.governance.authority.node_names import NAMING
from accredit.governance.index.key_entries import key_entries
from accredit.governance.rules.charter import Authority, Charter, charter_of, parse
from accredit.governance.rules.rulebook import check_statement, rule_for
from accredit.governance.rules.undoing import is_met
from accredit.registry.domain.record_types import NodeRecord
from accredit.registry.domain.records import Records, charter_in, node_in
from accredit.registry.encoding import schema
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import RefusedError
from accredit.registry.evidence.proved_records import ProvenRecord, ProvenRecords, Proving, Recorder, decode_records
from accredit.registry.evidence.state_check import read_note
from accredit.registry.evidence.trust_policy import LIFETIME, MAX_AGE, TrustPolicy
from accredit.registry.statement import Statement, Unverified, verify
from accredit.registry.statement import decode as decode_statement
from accredit.registry.transparency.state_note import quorum, signer_key
from accredit.registry.transparency.state_trie import state_root
from accredit.registry.transparency.tlog_policy import Policy, threshold_policy

from .fold import Fold

RENEWAL_BYTES: Final = 4 * 1024 * 1024
STATEMENTS_MAX: Final = 4_000
"""Some amendments of a charter with 64 authorities of several keys each, with their votes."""
STEPS_MAX: Final = 64
"""The most charter versions that one renewal follows; more in 90 days would not be a stable charter. A guess."""

_KEY_KINDS: Final = ("key.add", "key.rotate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The content of a renewal file, unverified; see the module."""

    records_root: bytes
    statements_root: bytes
    records: tuple[ProvenRecord, ...]
    note: bytes
    statements: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The file."""
        return encode(
            {
                "v": 1,
                "records_root": self.records_root,
                "statements_root": self.statements_root,
                "records": [one.as_list() for one in self.records],
                "note": self.note,
                "statements": list(self.statements),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "Renewal":
        """Reads a file; `encode` gives the same bytes back.

        Raises:
            DecodeError: it is not well-formed.
        """
        value = decode(data, what="the renewal", max_bytes=RENEWAL_BYTES)
        _FORM(value, "renewal")
        if "ext" in value:
            raise schema.wrong("renewal", "no other members")
        return cls(
            records_root=value["records_root"],
            statements_root=value["statements_root"],
            records=decode_records(value["records"]),
            note=value["note"],
            statements=tuple(value["statements"]),
        )


def _octets(value: Any, path: str) -> None:
    if type(value) is not bytes:
        raise schema.wrong(path, "a byte string")


def _list(value: Any, path: str) -> None:
    if type(value) is not list or len(value) > STATEMENTS_MAX:
        raise schema.wrong(path, f"a list of at most {STATEMENTS_MAX}")


def _statements(value: Any, path: str) -> None:
    _list(value, path)
    for one in value:
        _octets(one, path)


_FORM: Final = schema.members(
    {
        "v": schema.integer(1, 1),
        "records_root": schema.digest,
        "statements_root": schema.digest,
        "records": _list,
        "note": _octets,
        "statements": _statements,
    }
)


def export_policy(fold: Fold, now: int, *, max_age: int = MAX_AGE, authorities: Iterable[str] = ()) -> TrustPolicy:
    """Return the trust policy of the charter in force, for a person whom the verifier trusts to hand over.

    Args:
        now: seconds since 1970; it expires 90 days later.
        authorities: ids relied on; empty for all of the ecosystem.

    Raises:
        RefusedError: no charter is in effect, or it names no signers.
    """
    if fold.law is None:
        raise RefusedError(
            "no_charter",
            "The ecosystem's genesis is not in effect.",
            hint="Wait until its authorities have approved it.",
        )
    version = fold.law.ground.versions[-1]
    return TrustPolicy(
        ecosystem=fold.ecosystem,
        charter=version.charter.id,
        version=len(fold.law.ground.versions),
        step=version.statement.id,
        signers=_signers(_node_keys(version.charter, fold)),
        max_age=max_age,
        expires=now + LIFETIME,
        authorities=tuple(sorted(authorities)) or (version.charter.id,),
    )


def prove_renewal(fold: Fold, noted: Proving, step: bytes, *, statements_root: bytes, note: bytes) -> Renewal:
    """Return exactly the statements and proofs that a verifier with the policy step `step` needs.

    Args:
        fold: the held set; it may be ahead of the noted state, and later amendments are left out.
        noted: records of the state to which `note` and `statements_root` belong.
        step: id of the charter statement in force at the noted state, or of an earlier version.

    Raises:
        RefusedError: no such version is known here (`unknown_step`).
    """
    law = fold.law
    versions = [] if law is None else [version.statement for version in law.ground.versions]
    recorder = Recorder(noted)
    charter = None if law is None else charter_in(recorder, law.charter.id)
    ids = [version.id for version in versions]
    if law is None or charter is None or step not in ids or charter["statement"] not in ids[ids.index(step) :]:
        raise RefusedError(
            "unknown_step",
            f"No version of the charter that a quorum has noted here comes after {step.hex()}.",
            hint="Ask again in a minute, or ask another node.",
        )
    in_effect = law.effective_governing()
    wanted = versions[ids.index(step) : ids.index(charter["statement"]) + 1]
    wanted += [s for kind in _KEY_KINDS for s in fold.chains.of_kind(kind) if s.id in in_effect]
    for name in sorted(charter["signers"]):
        record = node_in(recorder, name)
        assert record is not None, "a charter's nodes have records"
        wanted += [fold.chains[s] for s in (record["statement"], record["retired"]) if s is not None]
    votes = [vote for statement in wanted for vote in fold.chains.votes_on(statement.id)]
    raws = {statement.id: statement.raw for statement in (*wanted, *votes)}
    return Renewal(
        records_root=noted.records_root(),
        statements_root=statements_root,
        records=recorder.prove(),
        note=note,
        statements=tuple(raws.values()),
    )


def renew(policy: TrustPolicy, renewal: Renewal, now: int) -> TrustPolicy:
    """Return the policy with the current signers, good for another 90 days; all else stays the same.

    Raises:
        RefusedError: it does not follow (`registry.evidence.state_check.CheckError` where note or proofs fail); the
        policy stays as it
            is.
        DecodeError: a statement is not well-formed.
    """
    noted = read_note(renewal.note, policy, now)
    _require_standard(policy.signers)
    if state_root(renewal.records_root, renewal.statements_root) != noted.state.root:
        raise RefusedError("renewal_root", "The roots in the renewal do not match its state note.")
    records = ProvenRecords(renewal.records_root, renewal.records)
    history = _History(policy.step, renewal.statements)
    version, step, charter = history.follow(policy)
    record = charter_in(records, policy.charter)
    if record is None or (record["statement"], record["version"]) != (step, version):
        raise RefusedError(
            "renewal_charter",
            f"The charter that the signers vouch for is not version {version} of the renewal.",
            hint="Fetch the renewal again; if this persists, somebody is showing you a false history.",
        )
    for name in sorted(charter.body["signers"]):
        history.check_node(name, node_in(records, name), charter)
    signers = _signers(_node_keys(charter, records))
    records.check_all_read()
    return replace(policy.remember(noted.state), version=version, step=step, signers=signers, expires=now + LIFETIME)


def _node_keys(charter: Charter, records: Records) -> dict[str, bytes]:
    """Return the state key in the node record of each signer that the charter names and that is not retired."""
    found = {name: node_in(records, name) for name in sorted(charter.body["signers"])}
    return {name: node["keys"]["state"] for name, node in found.items() if node is not None and node["retired"] is None}


def _signers(keys: Mapping[str, bytes]) -> Policy:
    if not keys:
        raise RefusedError(
            "no_signers", "The charter names no signers.", hint="Name signers in an amendment of the charter."
        )
    return threshold_policy([signer_key(name, public) for name, public in keys.items()], quorum(len(keys)))


def _require_standard(signers: Policy) -> None:
    """Refuse to replace a policy that requires more than a quorum, because somebody chose that on purpose."""
    if signers != threshold_policy(signers.keys, quorum(len(signers.keys))):
        raise RefusedError(
            "policy_own_quorum",
            "The owner of this policy changed its quorum; renewing would replace it with the usual quorum.",
            hint="Edit its signers by hand instead.",
        )


class _History:
    """The statements of a renewal, verified where their keys are known, and the keys of each authority."""

    def __init__(self, step: bytes, raws: Iterable[bytes]) -> None:
        unverified = [decode_statement(raw) for raw in raws]
        for one in unverified:
            check_statement(one)
        self._step = next((one for one in unverified if one.id == step), None)
        self._publics = {key_id(public): public for one in unverified for public in _publics(one)}
        self._held = {one.id: one for one in map(self._verified, unverified) if one is not None}
        self._brought: dict[str, set[bytes]] = {}
        self._successors: set[tuple[bytes, bytes]] = set()
        self._votes: dict[bytes, list[Statement]] = {}
        for statement in self._held.values():
            if statement.kind == "vote.approve":
                for target in statement.body["targets"]:
                    self._votes.setdefault(target, []).append(statement)

    def follow(self, policy: TrustPolicy) -> tuple[int, bytes, Charter]:
        """Return number, id and content of the last version; each step must be approved by the version before and by
        itself."""
        first = self._step
        if first is None or first.kind not in ("charter.genesis", "charter.amend"):
            raise RefusedError(
                "renewal_step",
                "The charter statement that the policy last followed is not in the renewal.",
                hint="Ask for a renewal that starts from that step.",
            )
        version, step, charter = policy.version, policy.step, charter_of(first)
        self._learn(charter)
        while (following := self._next(step, version, charter)) is not None:
            version, step, charter = version + 1, following.id, charter_of(following)
            self._learn(charter)
            if version - policy.version > STEPS_MAX:
                raise RefusedError("renewal_steps", f"The renewal has more than {STEPS_MAX} versions.")
        return version, step, charter

    def check_node(self, name: str, record: NodeRecord | None, charter: Charter) -> None:
        """Check that authorities stated the content of a signer's record: in the charter, by admitting or by retiring
        the node."""
        said = [s for s in self._held.values() if s.kind.startswith("node.") and self._is_approved(s, charter)]
        if record is not None and record["retired"] is not None:
            is_said = any(s.kind == "node.retire" and s.body["name"] == name for s in said)
        else:
            nodes = [*charter.body["nodes"], *(s.body for s in said if s.kind in NAMING)]
            named = [node["keys"]["state"] for node in nodes if node["name"] == name]
            is_said = record is not None and record["keys"]["state"] in named
        if not is_said:
            raise RefusedError(
                "signer_not_named",
                f"No approved statement supports the record of the signer {name}.",
                hint="Fetch the renewal again; if this persists, the old signers are lying.",
            )

    def _next(self, step: bytes, version: int, charter: Charter) -> Statement | None:
        found = [
            s
            for s in self._held.values()
            if s.kind == "charter.amend"
            and (s.body["parent"], s.body["version"]) == (step, version + 1)
            and s.body["charter"]["id"] == charter.id
            and all(self._is_approved(s, c, by_most=True) for c in (charter, parse(s.body["charter"])))
        ]
        # If two passed, the one with the lower id is in force, as in `charter_chain`.
        return min(found, key=lambda s: s.id, default=None)

    def _is_approved(self, statement: Statement, charter: Charter, *, by_most: bool = False) -> bool:
        speaking = self._speaking(statement, charter)
        rule = rule_for(statement.kind, charter.rules)
        return is_met(rule, speaking, charter) and (not by_most or len(speaking) * 2 > len(charter.authorities))

    def _speaking(self, statement: Statement, charter: Charter) -> list[CanonicalId]:
        # A key counts once, for the first authority that it names.
        approvals = sorted([statement, *self._votes.get(statement.id, ())], key=lambda s: (s.seq, s.id), reverse=True)
        by_key = {s.kid: s.iss for s in approvals}
        return [
            by
            for by, authority in sorted(charter.authorities.items())
            if len({kid for kid, iss in by_key.items() if iss == by} & self._keys_of(authority)) >= authority.threshold
        ]

    def _learn(self, charter: Charter) -> None:
        """Learn the keys that authorities themselves brought while a charter was in force: added ones and
        successors."""
        named = [entry for authority in charter.body["authorities"] for entry in authority["keys"]]
        # Only a key that already counts can bring another, because anybody can write an entry for a foreign key.
        self._successors.update((key_id(e["public"]), e["next"]["key"]) for e in named if "next" in e)
        waiting = [s for s in self._held.values() if s.kind in _KEY_KINDS and s.iss in charter.authorities]
        while ready := [s for s in waiting if self._brings(s, charter.authorities[s.iss])]:
            for statement in ready:
                for entry in key_entries(statement):
                    self._brought.setdefault(statement.iss, set()).add(key_id(entry["public"]))
                    if "next" in entry:
                        self._successors.add((key_id(entry["public"]), entry["next"]["key"]))
            waiting = [s for s in waiting if s not in ready]

    def _brings(self, statement: Statement, authority: Authority) -> bool:
        own = self._keys_of(authority)
        if statement.kind == "key.add":
            approvals = {s.kid for s in (statement, *self._votes.get(statement.id, ())) if s.iss == statement.iss}
            return len(approvals & own) >= authority.threshold
        key, new = statement.body["key"], key_id(statement.body["new"]["public"])
        return key in own and new == statement.kid and (key, new) in self._successors

    def _keys_of(self, authority: Authority) -> set[bytes]:
        return {*authority.keys, *self._brought.get(authority.id, ())}

    def _verified(self, unverified: Unverified) -> Statement | None:
        """Return None for a key that no statement here introduces; its statement does not count."""
        public = self._publics.get(unverified.kid)
        return None if public is None else verify(unverified, public)


def _publics(statement: Unverified) -> Iterable[bytes]:
    return [entry["public"] for entry in key_entries(statement)]
