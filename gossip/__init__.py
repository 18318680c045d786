"""How nodes come to hold the same statements: frames, membership, spreading, reconciliation, checks of promises.

Pure: no clock, no randomness, no files, no sockets. Imports `registry` and the standard library, nothing else. One
door, `handle(event, now) -> effects`; what the effects ask for is done by `node` or, in virtual time, by `simulations`.
"""
