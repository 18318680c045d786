"""Publishing what proves itself as files, for a web server or an object store to hand out in place of the node."""
