"""Bad input: one line that says what, where and what to do; the exit code; nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from tests.cli.inputs import generate_in
from tests.conftest import ROOT

# Exit code and a piece of the message for each case of golden/10-errors. Where aenet goes on
# in silence although the result is wrong, we refuse (3, 4) or warn (0 with a message).
GOLDEN = {
    "g01": (2, "Missing argument"),
    "g02": (3, "missing.in: file not found"),
    "g03": (3, "generate.in: keyword TYPES is missing"),
    "g04": (3, "generate.in: keyword SETUPS is missing"),
    "g05": (3, "generate.in: keyword FILES is missing"),
    "g06": (0, ""),
    "g07": (0, ""),
    "g08": (4, "generate.in:16: structure file 'xsf/nothere.xsf' not found"),
    "g09": (3, "generate.in:13: FILES announces 4 structures but lists 2"),
    "g10": (0, "generate.in:15: FILES announces 1 structure but lists 2"),
    "g11": (4, "xsf/alien.xsf: species N is not in TYPES"),
    "g12": (4, "xsf/three.xsf: species N is not in TYPES"),
    "g13": (3, "generate.in:10: setup file 'none.stp' not found"),
    "g14": (3, "O.stp: this setup is for Ti"),
    "g15": (3, "O.stp:13: unknown basis type 'Legendre'"),
    "g16": (0, "O.stp:1: unknown keyword 'FOO'"),
    "g17": (0, "O.stp: RMIN not set"),
    "g18": (0, "Ti is not in ENV (O) of O"),
    "g19": (4, "xsf/close.xsf: atoms 1 and 2 are 0.300 Å apart"),
    "g20": (4, "xsf/same.xsf: atoms 1 and 2 are 0.000 Å apart"),
    "g21": (4, "closer than RMIN = 4.5 Å"),
    "g22": (4, "xsf/noe.xsf: no energy"),
    "g23": (4, "xsf/nof.xsf: no forces"),
    "g24": (4, "xsf/zero.xsf: the structure has no atoms"),
    "g25": (4, "xsf/nonnum.xsf:10: 'abc' is not a number"),
    "g26": (4, "xsf/wrongn.xsf:9: PRIMCOORD announces 9 atoms but 6 follow"),
    "g27": (4, "xsf/fewn.xsf:9: PRIMCOORD announces 4 atoms but 6 follow"),
    "g28": (0, ""),
    "g29": (4, "t.train: exists already"),
    "g30": (4, "xsf/nan.xsf:10: 'nan' must be finite"),
    "g31": (4, "xsf/empty.xsf: no atoms"),
    "t01": (2, "Missing argument"),
    "t02": (3, "train.in: keyword TRAININGSET is missing"),
    "t03": (4, "none.train: file not found"),
    "t04": (4, "t.train: training set is truncated"),
    "t05": (4, "t.train: training set is truncated"),
    "t06": (4, "t.train: is a text file"),
    "t07": (3, "train.in:7: unknown training method 'rprop'"),
    "t08": (0, ""),
    "t09": (3, "train.in:13: species N is not in the training set"),
    "t10": (3, "train.in: keyword NETWORKS is missing"),
    "t11": (3, "train.in:12: unknown activation 'relu'"),
    "t12": (0, "Ti.nn: exists and is continued with its own layers 18-3-1"),
    "t13": (4, "Ti.nn: this network was made for another fingerprint"),
    "t14": (0, ""),
    "t15": (3, "train.in:2: TESTPERCENT 100"),
    "t16": (0, ""),
    "t17": (3, "train.in:5: unknown SAMPLING 'foo'"),
    "t18": (3, "MAXENERGY -50 leaves no structures"),
    "t19": (3, "train.in:12: '15tanh' is not a layer"),
    "p01": (2, "Missing argument"),
    "p02": (4, "O.nn: file not found"),
    "p03": (4, "Ti.nn: the network given for O belongs to Ti"),
    "p04": (4, "O.nn: the network given for Ti belongs to O"),
    "p05": (3, "predict.in:7: NETWORKS names N"),
    "p06": (4, "xsf/alien.xsf: species N is not in TYPES"),
    "p07": (3, "predict.in: keyword FILES is missing"),
    "p08": (4, "predict.in:14: structure file 'xsf/nothere.xsf' not found"),
    "p09": (4, "O.nn: potential is truncated"),
    "p10": (4, "O.nn: is a text file"),
    "p11": (0, "xsf/close.xsf: atoms 1 and 2 are 0.300 Å apart"),
    "p12": (4, "xsf/zero.xsf: the structure has no atoms"),
    "p13": (3, "predict.in: keyword TYPES is missing"),
    "p14": (3, "predict.in: keyword NETWORKS is missing"),
    "p15": (0, ""),
    "p16": (3, "predict.in:7: NETWORKS has no line for N"),
    "p17": (0, ""),
}

GENERATE_IN = generate_in("rutile-00.xsf", "anatase-00.xsf", "brookite-00.xsf")

TRAIN_IN = """TRAININGSET t.train
TESTPERCENT 30
ITERATIONS {epochs}
SEED 3
NETWORKS
Ti Ti.nn 1 4:tanh
O O.nn 1 4:tanh
"""


@pytest.fixture(scope="module")
def cases(golden, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("errors")
    with tarfile.open(golden / "10-errors" / "inputs.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return folder / "inputs"


def test_all_cases_are_here(golden):
    table = json.loads((golden / "10-errors" / "errors.json").read_text())
    assert {case["id"] for case in table} == set(GOLDEN)


@pytest.mark.parametrize("case", GOLDEN)
def test_malformed_input(case, golden, cases, tmp_path, monkeypatch, caplog, capsys):
    table = json.loads((golden / "10-errors" / "errors.json").read_text())
    entry = next(row for row in table if row["id"] == case)
    folder = tmp_path / case
    if (cases / case).is_dir():
        shutil.copytree(cases / case, folder)
    else:
        folder.mkdir()
    monkeypatch.chdir(folder)
    before = set(os.listdir())
    code, message = GOLDEN[case]
    assert run([entry["program"].removesuffix(".x"), *entry["args"]]) == code
    told = capsys.readouterr().err + caplog.text
    assert message in told
    assert "Traceback" not in told
    if code:
        errors = [line for line in told.splitlines() if line.startswith("aenetpy: error:")]
        assert len(errors) == 1
        assert set(os.listdir()) == before


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """Three structures of the example, their setups, generate.in and train.in."""
    example = ROOT / "examples" / "tio2"
    for name in ("rutile-00", "anatase-00", "brookite-00"):
        shutil.copy(example / "xsf" / f"{name}.xsf", tmp_path)
    for path in example.glob("*.stp"):
        shutil.copy(path, tmp_path)
    (tmp_path / "generate.in").write_text(GENERATE_IN)
    (tmp_path / "train.in").write_text(TRAIN_IN.format(epochs=3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def fails(command: list[str], code: int, *pieces: str, capsys) -> None:
    before = set(os.listdir())
    assert run(command) == code
    err = capsys.readouterr().err
    for piece in pieces:
        assert piece in err
    assert err.count("\n") == 1
    assert set(os.listdir()) == before


def test_no_command_shows_the_help(capsys):
    assert run([]) == 2
    assert capsys.readouterr().err.startswith("Usage: aenetpy")


def test_unreadable_structure_in_the_middle(workdir, capsys):
    Path("anatase-00.xsf").write_bytes(b"\x00\x01\xff" * 100)
    fails(["generate", "generate.in"], 4, "anatase-00.xsf", capsys=capsys)


def test_structure_is_a_folder(workdir, capsys):
    Path("anatase-00.xsf").unlink()
    Path("anatase-00.xsf").mkdir()
    fails(["generate", "generate.in"], 4, "anatase-00.xsf", capsys=capsys)


def test_singular_cell(workdir, capsys):
    lines = Path("rutile-00.xsf").read_text().split("\n")
    start = lines.index("PRIMVEC")
    lines[start + 2] = lines[start + 1]
    Path("rutile-00.xsf").write_text("\n".join(lines))
    fails(["generate", "generate.in"], 4, "rutile-00.xsf", "lattice", capsys=capsys)


def test_empty_list_of_files(workdir, capsys):
    Path("generate.in").write_text(GENERATE_IN.split("FILES")[0] + "FILES\n0\n")
    fails(["generate", "generate.in"], 3, "generate.in", "FILES", capsys=capsys)


def test_file_without_energy_that_ase_reads(workdir, capsys):
    from ase.build import bulk
    from ase.io import write

    write("none.xyz", bulk("Ti"), format="extxyz")
    edit(Path("generate.in"), "anatase-00.xsf", "none.xyz")
    fails(["generate", "generate.in"], 4, "none.xyz", "no ", capsys=capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_write(workdir, capsys):
    workdir.chmod(0o500)
    try:
        fails(["generate", "generate.in"], 4, "t.train", "ermission", capsys=capsys)
    finally:
        workdir.chmod(0o700)


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aenetpy", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_full_disk(workdir):
    """A limit on the size of files stands for the disk."""
    before = set(os.listdir())
    script = (
        "import resource, signal, sys; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        "from aenetpy.cli.main import run; sys.exit(run(['generate', 'generate.in']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.startswith("aenetpy: error: t.train: cannot be written")
    assert done.stderr.count("\n") == 1
    assert set(os.listdir()) == before


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_interrupted_training_leaves_whole_networks(workdir, capsys, signum, code):
    from aenetpy.formats.network import read_network

    structures = sorted((ROOT / "examples" / "tio2" / "xsf").glob("*-1?.xsf"))
    listing = "\n".join(map(str, structures))
    Path("generate.in").write_text(
        GENERATE_IN.split("FILES")[0] + f"FILES\n{len(structures)}\n{listing}\n"
    )
    assert run(["generate", "generate.in"]) == 0
    # Far from converged when it is interrupted.
    Path("train.in").write_text(TRAIN_IN.format(epochs=100000).replace("4:tanh", "15:tanh"))
    with Path("train.out").open("w") as out:
        process = subprocess.Popen(
            command_line("train", "train.in"), stdout=out, stderr=subprocess.PIPE, env=environment()
        )
        deadline = time.monotonic() + 60
        while not Path("O.nn-00005").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signum)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    if signum == signal.SIGINT:
        assert err.decode().splitlines()[-1] == "aenetpy: error: interrupted"
    networks = [path for path in Path().glob("*.nn*") if not path.name.endswith(".tmp")]
    assert len(networks) >= 12
    for path in networks:
        if path.suffix.startswith(".nn"):
            assert read_network(path).nodes_l[-1] == 1


def test_interrupted_generate_leaves_nothing(workdir, monkeypatch, capsys):
    from aenetpy.commands import generate as workflow

    def interrupt(*_):
        raise KeyboardInterrupt

    before = set(os.listdir())
    monkeypatch.setattr(workflow, "check_contact", interrupt)
    assert run(["generate", "generate.in"]) == 130
    assert capsys.readouterr().err == "aenetpy: error: interrupted\n"
    assert set(os.listdir()) == before


def test_stop_file_ends_training_in_good_order(workdir, capsys):
    assert run(["generate", "generate.in"]) == 0
    Path("STOP").touch()
    capsys.readouterr()
    assert run(["train", "train.in"]) == 75
    captured = capsys.readouterr()
    assert "File `STOP' detected" in captured.out
    assert "Neural Network training done." in captured.out
    assert "STOP: training halted after epoch 1" in captured.err


def test_same_seed_same_files_for_any_number_of_threads(workdir, capsys):
    contents = []
    for jobs in ("1", "3"):
        for path in [*Path().glob("*.nn*"), *Path().glob("t*.train*"), *Path().glob("train.r*")]:
            path.unlink()
        assert run(["generate", "generate.in", "--jobs", jobs]) == 0
        assert run(["train", "train.in", "--jobs", jobs]) == 0
        contents.append({p.name: p.read_bytes() for p in Path().glob("*.nn*")})
        contents[-1]["t.train"] = Path("t.train").read_bytes()
        contents[-1]["state"] = Path("train.rngstate").read_bytes()
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2 * 4 + 2
    Path("train.rngstate").unlink()
    for path in Path().glob("*.nn*"):
        path.unlink()
    assert run(["train", "train.in", "--seed", "4"]) == 0
    assert Path("Ti.nn-00001").read_bytes() != contents[0]["Ti.nn-00001"]


def atoms_of(name):
    """Return a structure as ASE stores it, with energy and forces."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    from aenetpy.structures.xsf import read_xsf

    found = read_xsf(name)
    atoms = Atoms(found.species, found.positions_nc, cell=found.cell_cc, pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=found.energy, forces=found.forces_nc)
    return atoms


