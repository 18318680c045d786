"""Those who decide on an amendment see what it changes of what, and nothing that it does not."""

from typing import Any

from accredit.governance.rules.charter_differences import differences, entry_differences
from tests.strategies.bodies import node
from tests.strategies.consortium import Pen, charter_body, key_entry
from tests.strategies.stories import TRIO, A, B, C, D


def charter(authorities: Any = TRIO, **changes: Any) -> dict[str, Any]:
    pens = {f"{by}#{n}": Pen(f"{by}#{n}", by) for by in (A, B, C, D) for n in (1, 2)}
    return charter_body(authorities, pens, **changes)


def test_nothing_differs_where_only_budgets_do() -> None:
    assert differences(charter(), charter(budget=0)) == []


def test_each_member_is_said_with_what_it_was_and_what_it_is() -> None:
    before = charter(publishers=[A], rules={"node.admit": {"majority": True}}, description="x" * 200)
    after = charter(
        publishers=[B],
        rules={"node.admit": {"fraction": "2/3", "constituencies": {"labor": 1}}},
        max_backdating=5,
    )
    assert differences(before, after) == [
        "max_backdating: nothing → 5",
        f"description: {'x' * 79}… → nothing",
        f"publishers: + {B}",
        f"publishers: − {A}",
        "rule node.admit: more than half of the authorities → 2/3 of the authorities, including 1 labor",
    ]


def test_a_rule_that_is_given_up_says_what_it_was() -> None:
    before, after = charter(rules={"node.admit": {"authorities": 3}}), charter(rules={})
    assert differences(before, after) == ["rule node.admit: 3 of the authorities → the default"]
    assert differences(after, before) == ["rule node.admit: the default → 3 of the authorities"]


def test_authorities_that_come_go_or_change_are_named_with_their_keys() -> None:
    after = charter((*TRIO[1:], (D, "labor")))
    after["authorities"][0] |= {"threshold": 1, "url": "https://b.example/"}
    second = key_entry(Pen("second", B), next_key=True) | {"label": "Bea"}
    after["authorities"][0]["keys"].append(second)
    lines = differences(charter(), after)
    assert lines[0] == f"authority {D}: new"
    assert lines[1] == f"authority {A}: removed"
    assert lines[2].startswith(f"authority {B}: key: + Bea ({second['public'].hex()[:12]}), successor ")
    assert lines[2].endswith("url: nothing → https://b.example/")


def test_a_node_whose_keys_change_says_which() -> None:
    old, new = node("n1.example", A), node("n1.example", A)
    new["keys"] = {**new["keys"], "log": Pen("other", A).public}
    assert entry_differences(old, new) == ["its keys for log changed"]
    assert entry_differences(old, node("n1.example", A) | {"keys": node("n2.example", A)["keys"]}) == [
        "all its keys changed"
    ]
    assert entry_differences(old, old) == []
