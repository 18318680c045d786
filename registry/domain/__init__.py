"""The bodies of statements about issuers, accreditations, frameworks, mappings and recognitions, and their records."""
