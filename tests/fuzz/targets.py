"""What is damaged, what reads it, and what must hold then."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aenetpy.cli.main import run
from aenetpy.errors import AenetpyError
from aenetpy.formats.network import read_network
from aenetpy.formats.trainset import read_trainset
from aenetpy.structures.companion import read_geometry
from aenetpy.studies.trial_files import (
    TrialRecord,
    TrialResult,
    read_record,
    read_result,
    write_record,
    write_result,
)
from tests.conftest import ROOT
from tests.fuzz import mutations
from tests.fuzz.mutations import Damage

CODES = {0, 2, 3, 4, 5, 75}
"""Exit codes that damaged input may end with."""

STRUCTURES = ("rutile-00", "anatase-00", "brookite-00")

GENERATE_IN = """OUTPUT t.train
FORCES
FORCESPERCENT 50
TYPES
2
Ti -1.5  ! eV
O  -2.5
SETUPS
Ti Ti.stp
O  O.stp
FILES
3
a.xsf
b.xsf
run.xyz@0
"""
BEHLER = """DESCR
  G2 and G4
END DESCR
ATOM O
ENV 2
Ti
O
RMIN 0.5
FUNCTIONS type=Behler2011
3
G=2 type2=O eta=0.003 Rs=0.0 Rc=3.5
G=1 type2=Ti Rc=3.5
G=4 type2=Ti type3=O eta=0.003 lambda=-1.0 zeta=1.0 Rc=3.0
"""
CHEBYSHEV = """DESCR
  small
END DESCR
ATOM {species}
ENV 2
Ti
O
RMIN 0.5
BASIS type=Chebyshev
radial_Rc = 4.0 radial_N = 2 angular_Rc = 3.5 angular_N = 1
"""
TRAIN_IN = """TRAININGSET t.train
TESTPERCENT 30
ITERATIONS 2
MAXENERGY 100.0
SEED 3
SAVE_ENERGIES
TIMING
METHOD
{method}
SAMPLING sequential
NETWORKS
Ti Ti.nn 1 3:tanh
O  O.nn  2 2:sigmoid 2:twist
"""
PREDICT_IN = """TYPES
2
Ti
O
NETWORKS
Ti {Ti}
O  {O}
VERBOSITY low
PRINT_ATOMIC_ENERGIES
FORCES
FILES
2
a.xsf
run.xyz@-1
"""
RELAX_IN = PREDICT_IN + "RELAX\nmethod=bfgs F_conv=0.5 E_conv=0.1 steps=2 dmax=1 1 1 cell=yes\n"
STUDY = """generate: generate.in
train: train.in
test: 1
test_seed: 1
sizes: [1, 2]
seeds: [1, 2]
reference: plain
variants:
  plain: {}
  copies: {taylor: {strategy: random, delta: 0.02, a: 2}}
  longer: {train: {iterations: 3, method: adam mu=0.003, networks: ["Ti Ti.nn 0", "O O.nn 0"]}}
"""
MD = {
    "potentials": {"Ti": "Ti.nn", "O": "O.nn"},
    "structure_file": "a.xsf",
    "temperature": 300,
    "time_step": 0.5,
    "md_steps": 2,
    "print_steps": 1,
    "trajectory_file": "md.traj",
    "seed": 1,
}


class Wrong(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Target:
    """A file that is damaged, and what is run then.

    Parameters
    ----------
    file
        Name of the file.
    kinds
        Kinds of damage.
    command
        Arguments of ``aenetpy``; or a function to call, which may raise ``AenetpyError``.
    folder
        Of the project it stands in, see `make_projects`.
    remove
        Files that must not be there.
    """

    file: str
    kinds: list[Damage]
    command: Sequence[str] | Callable[[], object]
    folder: str = "bfgs"
    remove: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What is told of it."""
        command = self.command.__name__ if callable(self.command) else " ".join(self.command)
        return f"{self.folder}/{self.file}: {command}"


FRESH = ("t.train", "t.train.forces", "t.train.geometry")
PREDICT = ["predict", "--json", "predict.in"]
T, R, A, J = mutations.TEXT, mutations.RECORDS, mutations.ARCHIVE, mutations.JSON


def _record() -> object:
    return read_record("trial.json")


def _result() -> object:
    found = read_result("result.npz")
    if found is not None and not np.isfinite(found.force_errors_nc).all():
        raise Wrong("a result that is not finite")
    return found


def _geometry() -> object:
    geometry = read_geometry("t.train", read_trainset("t.train"))
    if not np.isfinite(geometry.cells_scc).all():
        raise Wrong("a cell that is not finite")
    return geometry


