"""`docs/statements.md`: every kind of statement, from `governance.rulebook`."""

from collections.abc import Iterator
from typing import Final

from accredit.governance.index.key_entries import KEY
from accredit.governance.rules import charter, rulebook
from accredit.governance.rules.charter import Rule
from accredit.governance.rules.rulebook import KINDS, Kind
from accredit.governance.rules.undoing import TABLE, Undoing
from accredit.registry.domain.ceiling import check_limits
from accredit.registry.domain.issuers import check_pinned_key
from accredit.registry.domain.scope import check_scope
from accredit.registry.encoding import schema
from docs.generators._page import code, rewrite, table
from docs.generators._shapes import in_words, members_of, parts

PAGE: Final = "statements.md"

MEANING: Final = {
    "charter.genesis": "Founds an ecosystem: its whole charter. Its id is the ecosystem's id.",
    "charter.amend": "The charter's next version, whole. Names its parent and is exactly one more; what `heads` cover "
    "stays judged by the old rules. Takes the thresholds of the old and of the new charter, always more than half.",
    "key.add": "A further key of the authority that says it.",
    "key.rotate": "Replaces a key. `last` is the old key's last good statement; what it said after is void. Where the "
    "old key had committed a successor, only that one can.",
    "key.retire": "Ends a key; what it said up to `last` stands.",
    "key.compromise": "Declares a key stolen; everything it said after `last` is void. Also by the committed "
    "successor, which shows itself in `public`.",
    "authority.delegate": "Makes another body an authority within limits, which lie within its delegator's own.",
    "authority.withdraw": "Ends a delegation; what the delegate's `heads` cover stands. By its delegator or one above.",
    "node.admit": "Lets a node in, under a name that no node has or had.",
    "node.replace": "Gives a node's name another operator, address or keys. `replaces` is the digest of the entry in "
    "force: SHA-256 of a map of its `name`, `operator`, `url` and `keys`. Follows the charter's rule for `node.admit` "
    "where it has none of its own.",
    "node.retire": "Lets a node out; the name is never used again.",
    "issuer.register": "Who an issuer is, as this authority states it. It accredits nobody.",
    "issuer.update": "Replaces all that this authority states about an issuer.",
    "issuer.key": "Adds, retires or declares stolen a key with which the issuer signs credentials. Retiring and "
    "declaring stolen also by the issuer's own key, where that was given a budget.",
    "issuance.commit": "Shows that credentials existed by the time a quorum holds this, and neither which nor how "
    "many: `root` is over salted digests and random leaves, 2 to the power of `size_exponent` in all. The period is "
    "for people. By the issuer's own pinned key, where that was given a budget; no record follows from it.",
    "accreditation.grant": "Accredits an issuer. The accreditation is known by this statement's id.",
    "accreditation.amend": "New terms for an accreditation, whole.",
    "accreditation.status": "Something happened to an accreditation. `after` names the events it follows. By the "
    "accreditor or one above it.",
    "framework.publish": "A competency framework's title, version and root over its items.",
    "framework.items": "A part of a framework's items. The framework counts once all parts give `items_root`.",
    "framework.status": "A framework is deprecated, withdrawn, or active again.",
    "mapping.publish": "Links between the competencies of two frameworks. Kept and shown; no decision uses it yet.",
    "mapping.withdraw": "Withdraws a mapping.",
    "recognition.grant": "This ecosystem recognises another ecosystem or authority.",
    "recognition.withdraw": "And no longer does.",
    "statement.annul": "A decision was wrong: it has no effect, and stays in the log. Reaches everything but charters, "
    "keys, delegations, commitments, votes and other annulments.",
    "vote.approve": "Approves statements. A key's first vote on a statement is its vote for good.",
    "vote.reject": "Rejects statements; takes no other key's approval away. By a statement's own key, or with "
    "`retract` by another key of the authority that proposed it, it takes back what is not yet in effect.",
}
_DEPENDS: Final = {
    "issuer.key": "narrowing, but for `op` `add`",
    "accreditation.status": "narrowing or widening, as the event",
    "framework.status": "narrowing, but for `status` `active`",
}


