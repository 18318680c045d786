"""What the charter asks: its text, the rule of each kind, who may undo what, the limits of a delegate."""
