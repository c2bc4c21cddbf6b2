"""Input files: the specification of their keys, and their readers and writers."""
