"""Studies: trials sorted into cells, figures, the report."""
