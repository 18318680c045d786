"""The HTTP routes, one module per family; each ends with its part of the table, `ROUTES`.

`node_ports` is the interface to the node, `request_reading` reads requests, `route` has the row of the table.
`node.http.app` makes the application from the table and `node.http.openapi` the document, so both always know the same
routes. No module here imports trio, so another ASGI server can run the same application.
"""
