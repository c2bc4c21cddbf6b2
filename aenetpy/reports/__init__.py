"""Output of the commands: aenet's text layout, and JSON."""
