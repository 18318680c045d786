"""Reads in a whole log: signatures in any order on all cores, everything else in order on one."""
