"""`/explore/decision`: the question of `accredit query` as a form, its answer in words, and the file that proves it.

The form is sent by GET, so that an answer has an address; pages send no Referer, and answers are not kept by caches.
"""

import shlex
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import HEADERS, Page, address, page_route, show
from accredit.node.http.explorer.listing import authority_choices, authority_name, chain_view, where_to_apply
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.request_reading import Param, convert, one_of, words
from accredit.node.http.handling.route import Call
from accredit.node.http.problems import problem_of
from accredit.node.http.routes.decisions import DecisionView, answer_one, served_ecosystem
from accredit.node.questions import Question, query_of, sort_word
from accredit.registry.decision.explanations import Audience
from accredit.registry.decision.query import ACCREDIT, ISSUE
from accredit.registry.domain.records import accreditation_in
from accredit.registry.errors import AccreditError, DecodeError, NotYetError
from accredit.registry.limits import IDENTIFIER_CHARS

from .issuers import curl

_AXES: Final = ("competency", "framework", "jurisdiction", "level", "program", "field_of_study", "delivery_mode", "key")
_OPTIONS: Final = {
    "competency": "--competency",
    "framework": "--framework",
    "jurisdiction": "--jurisdiction",
    "level": "--level",
    "program": "--program",
    "field_of_study": "--field",
    "delivery_mode": "--mode",
    "key": "--key",
    "authority": "--authority",
    "action": "--action",
}
"""Members of a question and the corresponding options of `accredit query`."""

_ASKED: Final = ("issuer", "for", "on", *_AXES, "authority", "action")
_MORE: Final = ("authority", "competency", "framework", "level", "program", "field_of_study", "delivery_mode", "key")
_MEMBERS: Final = {"achievement_types": "achievement_type", "credential_types": "credential_type"}