def test_other_structure_files(workdir, capsys):
    """Extended XYZ, a trajectory and a database give what the XSF files give."""
    import ase.db
    import ase.io

    from aenetpy.formats.trainset import read_trainset

    names = ["rutile-00.xsf", "anatase-00.xsf", "brookite-00.xsf"]
    frames = [atoms_of(name) for name in names]
    ase.io.write("all.xyz", frames, format="extxyz")
    ase.io.write("all.traj", frames)
    with ase.db.connect("all.db") as database:
        for atoms in frames:
            database.write(atoms)
    assert run(["generate", "generate.in"]) == 0
    expected = read_trainset("t.train")
    for entry in ("all.xyz@:", "all.traj@:", "all.db@:"):
        Path("t.train").unlink()
        text = GENERATE_IN.split("FILES")[0]
        Path("other.in").write_text(f"{text}FILES\n1\n{entry}\n")
        assert run(["generate", "other.in"]) == 0
        found = read_trainset("t.train")
        assert found.n_structures == 3
        assert found.energies_s == pytest.approx(expected.energies_s, abs=1e-6)
        for one, other in zip(found.features_tng, expected.features_tng, strict=True):
            assert one == pytest.approx(other, rel=1e-6, abs=1e-6)


def test_init_writes_inputs_that_are_understood(tmp_path, monkeypatch, capsys):
    from aenetpy.inputs.generate_in import read_generate_in
    from aenetpy.inputs.predict_in import read_predict_in
    from aenetpy.inputs.stp import read_stp
    from aenetpy.inputs.train_in import read_train_in

    for basis, n_features in (("chebyshev", 44), ("behler2011", 70)):
        folder = tmp_path / basis
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert run(["init", "-s", "Ti", "-s", "O", "--basis", basis]) == 0
        assert read_generate_in("generate.in").species == ("Ti", "O")
        assert read_train_in("train.in").networks[1].nodes == (15, 15)
        assert read_predict_in("predict.in").species == ("Ti", "O")
        assert read_stp("O.fingerprint.stp").n_features == n_features
        capsys.readouterr()
        fails(["init", "-s", "Ti"], 4, "generate.in: exists already", capsys=capsys)
    fails(["init", "-s", "Titanium"], 2, "Titanium", capsys=capsys)


