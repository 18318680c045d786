"""Lists of issuers: rows read, looked at together, and reported on."""
