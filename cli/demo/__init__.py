"""A whole consortium on this machine, told in scenes."""
