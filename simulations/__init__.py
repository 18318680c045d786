"""Whole consortia in virtual time: the engine every node runs, on a network, disks and neighbours which misbehave.

A run is a function of its seed and is repeated exactly from it. Checkers watch what must always hold, and say at which
step it first did not.
"""
