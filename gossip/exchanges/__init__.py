"""The conversations: what is asked, answered, announced, reconciled, taken in and passed on."""
