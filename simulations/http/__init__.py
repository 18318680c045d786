"""Whole nodes over HTTP in one process: web application, server, client, SQLite; virtual time, simulated wires.

    clock       trio's mock clock as a `Timeline`; a scheduler whose choices follow from the seed
    wires       streams of bytes between hosts: delay, lost segments, cuts, connections refused and reset
    host        one node: what `accredit node run` puts together, over those wires
    world       the phases of a run, faults and clients
    scenarios   what happens: those of the world tier that need no adversary, and some of its own
    running     one run, from its settings to its outcome

What runs is what runs in production: `node.http.app` behind `node.http.server`, `node.clients.peer_http` on httpx
and its pools, `node.runtime.runtime`, `node.storage.log_store`, `node.witness.client`. Only the network, the clock and
the worker threads are simulated. Faults of routes, of clients, of time-outs and of polling show here, which the world
tier cannot show.
"""
