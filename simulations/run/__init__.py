"""From the settings of a run to its outcome, report and plots."""
