"""Checks credentials for `accredit check`: finds what a check needs, asks about the issuer, words the result."""
