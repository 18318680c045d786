"""The way from a draft to a signed statement that a node has accepted."""