TARGETS = [
    Target("generate.in", T, ["generate", "generate.in"], remove=FRESH),
    Target("Ti.stp", T, ["generate", "generate.in"], remove=FRESH),
    Target("O.stp", T, ["generate", "generate.in"], "behler", FRESH),
    Target("a.xsf", T, ["generate", "generate.in"], remove=FRESH),
    Target("run.xyz", T, ["generate", "generate.in"], remove=FRESH),
    Target("Ti.stp", T, ["inspect", "--json", "Ti.stp"]),
    Target("a.xsf", T, PREDICT),
    Target("a.xsf", T, ["predict", "relax.in"]),
    Target("run.xyz", T, PREDICT),
    Target("run.xyz", T, ["evaluate", "md.json", "run.xyz", "--forces"]),
    Target("predict.in", T, PREDICT),
    Target("relax.in", T, ["predict", "relax.in"]),
    Target("O.nn", R, PREDICT),
    Target("O.nn", R, PREDICT, "behler"),
    Target("O.nn", R, ["inspect", "--json", "O.nn"], "behler"),
    Target("O.nn", R, ["train", "train.in"]),
    Target("O.nn", R, ["upgrade", "O.nn", "new.nn"]),
    Target("O.nn", R, ["nnascii2bin", "--to-ascii", "O.nn", "new.ascii"]),
    Target("O.nn.ascii", T, ["predict", "--json", "ascii.in"]),
    Target("O.nn.ascii", T, ["nnascii2bin", "O.nn.ascii", "new.nn"]),
    Target("train.in", T, ["train", "train.in"]),
    Target("train.in", T, ["train", "train.in"], "lm"),
    Target("t.train", R, ["train", "train.in"]),
    Target("t.train", R, ["inspect", "--json", "-v", "t.train"], "behler"),
    Target("t.train", R, ["trainbin2ascii", "t.train", "new.ascii"]),
    Target("t.train", R, ["trnset2ascii", "t.train", "new.ascii"]),
    Target("t.train.geometry", A, _geometry),
    Target("t.train.geometry", A, ["inspect", "--json", "t.train"]),
    Target("t.train.geometry", A, ["inspect", "--json", "t.train.geometry"]),
    Target("t.train.scaled", R, ["inspect", "--json", "t.train.scaled"]),
    Target("t.train.scaled", R, ["train", "scaled.in"]),
    Target("t.pytorch", T, ["trainbin2ascii", "--to-ascii", "t.pytorch", "new.train"]),
    Target("t.pytorch", T, ["inspect", "--json", "t.pytorch"]),
    Target("t.raw", T, ["inspect", "--json", "t.raw"]),
    Target("t.train.forces", R, ["inspect", "--json", "t.train.forces"]),
    Target("train.rngstate", R, ["train", "train.in"]),
    Target("train.rngstate", R, ["inspect", "--json", "train.rngstate"]),
    Target("train.restart", R, ["train", "train.in"], remove=("train.state",)),
    Target("train.restart", R, ["inspect", "--json", "train.restart"]),
    Target("train.restart", R, ["train", "train.in"], "ekf", ("train.state",)),
    Target("train.restart", R, ["inspect", "--json", "train.restart"], "ekf"),
    *(Target("train.state", A, ["train", "train.in"], m) for m in ("bfgs", "lm", "adam", "ekf")),
    Target("train.state", A, ["train", "train.in"], "online_sd"),
    Target("train.state", A, ["inspect", "--json", "train.state"]),
    Target("study.yaml", T, ["study", "--dry-run", "study.yaml"]),
    Target("md.json", J, ["md", "md.json"]),
    Target("md.json", J, ["evaluate", "md.json", "a.xsf", "--forces"]),
    Target("trial.json", J, _record),
    Target("result.npz", A, _result),
]

METHODS = {
    "bfgs": "bfgs",
    "lm": "lm batchsize=1 learnrate=0.1 adjust=5",
    "adam": "adam mu=0.001 batchsize=1 samplesize=2",
    "ekf": "ekf lambda=0.99 wgroup=20",
    "online_sd": "online_sd gamma=0.001 alpha=0.05",
}


