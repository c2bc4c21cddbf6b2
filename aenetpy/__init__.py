"""Neural-network potentials in the file formats of aenet."""

__version__ = "0.1.0"
