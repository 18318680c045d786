"""Competency frameworks and the mappings between them, in the formats that others publish."""
