"""Who may decide what: charter, authorities, keys, votes, and the fold from statements to records.

Pure, like `registry`, its only import.
"""
