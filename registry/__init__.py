"""What is said, what it means and how it is proved: the verifier's kit.

Pure: no clock, no randomness, no files, no sockets. Depends on cbor2 and pynacl only, imports itself relatively, so
that it can be packaged alone.
"""
