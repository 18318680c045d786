"""What a node keeps on disk: one SQLite file, and the guard that never lets it sign backwards."""
