"""The verifier's kit: statements, what they mean, and how they are proved.

Pure: no clock, no randomness, no files, no sockets. Depends on cbor2 and pynacl only, imports itself relatively, so
that it can be packaged alone.
"""
