"""From what is in effect to records: one reducer for each kind, and the set that the state's root binds to."""
