"""Run ``python -m aenetpy``."""

from aenetpy.cli.programs import main

main()
