"""How history and the present are proved: Merkle trees, tiles, signed notes, checkpoints, witnesses, the state map.

No word of issuers in here: it could be packaged alone.
"""