def make_projects(folder: Path, enter: Callable[[Path], object]) -> None:
    """Make a small project per method, and one with Behler2011, that ran to the end."""
    from ase.io import write

    from aenetpy.structures.atoms import atoms_from_structure
    from aenetpy.structures.xsf import read_xsf, write_xsf

    example = ROOT / "examples" / "tio2" / "xsf"
    structures = [read_xsf(example / f"{name}.xsf") for name in STRUCTURES]
    for name in ("behler", *METHODS):
        project = folder / name
        project.mkdir()
        enter(project)
        for letter, structure in zip("ab", structures, strict=False):
            write_xsf(project / f"{letter}.xsf", structure)
        write("run.xyz", [atoms_from_structure(s) for s in structures[1:]], format="extxyz")
        Path("Ti.stp").write_text(CHEBYSHEV.format(species="Ti"))
        Path("O.stp").write_text(CHEBYSHEV.format(species="O"))
        if name == "behler":
            Path("O.stp").write_text(BEHLER)
            Path("Ti.stp").write_text(BEHLER.replace("ATOM O", "ATOM Ti"))
        Path("generate.in").write_text(GENERATE_IN)
        train_in = TRAIN_IN.format(method=METHODS.get(name, "bfgs"))
        Path("train.in").write_text(train_in)
        Path("scaled.in").write_text(train_in.replace("t.train", "t.train.scaled"))
        Path("predict.in").write_text(PREDICT_IN.format(Ti="Ti.nn", O="O.nn"))
        Path("relax.in").write_text(RELAX_IN.format(Ti="Ti.nn", O="O.nn"))
        Path("ascii.in").write_text(PREDICT_IN.format(Ti="Ti.nn", O="O.nn.ascii"))
        Path("study.yaml").write_text(STUDY)
        Path("md.json").write_text(json.dumps(MD, indent=1))
        for command in (
            ["generate", "generate.in"],
            ["train", "train.in"],
            ["nnascii2bin", "--to-ascii", "O.nn", "O.nn.ascii"],
            ["trainbin2ascii", "t.train", "t.pytorch"],
            ["trnset2ascii", "--raw", "t.train", "t.raw"],
        ):
            assert run(command) == 0, command
        for path in (*project.glob("*.nn-0*"), *project.glob("*.time")):
            path.unlink()
        write_record(project / "trial.json", TrialRecord("abc", ["generate"], 1.0, 2, 3))
        numbers = (np.zeros(2), np.zeros((5, 3)), np.array([2, 3]))
        result = TrialResult("abc", "def", "plain", 2, 1, 0, 2, 1.0, 0.5, math.nan, *numbers)
        result = replace(result, energies_s=np.zeros(2))
        write_result(project / "result.npz", result)
        Path("STOP").write_text("after one epoch\n")


def damage(target: Target, seed: int, projects: Path, folder: Path) -> None:
    """Copy the project of a target, one file of it damaged."""
    source = projects / target.folder
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*target.remove))
    rng = np.random.default_rng([seed, *target.name.encode()])
    changed = mutations.damaged(rng, (source / target.file).read_bytes(), target.kinds)
    (folder / target.file).write_bytes(_brief(target, changed))


def _brief(target: Target, content: bytes) -> bytes:
    """Dynamics that is asked for a billion steps takes long, and rightly."""
    if target.command != ["md", "md.json"]:
        return content
    return re.sub(rb'("md_steps": *)[\d.eE+]+', rb"\g<1>2", content)


def execute(target: Target) -> int:
    """Run what a target runs, in the current folder, and check what must hold.

    Raises
    ------
    Wrong
        If something that must hold does not.
    """
    if callable(target.command):
        try:
            target.command()
        except AenetpyError as error:
            return error.exit_code
        return 0
    before = set(Path().iterdir())
    code, out, err = captured(target.command)
    if code not in CODES:
        raise Wrong(f"status {code}: {err.strip().splitlines()[-1:]}")
    if "Traceback" in err or "Warning:" in err:
        raise Wrong(f"on standard error: {err[-500:]}")
    told = [line for line in err.splitlines() if re.match("aenetpy: (error|stopped):", line)]
    if len(told) != (code != 0):
        raise Wrong(f"status {code} with {len(told)} lines of error: {err[-500:]}")
    if "out of memory" in err:
        raise Wrong("memory has ended")
    if code == 0:
        check_results(target, out)
    if code in (2, 3, 4) and target.command[0] != "train":
        left = {path.name for path in set(Path().iterdir()) - before} - {"md.traj"}
        if left:
            raise Wrong(f"status {code}, and {left} left behind")
    return code


def captured(command: Sequence[str]) -> tuple[int, str, str]:
    """Run a command, and return its exit code, standard output and standard error."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")  # as that of Python
    with redirect_stdout(out), redirect_stderr(err):
        code = run(list(command))
    for stream in (out, err):
        stream.flush()
    texts = [stream.buffer.getvalue() for stream in (out, err)]  # type: ignore[attr-defined]
    return code, *(text.decode("utf-8", "surrogateescape") for text in texts)


def check_results(target: Target, out: str) -> None:
    """Require finite results of a command that ended well."""
    assert not callable(target.command)
    match target.command[0]:
        case "generate":
            for path in Path().glob("*.train"):
                if not np.isfinite(read_trainset(path).energies_s).all():
                    raise Wrong("energies that are not finite")
        case "predict" if "--json" in target.command:
            for structure in json.loads(out)["structures"]:
                energies = [structure["energy"], *(structure["atomic_energies"] or ())]
                forces = [f for force in structure["forces"] or () for f in force]
                if None in energies or None in forces:
                    raise Wrong("energies or forces that are not finite")
        case "predict" | "evaluate" | "md":
            if re.search(r"(?i)\b(nan|inf(inity)?)\b", out):
                raise Wrong("numbers that are not finite")
        case "train" | "upgrade" | "nnascii2bin":
            for path in Path().glob("*.nn"):
                read_network(path)
        case "inspect":
            json.loads(out)
