"""What members say to each other: frames, the events and effects of the machine, its settings, set reconciliation."""
