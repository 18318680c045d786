"""Commands of verifiers: questions, credentials, evidence, trust, snapshots, exports."""
