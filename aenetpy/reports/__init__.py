"""What commands print: aenet's text layout, and JSON."""
