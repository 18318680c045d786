"""Bytes and text that mean one thing each: CBOR, COSE, Ed25519, identifiers, schemas, times.

No word of issuers or logs in here.
"""
