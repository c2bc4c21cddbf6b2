"""The house rules that a reader of the imports can check."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aenetpy.cli.main import COMMANDS, run
from tests.conftest import ROOT

PACKAGE = ROOT / "aenetpy"

# Arrows point down this list only (docs/design.md, section 2).
LAYERS = [
    "cli",
    "learning",
    "studies",
    "commands",
    "calculators",
    "baselines",
    "analysis",
    "augmentation",
    "training",
    "models",
    "descriptors",
    "kernels",
    "processes",
    "reports",
    "structures",
    "formats",
    "inputs",
    "data",
    "files",
    "lazy",
    "seeds",
    "parallel",
    "interruption",
    "digests",
    "errors",
    "arrays",
]
LEAVES = {"kernels": {"kernels", "interruption", "errors", "arrays"}}
HEAVY = {"numba", "scipy", "ase", "matplotlib"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported_names(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def own_layers(path: Path) -> set[str]:
    names = imported_names(ast.parse(path.read_text()))
    layers = {name.split(".")[1] for name in names if name.startswith("aenetpy.")}
    return layers & set(LAYERS)


def test_imports_point_down():
    for path in modules():
        layer = layer_of(path)
        if layer not in LAYERS:
            assert layer in {"__init__", "__main__"}, f"{layer} is not in the layout of the design"
            continue
        below = set(LAYERS[LAYERS.index(layer) :])
        assert own_layers(path) <= LEAVES.get(layer, below), path


def imported_at_once(path: Path) -> set[str]:
    """Return the modules of ours that are imported when a module is, not later, nor for types."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("aenetpy"):
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_no_circles():
    """Neither between folders nor inside of one."""
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in modules()
    }
    left = {name: imported_at_once(path) & set(names) - {name} for name, path in names.items()}
    while free := [name for name, needs in left.items() if not needs]:
        left = {name: needs - set(free) for name, needs in left.items() if name not in free}
    assert left == {}, "these modules import each other"


def test_only_the_decorator_compiles():
    # _lanes.py defines a vector type for kernels, it compiles nothing.
    for path in modules():
        names = imported_names(ast.parse(path.read_text()))
        if path.name != "_numba.py":
            assert "numba" not in {name.split(".")[0] for name in names}, path
        if path.name not in {"_jit.py", "_lanes.py"}:
            assert "aenetpy.kernels._numba" not in names, f"{path} compiles past kernels/_jit.py"


# What derives from ASE's classes, and is itself imported late.
MADE_FOR_ASE = {PACKAGE / "calculators.py", PACKAGE / "structures" / "ase_plugin.py"}


def test_matplotlib_and_ase_are_imported_late():
    for path in set(modules()) - MADE_FOR_ASE:
        top = [
            n
            for n in ast.parse(path.read_text()).body
            if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        names = {name.split(".")[0] for node in top for name in imported_names(node)}
        assert not names & {"matplotlib", "ase"}, path


def test_nothing_prints_outside_the_command_line():
    for path in modules():
        if layer_of(path) == "cli":
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        assert "print" not in names, path


def test_modules_stay_small():
    for path in modules():
        assert len(path.read_text().splitlines()) <= 500, path


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command):
    code = (
        "import sys; from aenetpy.cli.main import run; "
        f"code = run(['{command}', '--help'][{not command}:]); "
        f"heavy = {HEAVY!r} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: aenetpy" in done.stdout


# Numba itself imports yaml and the top of SciPy; its arrayobj stands for all that compiles kernels.
NOT_NEEDED = {"ase", "matplotlib", "scipy.linalg", "numba.np.arrayobj"}


@pytest.mark.parametrize("command", ["generate", "predict"])
def test_work_imports_only_what_it_needs(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ROOT / "tests" / "data"
    species = "TYPES\n2\nTi 0.0\nO 0.0\n"
    files = f"FILES\n1\n{data}/reference/rutile-01.xsf\n"
    setups = "".join(
        f"{symbol} {ROOT}/inputs/tio2-chebyshev/{symbol}.fingerprint.stp\n"
        for symbol in ("Ti", "O")
    )
    networks = "".join(f"{symbol} {data}/rutile/{symbol}.8t-8t.nn\n" for symbol in ("Ti", "O"))
    Path("generate.in").write_text(f"OUTPUT a.train\n{species}SETUPS\n{setups}{files}")
    Path("predict.in").write_text(f"{species}NETWORKS\n{networks}FORCES\n{files}")
    assert run([command, f"{command}.in"]) == 0  # the kernels are compiled from now on
    Path("a.train").unlink(missing_ok=True)
    code = (
        "import sys; from aenetpy.cli.main import run; "
        f"code = run(['{command}', '{command}.in']); "
        f"heavy = {NOT_NEEDED!r} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
