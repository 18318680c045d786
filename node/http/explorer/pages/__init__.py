"""One module for each kind of page; each ends with its routes, `ROUTES`."""
