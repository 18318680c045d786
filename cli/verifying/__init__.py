"""Asks questions and checks the answers, without trusting the node that answers."""
