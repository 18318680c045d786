"""Encodings with exactly one meaning: CBOR, COSE, Ed25519, identifiers, schemas, times.

These modules know nothing of issuers or logs.
"""
