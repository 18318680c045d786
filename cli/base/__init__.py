"""The parts that every command shares: the command class, output, exit codes, documents, the choice of node."""
