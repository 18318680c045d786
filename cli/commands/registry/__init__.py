"""Commands about what is registered: issuers, accreditations, frameworks, mappings, recognitions, their histories."""
