"""Is this issuer trusted? A pure function of a query, of records and of the time."""
