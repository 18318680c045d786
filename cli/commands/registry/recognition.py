"""`accredit recognition`: other ecosystems and authorities that this one recognises."""

from typing import Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.node_option import connected, effective_ids, node_option
from accredit.cli.base.output import shorten
from accredit.cli.signing.withdrawals import propose_end, takes_end
from accredit.cli.signing.workflow import Desk, Say, signing

recognition = CommandGroup(
    "recognition", help="Recognition of other ecosystems and authorities: grant, withdraw, list."
)


@recognition.command(
    "grant",
    example="""accredit recognition grant https://other.example/ --name "Other Trust" --action issue
accredit recognition grant did:web:qa.example --name "QA Agency" --action accredit --until 2030-01-01""",
)
@click.argument("recognised", metavar="ID")
@click.option("--name", required=True, help="Its name.")
@click.option(
    "--action", "actions", multiple=True, required=True, help="Recognised action: issue or accredit; may be repeated."
)
@click.option("--ecosystem", metavar="HASH", help="The id of its genesis statement, if it is an accredit ecosystem.")
@click.option("--url", help="Its web site.")
@click.option("--from", "valid_from", metavar="DATE", help="From when.")
@click.option("--until", "valid_until", metavar="DATE", help="Until when.")
@signing
def grant(recognised: str, name: str, actions: tuple[str, ...], desk: Desk, **facts: str | None) -> None:
    """Propose to recognise another ecosystem or authority. Takes two authorities unless the charter says otherwise."""
    from accredit.registry.encoding.identifiers import canonical_issuer

    written: dict[str, Any] = {"id": canonical_issuer(recognised), "name": name, "actions": list(actions)}
    written.update({member: value for member, value in facts.items() if value})
    body = documents.to_body("recognition.grant", written, documents.OPTIONS)
    desk.propose([Say(kind="recognition.grant", sub=body["id"], body=body, label=name)])


@recognition.command("withdraw", example="accredit recognition withdraw 5f2b8c11 --reason 'no longer audited'")
@click.argument("grant_id", metavar="ID")
@takes_end
@signing
def withdraw(grant_id: str, desk: Desk, **end: str | None) -> None:
    """Propose to end a recognition, by its grant's ID."""
    propose_end(
        desk,
        grant_id,
        lambda whole, _sub: {"recognition": whole},
        founding="recognition.grant",
        named="a recognition",
        effective_from=end["effective_from"],
        reason_text=end["reason_text"],
    )


@recognition.command("list", example="accredit recognition list")
@node_option
def list_(nodes: tuple[str, ...]) -> None:
    """List the ecosystems and authorities that this ecosystem recognises."""
    with connected(nodes[0]) as client:
        told = client.standings(list(dict.fromkeys(effective_ids(client, "recognition."))))
        signed = client.signed([id_ for id_, one in told.items() if one["state"] == "effective"])
    ended = {said.body["recognition"] for said in signed.values() if said.kind == "recognition.withdraw"}
    found = [
        {
            **documents.render(said.body),
            "statement": said.id.hex(),
            "by": said.iss,
            "iat": documents.render(said.iat, "iat"),
            "withdrawn": said.id in ended,
        }
        for said in signed.values()
        if said.kind == "recognition.grant"
    ]

    def text() -> None:
        rows = [
            (
                shorten(one["statement"]),
                output.clipped(one["name"]),
                one["id"],
                ", ".join(one["actions"]),
                documents.when(one.get("valid_until")) or "–",
                "withdrawn" if one["withdrawn"] else "",
            )
            for one in found
        ]
        output.table(
            ("id", "name", "recognised", "for", "until", ""),
            rows,
            empty="No other ecosystem or authority is recognised.",
        )

    output.emit({"recognitions": found}, text)
