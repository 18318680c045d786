"""Who may speak and when it counts: the chain of charters, keys, delegations, votes, budgets, and what is in effect."""
