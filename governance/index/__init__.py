"""What the fold keeps of the statements: who said what, under which number, with which keys."""
