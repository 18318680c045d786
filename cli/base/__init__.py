"""What every command shares: the command class, output, exit codes, documents, the node that is asked."""
