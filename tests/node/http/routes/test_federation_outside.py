"""OpenID Federation, read by others' programs as they are published."""

import json
import time
from pathlib import Path
from typing import Any

import trio

from accredit.node.http.serve import serve
from accredit.node.settings import NodeConfig
from tests.strategies.node_js import node as run_node
from tests.strategies.node_js import packages
from tests.strategies.served import COLLEGE, ORIGIN, PORT, SUSPENDED, Served, served


async def read(node: Served, subject: str, absent: str) -> dict[str, dict[str, Any]]:
    """What the programs say of one who may issue and one who may not."""
    program = packages("federation") / "read.mjs"
    async with trio.open_nursery() as nursery:
        app, config = node.app(), NodeConfig(name=ORIGIN, host="127.0.0.1", port=0)
        node.url = await nursery.start(lambda task_status: serve(app, config, task_status=task_status))
        said = await trio.to_thread.run_sync(run_node, str(program), node.url, subject, absent)
        nursery.cancel_scope.cancel()
    return {line["name"]: line["value"] for line in map(json.loads, said.splitlines()) if "name" in line}


async def test_the_clients_of_the_field_find_those_that_may_issue_and_no_others(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.time = time.time()  # they compare with their own clock
    for subject in (COLLEGE, PORT):
        said = await read(node, subject, SUSPENDED)
        for form in ("dcc", "list"):
            (match,) = said[form]["matchingIssuers"]
            assert match["issuer"]["federation_entity"]["organization_name"]
            absent = said[f"{form} absent"]
            assert (absent["matchingIssuers"], absent["uncheckedRegistries"]) == ([], []), (
                "not found, and not unchecked"
            )
        assert said["configuration"]["sub"] == said["statement"]["iss"] == node.url
        assert said["statement"]["sub"] == said["strict"]["sub"] == subject
        assert said["strict"]["cache"] == "public, max-age=60"