def question_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form as members of `POST /v1/decisions`.

    Raises:
        DecodeError: `unknown_word`: the meaning of `for` is unclear.
    """
    question: dict[str, Any] = {"issuer": params["issuer"]}
    if params["for"] is not None:
        member, value = sort_word(params["for"], "for")
        question[_MEMBERS.get(member, member)] = value
    if params["on"] is not None:
        question["issued_on"] = params["on"]
    for name in (*_AXES, "authority"):
        if params[name] is not None:
            question[name] = params[name]
    if params["action"] == ACCREDIT:
        question["action"] = ACCREDIT
    return question


def command_of(call: Call, question: Mapping[str, Any], asked_for: str | None) -> str:
    """The same question for `accredit query`, which checks the proof under a policy."""
    words_ = ["accredit", "query", question["issuer"]]
    words_ += [] if asked_for is None else ["--for", asked_for]
    words_ += ["--on", question["issued_on"]] if "issued_on" in question else []
    for name, option in _OPTIONS.items():
        if name in question:
            words_ += [option, question[name]]
    words_ += ["--node", call.reader.url or "http://127.0.0.1:8080", "--policy", "policy.txt"]
    return " ".join(shlex.quote(word) for word in words_)


async def decision(call: Call) -> Response:
    """The form; with an issuer, the answer as well."""
    asked, t = call.params, load(LANGUAGE)
    values: dict[str, Any] = {
        "asked": asked,
        "authorities": tuple(authority_choices(call)),
        "more": tuple([(name, asked[name]) for name in _MORE]),
        "audiences": tuple([(str(one), t.audience.word(one)) for one in Audience]),
        "answer": None,
        "problem": None,
    }
    title, status = t.decision.title, 200
    if asked["issuer"] is not None:
        try:
            question = question_of(asked)
            audience = {} if asked["audience"] is None else {"audience": asked["audience"]}
            answer = answer_one(call, question | audience)
        except NotYetError:
            raise
        except AccreditError as error:
            values["problem"] = problem_of(error)
            status = values["problem"].status
        else:
            values |= _told(call, question, answer)
            title = values["name"]
    page = Page(
        template="decision.html",
        title=title,
        values=values,
        tables={"others": values.get("others", [])},
        status=status,
        cache="no-store",
    )
    return show(call, page)


def _told(call: Call, question: dict[str, Any], answer: DecisionView) -> dict[str, Any]:
    """Return the values that the page shows of an answer."""
    fold, asked = call.reader.fold, call.params
    records = [(id, accreditation_in(fold, _bytes(id))) for id in answer["accreditations"][:5]]
    link = answer["chain"][0] if answer["chain"] else None
    chain = [] if link is None else chain_view(fold, link["by"], None if link["via"] is None else _bytes(link["via"]))
    proof = address("/explore/evidence", **{name: asked[name] for name in _ASKED})
    told = answer.get("explanation")
    advice = [] if told is None else [told["next_step"], *(one["next_step"] for one in told["reasons"])]
    return {
        "explained": {} if told is None else {one["code"]: one for one in told["reasons"]},
        "steps": list(dict.fromkeys(advice)),
        "answer": answer,
        "question": question,
        "name": answer["issuer_name"] or answer["issuer"] or question["issuer"],
        "chain": chain,
        "rests_on": [
            {"id": id, "by": authority_name(fold, record["by"], record["via"]), "kind": record["kind"]}
            for id, record in records
            if record is not None
        ],
        "others": [
            {**other, "_href": address("/explore/statement", id=other["accreditation"])} for other in answer["others"]
        ],
        "apply": where_to_apply(fold) if answer["verdict"] == "unknown_issuer" else [],
        "evidence": proof,
        "verifying": _verifying(call, question, answer, proof),
        "curl": curl(call, question | {"evidence": True}),
        "command": command_of(call, question, asked["for"]),
        "issuer_page": None
        if answer["issuer"] is None
        else address("/explore/issuer", id=answer["issuer"], at=asked["on"]),
    }


def _verifying(call: Call, question: dict[str, Any], answer: DecisionView, evidence: str) -> dict[str, Any]:
    """Return the input of the verifying script: the question in its form in evidence, the shown answer, the proof's
    address."""
    query = query_of(convert(question, Question), served_ecosystem(call))
    return {
        "query": query._asdict(),
        "shown": {"verdict": answer["verdict"], "reasons": [one["code"] for one in answer["reasons"]]},
        "evidence": evidence,
    }


def _bytes(digits: str) -> bytes:
    return bytes.fromhex(digits)


async def evidence(call: Call) -> Response:
    """The file that proves the answer to the same question.

    Raises:
        NotYetError: `no_state_note`: nothing can be proved yet, or the answer is newer than the noted state.
    """
    if call.params["issuer"] is None:
        raise DecodeError("missing_query_parameter", "the parameter issuer is missing.", hint="Ask a question first.")
    answer = answer_one(call, question_of(call.params) | {"evidence": True})
    made = answer["evidence"]
    if made is None:
        raise NotYetError(
            "no_state_note",
            "this answer is newer than what a quorum of signers has vouched for, so it cannot be proved yet.",
            hint="Ask again in a moment.",
        )
    headers = {**HEADERS, "cache-control": "no-store", "content-disposition": 'attachment; filename="evidence.cbor"'}
    return Response(b64decode(made), media_type="application/cbor", headers=headers)


def _word(name: str, about: str) -> Param:
    return words(name, about, max_chars=IDENTIFIER_CHARS)


_QUESTION: Final = (
    words("issuer", "the issuer's DID or address", max_chars=1_024),
    _word("for", "an achievement type, a credential type, or the address of a competency or framework"),
    _word("on", "the day or time as of which; now by default"),
    _word("competency", "a competency, by its address"),
    _word("framework", "the framework the competency is meant in"),
    _word("jurisdiction", "where, as in US-IN"),
    _word("level", "a level, as in EQF:6"),
    _word("program", "the programme's id"),
    _word("field_of_study", "a field of study, as in cip:51"),
    _word("delivery_mode", "a mode of delivery"),
    _word("key", "the verification method the credential was signed with"),
    _word("authority", "only what this authority, or one below it, grants"),
    _word("action", f"{ISSUE}, or {ACCREDIT} for authorities"),
)

ROUTES: Final = (
    page_route(
        "/explore/decision",
        decision,
        "Ask whether an issuer may issue something, as of a day",
        *_QUESTION,
        one_of("audience", "in whose words to explain the answer", tuple(Audience), {"recruiter": "employer"}),
        words("download", "a table instead of the page: its name, then .csv or .json", max_chars=40),
    ),
    page_route("/explore/evidence", evidence, "The evidence file of the same question", *_QUESTION),
)
