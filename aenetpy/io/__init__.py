"""File formats: bytes or text to dataclasses and back."""
