"""From what somebody means to say to a signed statement that a node has taken."""
