"""Fingerprints of atoms: parameters, neighbours, values, derivatives, statistics."""
