"""Query workers: processes that answer public questions from the node's database, beside the node's own."""
