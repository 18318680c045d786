"""A replica: a query server without keys, which serves what it has verified itself and is believed by nobody."""
