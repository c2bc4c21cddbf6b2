"""From an entry of FILES to structures."""
