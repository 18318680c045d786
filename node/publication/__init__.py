"""Publishes data that proves itself as files, which a web server or an object store can serve in place of the node."""
