"""The commands that people type, one module per noun."""
