"""Simulates whole consortia in virtual time: every node runs the real engine, on a faulty network, with faulty disks
and hostile neighbours.

A run is a function of its seed and is repeated exactly from it. Checkers watch what must always hold, and say at which
step it first did not.
"""
