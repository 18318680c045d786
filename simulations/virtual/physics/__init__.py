"""The simulated machines' surroundings: time, links and disks; it knows nothing of nodes."""
