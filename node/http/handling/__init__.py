"""What the handlers of all routes have in common.

route            a row of the table of routes, and the `Call` that a handler gets
node_ports       the interfaces of the node for the HTTP side
request_reading  bodies and parameters, strictly and within limits; alike_questions: many of one kind
rate_limit       how fast statements are taken in; turns: how long answers let others go first
deciding moment  decisions over this node's records; what all questions of one turn share
record_pages     lists, page by page; foresight: what a statement will lead to
"""
