"""The node as a web application: routes, problems, OpenAPI and the server that carries them."""
