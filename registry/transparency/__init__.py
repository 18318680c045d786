"""Proofs of the log and of the state: Merkle trees, tiles, signed notes, checkpoints, witnesses, the state map.

No word of issuers in here: it could be packaged alone.
"""
