"""Finds the data needed to check a credential: the registry's answer, keys, status lists; each is fetched once.

    gathered = SupplyFinder(registry=…, receipts=…, given=…, others=…, may_fetch=…, may_be_private=…, now=…)
    gathered.check(prepared)  ->  CheckedCredential

A status list is judged like a credential: the registry is asked about its issuer and the key that signed it, as of the
list's own date. Where the issuer is gone, the list of a custodian counts that its accreditor has named (`custodians`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.judging import (
    CheckedCredential,
    IssuerAnswer,
    PreparedCredential,
    Supplies,
    judge,
    prepare,
    with_key,
)
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.proofs import further_methods, method_of
from accredit.cli.credentials.reading import read
from accredit.cli.credentials.status import ListSigner, SignerKey, StatusFiles, signer_key
from accredit.cli.verifying.receipts import HeldReceipts
from accredit.registry.errors import AccreditError

from .custodians import is_gone, name_of_custodian, signer_of_custodian
from .fetching import did_document, fetch
from .issuer_answers import IssuerRegistry

KEEPERS_ASKED: Final = 4
"""Bodies named as keepers of an issuer's records of which the records are read. A guess: few schools have several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CustodianOfList:
    """A custodian that signed a status list: its id and name, and what is known of the key."""

    id: str
    name: str
    key: SignerKey
    signer: ListSigner


