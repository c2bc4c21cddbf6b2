"""Displaced structures with estimated energies: directions, numbers, energies."""
