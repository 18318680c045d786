"""Proofs of answers, for a verifier who trusts no single node."""