@dataclass(kw_only=True)
class SupplyFinder:
    """See the module.

    Attributes:
        registry: answers questions about issuers. receipts: the receipts that came with the credentials.
        given: status lists that the user supplied, by name. others: further issuers whose lists count.
        may_fetch: whether other sites may be asked. may_be_private: also sites in the reader's own network.
        now: this machine's clock, seconds since 1970.
    """

    registry: IssuerRegistry
    receipts: HeldReceipts | None
    given: Mapping[str, bytes]
    others: Sequence[str]
    may_fetch: bool
    may_be_private: bool
    now: int
    _documents: dict[str, IssuerKeys] = field(default_factory=dict)
    _fetched: dict[str, bytes] = field(default_factory=dict)
    _why_not: dict[str, str] = field(default_factory=dict)
    _lists: dict[bytes, PreparedCredential | None] = field(default_factory=dict)

    def check(self, prepared: PreparedCredential) -> CheckedCredential:
        """Gather what a credential needs, and check it."""
        said, question = prepared.said, prepared.question
        if said is None or question is None:
            nothing = StatusFiles(given={}, fetched={}, why_not={})
            supplies = Supplies(keys=IssuerKeys(), answer=IssuerAnswer(decision=None), lists=nothing)
            return judge(prepared, supplies, self.now)
        more, known_of_time = ((), {}) if self.receipts is None else self.receipts.of(prepared.credential)
        answer, keys = self.registry.ask({**question, **known_of_time})
        for named in with_key(prepared, keys):
            assert named.question is not None, "it names a key"
            prepared = named
            answer, keys = self.registry.ask({**named.question, **known_of_time})
            if keys.pinned:  # a voice that counts has pinned it
                break
        for method in further_methods(prepared.credential, said.issuer, str(question.get("key", ""))):
            others = self.registry.ask({**question, **known_of_time, "key": method})[1]
            keys = replace(keys, pinned=[*keys.pinned, *others.pinned])
        for entry in said.status:
            self._fetch_list(entry.list_url)
        lists = StatusFiles(given=self.given, fetched=self._fetched, why_not=self._why_not, others=self.others)
        signers: dict[SignerKey, ListSigner] = {}
        custodians = dict[str, str]()
        if said.status:
            signers = dict(self._signers(prepared, lists))
            if answer.decision is not None and is_gone(answer.decision):
                for custodian in self._custodians(prepared, lists, answer.decision):
                    custodians[custodian.id] = custodian.name
                    signers[custodian.key] = custodian.signer
            lists = replace(lists, custodians=custodians)
        supplies = Supplies(
            keys=self._with_document(said.issuer, keys),
            answer=answer,
            lists=lists,
            signers=signers,
            more=more,
            keepers={**self._keepers(said.issuer, answer), **custodians},
        )
        return judge(prepared, supplies, self.now)

    def _keepers(self, issuer: str, answer: IssuerAnswer) -> dict[str, str]:
        """Return the names of those whom the issuer's accreditor names as keepers of its records, if it is gone."""
        decision, found = answer.decision, dict[str, str]()
        if decision is None or not is_gone(decision):
            return found
        of = str(decision.get("issuer") or issuer)
        for id_ in answer.keepers[:KEEPERS_ASKED]:
            record = self.registry.ask({"issuer": id_})[0].record
            name = None if record is None else name_of_custodian(record, of, decision, self.now)
            if name is not None:
                found[id_] = name
        return found

    def _custodians(
        self, prepared: PreparedCredential, lists: StatusFiles, decision: Mapping[str, Any]
    ) -> Iterator[_CustodianOfList]:
        """Return who signed a status list at hand as the custodian of an issuer that is gone."""
        assert prepared.said is not None, "it can be read"
        for raw in (*lists.given.values(), *lists.fetched.values()):
            listed = self._list(raw, prepared.loader)
            if listed is None or listed.said is None or listed.said.issuer in (prepared.said.issuer, *self.others):
                continue
            id_ = listed.said.issuer
            record = self.registry.ask({"issuer": id_})[0].record
            of = str(decision.get("issuer") or prepared.said.issuer)
            name = None if record is None else name_of_custodian(record, of, decision, self.now)
            if record is None or name is None:
                continue
            method = method_of(listed.credential, id_)
            time = self.now if listed.said.valid_from is None else listed.said.valid_from
            yield _CustodianOfList(
                id=id_,
                name=name,
                key=signer_key(listed.said, method),
                signer=signer_of_custodian(record, method, time, decision, self.now),
            )

    def _signers(self, prepared: PreparedCredential, lists: StatusFiles) -> Iterator[tuple[SignerKey, ListSigner]]:
        """Return the signers of the available status lists that could count for a credential."""
        assert prepared.said is not None, "it can be read"
        assert prepared.question is not None, "and asked about"
        for raw in (*lists.given.values(), *lists.fetched.values()):
            listed = self._list(raw, prepared.loader)
            if listed is None or listed.said is None:
                continue
            issuer = listed.said.issuer
            method = method_of(listed.credential, issuer)
            if issuer not in (prepared.said.issuer, *self.others):
                continue
            # The same accreditation judges the lists of the credential's own issuer.
            asked = {**prepared.question, "issuer": issuer} if issuer == prepared.said.issuer else {"issuer": issuer}
            asked |= {"key": method, "issued_on": listed.said.issued_on}
            answer, keys = self.registry.ask({name: value for name, value in asked.items() if value})
            reasons = [] if answer.decision is None else answer.decision["reasons"]
            yield (
                signer_key(listed.said, method),
                ListSigner(keys=self._with_document(issuer, keys), reasons=reasons),
            )

    def _list(self, raw: bytes, loader: ContextLoader) -> PreparedCredential | None:
        """Return a status list; None if it cannot be read, which the check that needs it reports."""
        if raw not in self._lists:
            try:
                self._lists[raw] = prepare(read(raw)[0], loader)
            except AccreditError:
                self._lists[raw] = None
        return self._lists[raw]

    def _with_document(self, issuer: str, keys: IssuerKeys) -> IssuerKeys:
        """Return the registry's keys, with the issuer's own document if no key is pinned and fetching is allowed."""
        if keys.pinned or not self.may_fetch or not issuer.startswith("did:web:"):
            return keys
        if issuer not in self._documents:
            try:
                self._documents[issuer] = IssuerKeys(document=did_document(issuer, may_be_private=self.may_be_private))
            except AccreditError as error:
                self._documents[issuer] = IssuerKeys(why_not=_why(error))
        held = self._documents[issuer]
        return replace(keys, document=held.document, why_not=held.why_not)

    def _fetch_list(self, url: str) -> None:
        if not self.may_fetch or url in self._fetched or url in self._why_not:
            return
        try:
            self._fetched[url] = fetch(url, may_be_private=self.may_be_private)
        except AccreditError as error:
            self._why_not[url] = _why(error)


def _why(error: AccreditError) -> str:
    """Return why something was not fetched, and for a refused address also what to do."""
    return f"{error.message} {error.hint}" if error.code == "private_address" else error.message
