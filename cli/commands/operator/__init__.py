"""Commands of those who run nodes."""
