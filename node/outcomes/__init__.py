"""What the registry's public records add up to, and how a node's answers are counted without saying who asked."""
