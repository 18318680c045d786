"""Questions as options of a command, for `query`, `evidence check` and `snapshot query`.

    ID --for BachelorDegree --on 2015-05-20 --jurisdiction US-IN
        -> {"issuer": ID, "achievement_type": "BachelorDegree", "issued_on": "2015-05-20", "jurisdiction": "US-IN"}

That is the body of `POST /v1/decisions`. `query_of` turns it into a `Query` as a node does, so that a question to a
node, an evidence file and a snapshot is the same one.
"""

import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from accredit.cli.base import documents
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import AUTHORITIES, check_competency, is_name
from accredit.registry.decision.explanations import Audience
from accredit.registry.decision.query import ACCREDIT, ISSUE, Query
from accredit.registry.errors import DecodeError, InputError

if TYPE_CHECKING:
    from accredit.registry.evidence.trust_policy import TrustPolicy

DAY_SECONDS: Final = 86_400
DATE_CHARS: Final = len("2026-05-20")

_F = TypeVar("_F", bound=Callable[..., Any])


def policy_option(about: str, *, required: bool = False) -> Callable[[_F], _F]:
    """Return the option `--policy`, a file with a trust policy; `about` begins its help."""
    return click.option(
        "--policy",
        "policy_path",
        type=FILE,
        envvar="ACCREDIT_POLICY",
        required=required,
        metavar="POLICY",
        help=f"{about} [env ACCREDIT_POLICY]",
    )


_OPTION_OF: Final = {
    "issuer": "ID",
    "entity": "ID",
    "resource": "--for",
    "issued_on": "--on",
    "achievement_type": "--for",
    "credential_type": "--for",
    "competency": "--competency",
    "field_of_study": "--field",
    "delivery_mode": "--mode",
    **{name: f"--{name}" for name in ("authority", "action", "framework", "jurisdiction", "level", "program", "key")},
}
"""Members of a question and the options that fill them, for errors."""

_SINGULARS: Final = {
    "achievement_types": "achievement_type",
    "credential_types": "credential_type",
    "competencies": "competency",
}


class _AudienceChoice(click.Choice[str]):
    """An `Audience`, by any word for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its own word."""
        try:
            return str(Audience(value))
        except ValueError:
            return super().convert(value, param, ctx)


AUDIENCE: Final = _AudienceChoice([str(one) for one in Audience])


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """The values of the options of `question_options`.

    Attributes:
        wanted: the words after `--for`. axes: the other options, None where not given.
        existed_by: a date, or the path of a receipt, by which the credential is known to have existed.
        audience: in whose words to explain the answer; it changes nothing about the question.
    """

    wanted: tuple[str, ...]
    on: str | None
    competencies: tuple[str, ...]
    axes: dict[str, Any]
    existed_by: str | None = None
    audience: Audience | None = None

    def __bool__(self) -> bool:
        """Whether any was given."""
        named = {name: value for name, value in self.axes.items() if value and (name, value) != ("action", ISSUE)}
        return bool(self.wanted or self.on or self.competencies or self.existed_by or named)

    def question(self, issuer: str, policy: "TrustPolicy | None" = None) -> dict[str, Any]:
        """The body of `POST /v1/decisions`.

        Args:
            policy: by which a receipt is judged; None where there is none.

        Raises:
            DecodeError, InputError: an option is not understood.
            CheckError: the receipt does not hold.
        """
        question = build_question(issuer, self.wanted, self.on, self.competencies, self.axes)
        if self.existed_by is not None:
            question |= _existence(self.existed_by, question["issuer"], policy)
        return question


def question_options(command: _F) -> _F:
    """Adds the options of a question, passed on as one argument `asked: QueryOptions`."""

    def invoke(
        *args: Any,
        wanted: tuple[str, ...],
        on: str | None,
        competencies: tuple[str, ...],
        existed_by: str | None,
        audience: str | None,
        **kwargs: Any,
    ) -> Any:
        asked = QueryOptions(
            wanted=wanted,
            on=on,
            competencies=competencies,
            axes={name: kwargs.pop(name) for name in _AXES},
            existed_by=existed_by,
            audience=None if audience is None else Audience(audience),
        )
        return command(*args, asked=asked, **kwargs)

    from functools import update_wrapper

    decorated: Any = update_wrapper(invoke, command)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    result: _F = decorated
    return result


_OPTIONS: Final = (
    click.option(
        "--for",
        "wanted",
        metavar="TYPE",
        multiple=True,
        help="Achievement type (BachelorDegree), credential type, or competency URI; may be repeated.",
    ),
    click.option(
        "--on", "on", metavar="DATE", help="Date to ask about: the day the credential was issued. Default: now."
    ),
    click.option("--authority", metavar="ID", help="Count only accreditations by this authority or its delegates."),
    click.option("--action", default=ISSUE, show_default=True, help="issue, or accredit for authorities."),
    click.option("--competency", "competencies", metavar="URI", multiple=True, help="A competency; may be repeated."),
    click.option("--framework", metavar="URI", help="The framework that the competencies belong to."),
    click.option("--jurisdiction", help="Place, such as US-IN."),
    click.option("--level", help="Level, such as EQF:6."),
    click.option("--program", help="The programme's id."),
    click.option("--field", "field_of_study", help="Field of study, such as cip:51 or isced_f:0913."),
    click.option("--mode", "delivery_mode", help="Mode of delivery."),
    click.option("--key", help="The verification method the credential was signed with."),
    click.option(
        "--existed-by",
        metavar="DATE|RECEIPT",
        help="When the credential is known to have existed, or its issuance receipt (needs --policy).",
    ),
    click.option(
        "--audience",
        type=AUDIENCE,
        help="Explain the answer in the words of an admissions office, an employer or the learner.",
    ),
)
_AXES: Final = (
    "authority",
    "action",
    "framework",
    "jurisdiction",
    "level",
    "program",
    "field_of_study",
    "delivery_mode",
    "key",
)
_SEARCHES: Final = {"authority": AUTHORITIES, "framework": "accredit framework list"}
"""The commands that list the ids of what people may know by name only."""


