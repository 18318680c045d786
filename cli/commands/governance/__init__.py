"""Commands of governance bodies: charter, keys, proposals, votes."""