def text() -> str:
    """A table of all kinds, each with its members, then the maps that several share."""
    overview = table(
        ("kind", "class", "takes, unless the charter says otherwise"),
        (
            (f"[{name}](#{name.replace('.', '')})", _class(name, kind), _rule(name, kind))
            for name, kind in KINDS.items()
        ),
    )
    undoing = table(
        ("what is said", "whose word it takes, besides its rule", "what it undoes", "how far it reaches back"),
        ((names, row.whose.value, row.undoes.value, row.back.value) for names, row in _rows_of_undoing()),
    )
    kinds = [f"### {name}\n\n{MEANING[name]}\n\n{_members(kind.check)}" for name, kind in KINDS.items()]
    shared = [f"### {name}\n\n{_members(check, at_home=True)}" for name, check in _shared()]
    return "\n\n".join(["## Undoing", undoing, "## Kinds", overview, *kinds, "## Maps within them", *shared])


def _rows_of_undoing() -> Iterator[tuple[str, Undoing]]:
    """Rows that say the same of several kinds or events are one."""
    alike: dict[Undoing, list[str]] = {}
    for name, row in TABLE.items():
        alike.setdefault(row, []).append(name)
    for row, names in alike.items():
        events = [name.partition(" ")[2] for name in names if " " in name]
        others = [code(name) for name in names if " " not in name]
        shown = [*others, f"{code('accreditation.status')}: {', '.join(events)}"] if events else others
        yield ", ".join(shown), row


def _shared() -> Iterator[tuple[str, schema.Check]]:
    yield "Charter", charter.check_charter
    known, _ = _map(charter.check_charter)
    yield "Authority", parts(known["authorities"])[1]["item"]
    yield "Rule", parts(known["rules"])[1]["value_check"]
    yield "Node", charter.NODE
    yield "Key entry", KEY
    yield "Issuer's key", check_pinned_key
    yield "Scope", check_scope
    yield "Limits", check_limits


def _name(check: schema.Check) -> str | None:
    if check.__name__ in ("<lambda>", "check_genesis"):  # both end in the charter's own check
        return "a [charter](#charter)"
    for name, one in _shared():
        if check is one:
            article = "an" if name[0] in "AI" else "a"
            anchor = name.lower().replace(" ", "-").replace("'", "")
            return f"[{name.lower()}](#{anchor})" if name == "Limits" else f"{article} [{name.lower()}](#{anchor})"
    return None


def _members(check: schema.Check, *, at_home: bool = False) -> str:
    if not at_home and (name := _name(check)) is not None:
        return f"The body is {name}."
    known, required = _map(check)
    rows = [
        (code(member), "required" if member in required else "", in_words(value, _name))
        for member, value in known.items()
    ]
    return table(("member", "", "holds"), rows)


def _map(check: schema.Check) -> tuple[dict[str, schema.Check], frozenset[str]]:
    found = members_of(check)
    assert found is not None, check
    return dict(found[0]), found[1]


def _class(name: str, kind: Kind) -> str:
    if name.startswith("vote."):
        return "as what it votes on"
    if name in _DEPENDS:
        return _DEPENDS[name]
    return "narrowing" if kind.is_narrowing({}) else "widening"


def _rule(name: str, kind: Kind) -> str:
    if name.startswith("vote."):
        return "–"
    if name == "accreditation.status":
        graver = rulebook.rule_for(rulebook.RETROACTIVE, {})
        return f"{_amount(kind.rule)}; reaching back, {_amount(graver)} as well"
    return _amount(kind.rule)


def _amount(rule: Rule) -> str:
    if rule.majority:
        return "more than half of the charter's authorities"
    if rule.fraction is not None:
        return "{} of {} of the charter's authorities".format(*rule.fraction)
    return "1 authority" if rule.authorities == 1 else f"{rule.authorities} of the charter's authorities"


if __name__ == "__main__":
    rewrite(PAGE, text())
