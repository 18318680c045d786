"""A node's data on disk: one SQLite file, and the guard that keeps it from signing an older state."""
