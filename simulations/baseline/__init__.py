"""How the network compares with published broadcast figures."""
