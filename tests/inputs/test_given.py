"""Names in YAML files come back as they were."""

from __future__ import annotations

import pytest

from aenetpy.files.files import write_text
from aenetpy.inputs.given import read_yaml, yaml_text


@pytest.mark.parametrize(
    "name",
    [
        "a.xyz@0",
        "a b: #c.xyz@0",
        "'",
        'say "x"\\.xyz',
        "{a: b}",
        "gold-ä😀.xyz",
        "\x7f\udcff\n",
        "*x",
    ],
)
def test_names_come_back(tmp_path, name):
    write_text(tmp_path / "learn.yaml", f"explore:\n  first: {{start: {yaml_text(name)}}}\n")
    assert read_yaml(tmp_path / "learn.yaml", "learn.yaml").plain() == {
        "explore": {"first": {"start": name}}
    }
