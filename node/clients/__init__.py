"""HTTP to other nodes: for verifiers and the command line, and for peers."""
