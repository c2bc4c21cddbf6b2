"""Learning on the fly: what a structure is labelled with, and what becomes of the labels."""
