"""The command line: each command parses, fills one dataclass, calls a workflow."""
