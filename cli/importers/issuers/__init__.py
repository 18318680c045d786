"""Reads lists of issuers, compares their rows, and reports on them."""
