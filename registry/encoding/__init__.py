"""Encodings with exactly one meaning: CBOR, COSE, Ed25519, identifiers, schemas, times.

No word of issuers or logs in here.
"""
