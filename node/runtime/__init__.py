"""The trio shell around one engine: order of durable writes, who waits for what, health."""
