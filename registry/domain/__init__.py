"""What is said of issuers, accreditations, frameworks, mappings and recognitions, and the record each becomes."""
