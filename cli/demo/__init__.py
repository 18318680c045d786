"""A whole consortium on this machine, in scenes."""
