"""Shows the proposals that a vote decides on, read from the statements whose digests it names.

A vote lists up to 400 proposals by digest, and nobody can read a digest. So the signer sees the proposals themselves:
their bytes are fetched (or are in the request file), and each must have the digest in the vote. The paper shows one
line for each, counts by kind and by subject, and *outliers*: proposals that differ from the rest of the list in a
value that nearly all others share. In a list of a hundred bachelor's programmes, the one that grants every type, in
every place, for ever, stands out.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from accredit.cli.base import output
from accredit.cli.base.documents import outline, render, when
from accredit.cli.base.output import faint, fair, mix, plain, safe, shorten
from accredit.governance.rules.rulebook import check_body
from accredit.node.views.summaries import summary
from accredit.registry.encoding.counts import many
from accredit.registry.errors import RefusedError
from accredit.registry.statement import Draft, Unverified, decode

from .whole_frameworks import ITEMS, PUBLISH, FrameworkOnPaper, frameworks_on
from .whole_mappings import MappingOnPaper, mappings_on

ALIKE_MIN: Final = 5
"""Least number of proposals of one kind for which "the rest" is meaningful. A guess."""

ALIKE_SHARE: Final = 0.8
"""Share of them that must have a common value before others without it are outliers. A guess."""

LASTING: Final = 2
"""A validity so many times longer than the median is an outlier. A guess."""

OUTLIERS_SHOWN: Final = 12
ITEMS_SHOWN: Final = 25
_VALUE_CHARS: Final = 60
_NO_END: Final = "no end"
_DAY: Final = 86_400

_PARTICULAR: Final = frozenset(
    {
        *("id", "issuer", "delegate", "name", "legal_name", "url", "image", "also_known_as", "identifiers"),
        *("keys", "key", "operator", "title", "contact", "apply_url", "appeal_url", "programs", "successor"),
        *("custodian_for", "parent", "accreditation", "after", "reason_text", "refs", "evidence", "source_record"),
        *("valid_from", "valid_until", "effective_from", "effective_until", "detected_at", "review_due"),
        *("publish", "part", "items", "links", "target", "targets"),
    }
)
"""Members that normally differ between proposals, so that a difference means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A proposal that differs from the others of its kind.

    Attributes:
        id: of the statement. about: its subject.
        member: the differing member, such as `scope.jurisdictions` or `validity`.
        value: its value; usual: the value of `share` of the `of` proposals of its kind.
    """

    id: bytes
    about: str
    member: str
    value: str
    usual: str
    share: int
    of: int

    def __str__(self) -> str:
        return f"{self.member} is {self.value}; {self.share} of {self.of} have {self.usual}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BallotPaper:
    """A list of proposals to vote on, summarised for the voter.

    Attributes:
        items: the proposals, in the order of the vote.
        kinds: how many of each kind of statement; an event of an accreditation by its name.
        categories: how many register issuers of each category.
        outliers: the proposals that stand out, in the order of the vote.
        frameworks: the part of each framework that is decided on.
        mappings: the part of each mapping that is decided on.
    """

    items: tuple[Unverified, ...]
    kinds: Mapping[str, int]
    categories: Mapping[str, int]
    outliers: tuple[Outlier, ...]
    frameworks: tuple[FrameworkOnPaper, ...]
    mappings: tuple[MappingOnPaper, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kinds": dict(self.kinds),
            "categories": dict(self.categories),
            "outliers": [{**asdict(one), "id": one.id.hex()} for one in self.outliers],
            "frameworks": [asdict(one) for one in self.frameworks],
            "mappings": [asdict(one) for one in self.mappings],
        }


def read_items(raws: Iterable[bytes], targets: Sequence[bytes]) -> list[Unverified]:
    """Return the statements that `targets` name, from their bytes.

    Raises:
        DecodeError: bytes are not a statement, or one that no node would accept.
        RefusedError: the statement of a target is missing, so nobody can read the proposal.
    """
    held = {one.id: one for one in map(decode, raws)}
    missing = [target for target in targets if target not in held]
    if missing:
        raise RefusedError(
            "unseen",
            f"This vote names {many(len(targets), 'proposal')}, and the text of {len(missing)} is not here "
            f"({', '.join(shorten(one) for one in missing[:3])}).",
            hint="Nothing was signed. Make the request again: accredit approve ID --offline FILE",
        )
    items = [held[target] for target in targets]
    for one in items:
        check_body(one.kind, one.body)
    return items


def targets_of(drafts: Iterable[Draft]) -> list[bytes]:
    """Return the digests that the votes among some drafts name, each once."""
    return list(
        dict.fromkeys(target for one in drafts if one.kind.startswith("vote.") for target in one.body["targets"])
    )


def ballot_paper(items: Sequence[Unverified]) -> BallotPaper:
    """Return the ballot paper of a vote on `items`."""
    kinds = Counter(_kind_of(one) for one in items)
    registered = [one.body.get("categories", ()) for one in items if one.kind in ("issuer.register", "issuer.update")]
    categories = Counter(category for named in registered for category in named)
    groups: dict[str, list[Unverified]] = {}
    for one in items:
        groups.setdefault(one.kind, []).append(one)
    order = {one.id: at for at, one in enumerate(items)}
    outliers = sorted(
        (found for group in groups.values() for found in _outliers(group)), key=lambda found: order[found.id]
    )
    return BallotPaper(
        items=tuple(items),
        kinds=kinds,
        categories=categories,
        outliers=tuple(outliers),
        frameworks=frameworks_on(items),
        mappings=mappings_on(items),
    )


def _kind_of(item: Unverified) -> str:
    if item.kind == "accreditation.status":
        return f"{item.kind} ({item.body['event']})"
    if item.kind == "accreditation.grant":
        return f"{item.kind} ({item.body['kind']}, {item.body['level']})"
    return item.kind


# ------------------------------------------------------------------------------------------------ outliers


def _outliers(group: Sequence[Unverified]) -> Iterator[Outlier]:
    """Yield the proposals of one kind that lack a value that nearly all others share."""
    if len(group) < ALIKE_MIN:
        return
    rows = [dict(_traits(one)) for one in group]
    for member in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(member, "nothing") for row in rows]
        usual, share = Counter(values).most_common(1)[0]
        if share >= ALIKE_SHARE * len(group):
            for one, value in zip(group, values, strict=True):
                if value != usual:
                    yield Outlier(
                        id=one.id,
                        about=one.sub,
                        member=member,
                        value=value,
                        usual=usual,
                        share=share,
                        of=len(group),
                    )
    yield from _lasting(group)


def _traits(item: Unverified) -> Iterator[tuple[str, str]]:
    """Return the traits in which proposals of a kind may differ: proposer, members, each axis of a scope."""
    yield "proposed by", item.iss
    for name, value in item.body.items():
        if name in ("scope", "limits") and isinstance(value, Mapping):
            yield from ((f"{name}.{axis}", _said(of)) for axis, of in value.items() if axis not in _PARTICULAR)
        elif name not in _PARTICULAR:
            yield name, _said(value)


def _said(value: Any) -> str:
    if value == "*":
        return "everything"
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        text = ", ".join(sorted(value))
    else:
        text = value if isinstance(value, str) else json.dumps(plain(render(value)), ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _VALUE_CHARS else f"{text[: _VALUE_CHARS - 1]}…"


def _lasting(group: Sequence[Unverified]) -> Iterator[Outlier]:
    """Yield the proposals that last much longer than the others, or for ever."""
    dated = [one for one in group if "valid_from" in one.body]
    lengths = sorted(one.body["valid_until"] - one.body["valid_from"] for one in dated if "valid_until" in one.body)
    if len(dated) < ALIKE_MIN or len(lengths) < ALIKE_SHARE * len(dated):
        return
    median = lengths[len(lengths) // 2]
    for one in dated:
        until = one.body.get("valid_until")
        if until is None or until - one.body["valid_from"] > LASTING * median:
            yield Outlier(
                id=one.id,
                about=one.sub,
                member="validity",
                value=_NO_END if until is None else _days(until - one.body["valid_from"]),
                usual=f"{_days(median)} or about that",
                share=sum(length <= LASTING * median for length in lengths),
                of=len(dated),
            )


def _days(seconds: int) -> str:
    return many(seconds // _DAY, "day")


# ------------------------------------------------------------------------------------------------ shown


def show_paper(paper: BallotPaper, *, with_items: bool) -> None:
    """Print the ballot paper of a vote.

    Args:
        with_items: also a line for each of the first proposals; False where a table of them stands above.
    """
    if with_items:
        if len(paper.items) == 1:
            _show_whole(paper.items[0])
            return
        published = {one.id for one in paper.items if one.kind == PUBLISH}
        lines = [one for one in paper.items if one.kind != ITEMS or one.body["publish"] not in published]
        rows = [
            (shorten(one.id), summary(one.kind, one.sub, one.body), one.iss, when(one.iat)[:10])
            for one in lines[:ITEMS_SHOWN]
        ]
        output.table(("id", "proposal", "proposed by", "on"), rows)
        if len(lines) > ITEMS_SHOWN:
            output.say(faint(f"and {len(lines) - ITEMS_SHOWN} more."))
    if len(paper.items) < 2:
        return
    output.say(f"{many(len(paper.items), 'proposal')}: {_counts(paper.kinds)}.")
    if paper.categories:
        output.say(f"Issuers by category: {_counts(paper.categories)}.")
    for told in (*paper.frameworks, *paper.mappings):
        output.say(safe(str(told)))
    for one in paper.outliers[:OUTLIERS_SHOWN]:
        output.say(mix(fair("Stands out: "), f"{shorten(one.id)} {safe(one.about)}: {safe(str(one))}."))
    if len(paper.outliers) > OUTLIERS_SHOWN:
        output.say(fair(f"and {len(paper.outliers) - OUTLIERS_SHOWN} more that stand out; --json lists them all."))


def _show_whole(item: Unverified) -> None:
    output.say(f"{summary(item.kind, item.sub, item.body)}  {faint(shorten(item.id))}")
    for line in outline(render(dict(item.body))):
        output.say(f"  {line}")


def _counts(of: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {safe(name)}" for name, count in sorted(of.items(), key=lambda one: (-one[1], one[0])))
