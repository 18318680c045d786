"""Totals of the public records, and counts of a node's answers that do not reveal who asked."""
