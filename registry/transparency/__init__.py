"""Proofs of the log and of the state: Merkle trees, tiles, signed notes, checkpoints, witnesses, the state map.

These modules know nothing of issuers and could be packaged alone.
"""
