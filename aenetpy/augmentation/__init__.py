"""Displaced structures with estimated energies: where to, how many, what energy."""
