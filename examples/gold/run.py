"""Learning on the fly of gold: a committee that knows 20 fcc crystals meets surfaces and bcc.

    python run.py               work/ has the input files, work/learn the results

Molecular dynamics of a (100) slab, of a (111) slab at 400 K and of bcc; EMT is the reference
method. A table has the errors of bulk moduli and surface energies after each fit. The same command
goes on where an earlier one was stopped.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from aenetpy.inputs.learn import read_learn
from aenetpy.learning.learn import learn
from aenetpy.learning.state import LearnState

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"

LEARN = """\
members: 5
check: 10
frames: 2
lower: 0.15
upper: 2.0
labels: 16
retrain: {iterations: 150, method: adamw lr=0.002 halflife=20 batchsize=2}
explore:
  slab-100: {start: start-100.xyz, temperature: 300, steps: 200, time_step: 5}
  slab-111: {start: start-111.xyz, temperature: 400, steps: 200, time_step: 5}
  bcc: {start: start-bcc.xyz, temperature: 300, steps: 200, time_step: 5}
"""
PROPERTIES = """\
properties:
  fcc: {kind: bulk, symbol: Au, lattice: fcc, a: 4.06}
  bcc: {kind: bulk, symbol: Au, lattice: bcc, a: 3.22}
  face-100: {kind: surface, symbol: Au, lattice: fcc, a: 4.06, face: 100}
  face-111: {kind: surface, symbol: Au, lattice: fcc, a: 4.06, face: 111}
"""


def beside(name: str) -> ModuleType:
    """Return another script of this folder as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_once(folder: Path, text: str) -> Path:
    """Write all input files unless they are there, and return the path of learn.yaml."""
    path = folder / "learn.yaml"
    if not path.exists():
        beside("start").write_start(folder)
        path.write_text(text)
    return path


def run(folder: Path, text: str = LEARN + PROPERTIES, jobs: int = 1) -> LearnState:
    """Learn in a folder, or what is left of it."""
    return learn(read_learn(write_once(folder, text)), folder, jobs=jobs)


def table(state: LearnState) -> str:
    """Return the errors after each fit, as Markdown."""
    assert state.reference is not None
    names = [name for name in state.reference if name.endswith(("(GPa)", "(J/m^2)"))]
    lines = [
        "| fit | labels | " + " | ".join(names) + " |",
        "|" + " --- |" * (2 + len(names)),
    ]
    labels = 0
    for record in state.cycles:
        errors = [difference(record.properties, state.reference, name) for name in names]
        lines.append(f"| {record.number} | {labels} | " + " | ".join(errors) + " |")
        labels += record.n_labels
    values = [difference(state.reference, dict.fromkeys(names, 0.0), name)[1:] for name in names]
    lines.append("| EMT | | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def difference(properties: Mapping[str, float], reference: Mapping[str, float], name: str) -> str:
    """Return an error with its sign, or a dash if there is none."""
    error = properties.get(name, math.nan) - reference[name]
    return "–" if math.isnan(error) else f"{error:+.3f}"


def main() -> None:
    """Learn, and print the table."""
    state = run(WORK)
    text = f"{state.n_labels} labels; {state.ended}. Errors:\n\n{table(state)}"
    (WORK / "report.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
