"""The files of aenet, as bytes and as text."""