@pytest.mark.parametrize(("percent", "chosen"), [(100, [1, 2, 3]), (34, [2]), (0, [])])
def test_share_of_derivatives_counts_frames(workdir, capsys, percent, chosen):
    import ase.io

    from aenetpy.formats.derivatives import iter_derivatives

    frames = [atoms_of(f"{name}.xsf") for name in ("rutile-00", "anatase-00", "brookite-00")]
    ase.io.write("all.xyz", frames, format="extxyz")
    text = GENERATE_IN.split("FILES")[0]
    Path("other.in").write_text(f"{text}FORCES\nFORCESPERCENT {percent}\nFILES\n1\nall.xyz@:\n")
    assert run(["generate", "other.in", "--jobs", "2"]) == 0
    found = [k for k, one in enumerate(iter_derivatives("t.train.forces"), 1) if one.atoms]
    assert found == chosen


def test_derivatives_that_cannot_be_written_block_nothing(workdir, capsys):
    Path("t.train.forces").mkdir()
    edit(Path("generate.in"), "OUTPUT", "FORCES\nOUTPUT")
    fails(["generate", "generate.in"], 4, "t.train.forces", capsys=capsys)


def test_tiny_cell_is_told_with_its_file(workdir, capsys):
    lines = Path("anatase-00.xsf").read_text().split("\n")
    start = lines.index("PRIMVEC")
    lines[start + 1 : start + 4] = ["0.01 0 0", "0 0.01 0", "0 0 0.01"]
    Path("anatase-00.xsf").write_text("\n".join(lines))
    fails(["generate", "generate.in"], 4, "anatase-00.xsf: cell too small", capsys=capsys)
    rutile = ROOT / "tests" / "data" / "rutile"
    names = {symbol: next(rutile.glob(f"{symbol}*.nn")) for symbol in ("Ti", "O")}
    networks = "\n".join(f"{symbol} {path}" for symbol, path in names.items())
    Path("predict.in").write_text(
        f"VERBOSITY low\nTYPES\n2\nTi\nO\nNETWORKS\n{networks}\nFILES\n1\nanatase-00.xsf\n"
    )
    fails(["predict", "predict.in"], 4, "anatase-00.xsf: cell too small", capsys=capsys)


