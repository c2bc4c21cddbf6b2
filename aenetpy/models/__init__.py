"""Networks and potentials."""
