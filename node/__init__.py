"""One running node: HTTP, SQLite, the clock and trio around a core which has none of them.

`node.engine` is a whole node without input and output and obeys the rules of the pure folders; every other module here
is a shell around it, and is where time, randomness, files and other machines are met.
"""
