"""How an answer proves itself to somebody who trusts no single node."""