def build_question(
    issuer: str, wanted: Sequence[str], on: str | None, competencies: Sequence[str], axes: dict[str, Any]
) -> dict[str, Any]:
    """Return the body of `POST /v1/decisions`, from options, each of its words known.

    Raises:
        DecodeError, InputError: an option is not understood; the message names it.
    """
    from accredit.node.questions import sort_word, spelled_authority_id, spelled_entity

    for option, search in _SEARCHES.items():
        if (typed := axes.get(option)) and ":" not in typed:
            raise is_name(typed, f"--{option}", search=search)
    for typed in competencies:
        check_competency(typed, "--competency")
    spell = spelled_authority_id if axes.get("action") == ACCREDIT else spelled_entity
    try:
        question: dict[str, Any] = {"issuer": spell(issuer)}
    except DecodeError:
        if ":" in issuer:
            raise
        raise is_name(issuer) from None
    for word in wanted:
        member, value = sort_word(word, "--for")
        question.setdefault(_SINGULARS.get(member, member), []).append(value)
    if len(question.get("resource", ())) > 1:  # one may be a framework, several are competencies
        question["competency"] = question.pop("resource")
    if competencies:
        question.setdefault("competency", []).extend(competencies)
    for member in (*_SINGULARS.values(), "framework", "resource"):
        if len(question.get(member, ())) == 1:
            question[member] = question[member][0]
    if on is not None:
        question["issued_on"] = (
            on if len(on) == DATE_CHARS and documents.seconds(on, "--on") is not None else _instant(on)
        )
    question.update({name: value for name, value in axes.items() if value and (name, value) != ("action", ISSUE)})
    query_of(question, "https://any.example/")
    return question


def query_of(question: dict[str, Any], ecosystem: str) -> Query:
    """Return the question as a node of that ecosystem reads it.

    Raises:
        DecodeError: a member is not of its form.
    """
    from accredit.node.questions import query_of as read
    from accredit.node.questions import question_from

    def named(member: str) -> str:
        return _OPTION_OF.get(member.partition("[")[0], member)

    return read(question_from(question, named), ecosystem, named)


def question_of(query: Query, ecosystem: str) -> dict[str, Any]:
    """Return the text, for people, of a question from a file."""
    from accredit.node.views.json_views import format_time

    question: dict[str, Any] = {"issuer": query.entity}
    for plural, singular in _SINGULARS.items():
        if values := getattr(query, plural):
            question[singular] = values[0] if len(values) == 1 else list(values)
    pairs = {name: ":".join(map(str, pair)) for name in ("level", "field_of_study") if (pair := getattr(query, name))}
    texts = {name: getattr(query, name) for name in ("resource", *_AXES) if name not in pairs}
    question |= {name: value for name, value in {**texts, **pairs}.items() if value}
    if query.time is not None:
        question["issued_on"] = format_time(query.time)
    if query.existed_by is not None:
        question["existed_by"] = format_time(query.existed_by)
    if query.committed_with is not None:
        question["committed_with"] = query.committed_with
    hidden = (("action", ISSUE), ("authority", ecosystem))
    return {name: value for name, value in question.items() if (name, value) not in hidden}


def as_curl(url: str, question: dict[str, Any], *, is_narrow: bool = False) -> str:
    """Return the same question as one command; if `is_narrow`, over several lines that a shell reads as one."""
    body = json.dumps(question, ensure_ascii=False, indent=2 if is_narrow else None)
    words = (f"curl -s {shlex.quote(url + '/v1/decisions')}", "-H 'content-type: application/json'", "-d ")
    return (" \\\n  " if is_narrow else " ").join(words) + shlex.quote(body)


def _existence(written: str, issuer: str, policy: "TrustPolicy | None") -> dict[str, Any]:
    """Return the time at which, according to a question, the credential is known to have existed."""
    from accredit.node.views.json_views import format_time

    if Path(written).is_file():
        from .receipts import existence_in

        return existence_in(Path(written), issuer, policy, int(time.time()))
    try:
        known = documents.seconds(written, "--existed-by")
    except DecodeError:
        raise InputError(
            "bad_existence",
            f"--existed-by: {written[:80]!r} is neither a date nor a file.",
            hint="Give a date like 2026-05-20, or the file of an issuance receipt.",
        ) from None
    # A day is over before anybody can be sure that something existed by it.
    return {"existed_by": format_time(known + DAY_SECONDS if len(written) == DATE_CHARS else known)}


def _instant(text: str) -> str:
    from accredit.node.views.json_views import format_time

    return format_time(documents.seconds(text, "--on"))
