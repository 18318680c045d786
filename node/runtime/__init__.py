"""The trio shell around one engine: the order of durable writes, waiting callers, and health."""
