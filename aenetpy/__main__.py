"""Run ``python -m aenetpy``."""

from aenetpy.cli.main import main

main()
