"""Decides whether an issuer is trusted: a pure function of a query, of records and of the time."""
