"""Whole files, locks, and saved state."""
