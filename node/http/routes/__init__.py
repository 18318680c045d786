"""The HTTP routes, one module per family; each ends with its part of the table, `ROUTES`.

`handling` has what they share: the row of the table, the reading of requests, the interface to the node.
`node.http.app` makes the application from the table and `node.http.openapi` the document, so both always know the same
routes. No module here or in `handling` imports trio, so another ASGI server can run the same application.
"""
