"""Asking, and checking what was answered, without trust in who answered."""
