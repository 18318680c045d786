"""A replica: a query server without keys, which serves a state that it has verified itself, and that nobody needs to
trust."""
