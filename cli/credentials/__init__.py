"""Checking a credential: what it says, who signed it, whether it is still good. Pure: told the time, without I/O.

A credential never leaves this machine. What leaves it is the question about its issuer (`claims.question_of`).
"""
