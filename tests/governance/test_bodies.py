"""What a body holds is written down as a type, which says what the check of its kind says."""

from typing import NotRequired, get_args, get_origin, get_type_hints

from accredit.governance.rules.rulebook import KINDS
from accredit.registry.domain import bodies
from docs.generators._shapes import members_of


def test_a_body_has_a_typed_dict_for_each_kind_with_the_members_that_its_check_knows() -> None:
    for kind, row in KINDS.items():
        typed = getattr(bodies, kind.title().replace(".", ""))
        found = members_of(row.check)
        assert found is not None
        known, required = found
        hints = get_type_hints(typed, include_extras=True)
        assert set(hints) == {*known, "ext"}, kind
        assert {name for name, hint in hints.items() if get_origin(hint) is not NotRequired} == required, kind
        assert all(get_args(hint) for hint in hints.values() if get_origin(hint) is NotRequired)
