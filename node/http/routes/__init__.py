"""The HTTP routes, one module per family; each ends in its part of the one table, `ROUTES`.

`node_ports` says what a family may ask of the node, `request_reading` reads what came in, `route` is the row of the
table. `node.http.app` makes an application of the table and `node.http.openapi` its document, so that neither can know
a route the other does not. No module here imports trio: another ASGI server can run the same application.
"""
