"""Both sides of C2SP tlog-witness: we cosign logs of others, others cosign ours."""
