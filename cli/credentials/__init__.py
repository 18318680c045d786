"""Checks a credential: its content, its signature and its status. Pure: it gets the time as an argument, and has no
I/O.

A credential never leaves this machine; only the question about its issuer does (`claims.question_of`).
"""
