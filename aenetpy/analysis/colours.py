"""The colours of all figures."""

from __future__ import annotations

GREY = "#80868b"
"""Colour of the reference."""

COLOURS = ("#0b4f8a", "#d9660a", "#1b7f6b", "#8e3b8a", "#b8860b", "#c0392b", "#4a90d9", "#5d6d3a")
