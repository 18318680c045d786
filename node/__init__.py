"""One running node: HTTP, SQLite, the clock and trio around a core which has none of them.

`node.engine` is a whole node without input and output and obeys the rules of the pure folders. All other modules here
form a shell around it, and handle time, randomness, files and other machines.
"""
