"""Proofs of answers, for somebody who trusts no single node."""
