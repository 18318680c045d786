"""Makes all nodes hold the same statements: frames, membership, spreading, reconciliation, checks of promises.

Pure: no clock, no randomness, no files, no sockets. Imports only `registry` and the standard library. Its one entrance
is `handle(event, now) -> effects`; `node` carries the effects out, or `simulations` in virtual time.
"""
