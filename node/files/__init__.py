"""The files of keys and secrets, and how a file is written so that nobody ever reads half of it."""
