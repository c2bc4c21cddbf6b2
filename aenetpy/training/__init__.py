"""Training: split and normalisation, objective, methods, loop."""
