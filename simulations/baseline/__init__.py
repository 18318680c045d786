"""Compares the network with published broadcast figures."""
