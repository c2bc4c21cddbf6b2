"""The tables of the README that come from the program: ``python -m tests.readme`` renews them."""

from __future__ import annotations

import re

from click.testing import CliRunner

from aenetpy.cli.main import cli
from tests.conftest import ROOT

README = ROOT / "README.md"
END = "<!-- end -->\n"
TABLE = re.compile(r"<!-- aenetpy (help --markdown [^\n]+) -->\n.*?<!-- end -->\n", re.DOTALL)


def filled(text: str) -> str:
    """Return a text with what the commands in its marks print behind these."""

    def table(match: re.Match[str]) -> str:
        done = CliRunner().invoke(cli, match[1].split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return f"<!-- aenetpy {match[1]} -->\n\n{done.output}\n{END}"

    return TABLE.sub(table, text)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
