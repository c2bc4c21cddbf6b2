"""Inputs that several tests of commands share."""

from __future__ import annotations


def generate_in(*files: str) -> str:
    """Return a ``generate.in`` for TiO2 that makes ``t.train`` of some structures."""
    listed = "".join(f"{name}\n" for name in files)
    return (
        "OUTPUT t.train\nTYPES\n2\nTi 0.0\nO 0.0\n"
        "SETUPS\nTi Ti.fingerprint.stp\nO O.fingerprint.stp\n"
        f"FILES\n{len(files)}\n{listed}"
    )
