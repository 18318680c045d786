"""Runs scenarios, from settings to outcome, report and plots."""