def test_absurd_setups(workdir, capsys):
    stp = Path("Ti.fingerprint.stp")
    text = stp.read_text()
    edit(stp, "radial_N = 10", "radial_N = 99999999")
    fails(["generate", "generate.in"], 3, "Ti.fingerprint.stp", "radial_N", capsys=capsys)
    head = text.split("BASIS")[0]
    stp.write_text(head + "FUNCTIONS type=Behler2011\n1\nG=2 type2=O eta=-50 Rs=0 Rc=4.5\n")
    fails(["generate", "generate.in"], 3, "Ti.fingerprint.stp", "eta is -50", capsys=capsys)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_terminated_generate_leaves_nothing(workdir, signum):
    """Ends while it reads a structure that never comes."""
    os.mkfifo("endless.xsf")
    edit(Path("generate.in"), "brookite-00.xsf", "endless.xsf")
    before = set(os.listdir())
    process = subprocess.Popen(
        command_line("generate", "generate.in"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    deadline = time.monotonic() + 60
    while not list(workdir.glob(".t.train.*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)  # until it waits
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signum
    assert err.decode() == "aenetpy: error: terminated\n"
    assert set(os.listdir()) == before


def test_random_state_of_another_compiler(workdir, capsys):
    from aenetpy.formats.rngstate import write_rngstate

    assert run(["generate", "generate.in"]) == 0
    write_rngstate("train.rngstate", list(range(12)))
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    assert "train.rngstate holds 12 numbers, not 8" in capsys.readouterr().err


def test_damaged_random_state_makes_no_networks(workdir, capsys):
    assert run(["generate", "generate.in"]) == 0
    Path("train.rngstate").write_text("foo\n")
    capsys.readouterr()
    assert run(["train", "train.in"]) == 4
    assert "train.rngstate" in capsys.readouterr().err
    assert not list(Path().glob("*.nn*"))


def test_debug_makes_its_file(workdir, capsys):
    edit(Path("train.in"), "SEED", "DEBUG\nSEED")
    assert run(["generate", "generate.in"]) == 0
    assert run(["train", "train.in"]) == 0
    assert Path("train.debug0").read_bytes() == b""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_protected_network_is_not_replaced(workdir, capsys):
    assert run(["generate", "generate.in"]) == 0
    assert run(["train", "train.in"]) == 0
    Path("Ti.nn").chmod(0o400)
    before = Path("Ti.nn").read_bytes()
    capsys.readouterr()
    assert run(["train", "train.in"]) == 4
    assert "Ti.nn: cannot be written (it is read-only)" in capsys.readouterr().err
    assert Path("Ti.nn").read_bytes() == before
