"""The three commands against the input and output of aenet 2.0.4, as files."""

from __future__ import annotations

import lzma
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.formats.derivatives import iter_derivatives
from aenetpy.formats.trainset import read_trainset
from tests.printed import assert_same_numbers, lines_of

GENERATE = {
    "01-generate-chebyshev": "TiO2.train",
    "01b-generate-chebyshev-env-order": "TiO2.train",
    "01c-generate-derivatives": "TiO2.train",
    "02-generate-behler2011": "TiO2.train",
    "02b-generate-behler2011-all-types": "TiO2.train",
    "02c-quirk-env-order": "TiO2.train",
    "03-generate-single-species": "Au.train",
    "04b-generate-isolated": "CuAu.train",
}
TRAIN = {
    "bfgs": 20,
    "bfgs-maxenergy": 3,
    "bfgs-second-half": 10,
    "act-linear": 5,
    "act-tanh": 5,
    "act-sigmoid": 5,
    "act-mtanh": 5,
    "act-twist": 5,
    "online_sd": 5,
    "lm": 6,
    "lm-batches": 4,
    "lm-wrap": 4,
    "lm-left-out": 4,
    "adam": 6,
    "ekf": 4,
}
PREDICT = {
    "06-predict": ["normal", "low", "high", "noforces", "atomic"],
    "06b-predict-behler2011": [""],
    "06c-predict-behler2011-all-types": [""],
    "06d-predict-single-species": [""],
    "06e-predict-set001-networks": ["low"],
    "04-isolated": [""],
    **{f"05-train/act-{name}/predict": [""] for name in ("linear", "tanh", "mtanh", "twist")},
}


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy_writable(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and "expected" not in path.relative_to(source).parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


@pytest.mark.parametrize("case", GENERATE)
def test_generate(case, golden, workdir, capsys):
    copy_writable(golden / case, workdir)
    assert run(["generate", "generate.in", "--jobs", "2"]) == 0
    expected = golden / case / "expected"
    written = lines_of(capsys.readouterr().out)
    assert written[:-3] == lines_of((expected / "generate.out").read_text())[:-3]

    name = GENERATE[case]
    ours, theirs = read_trainset(name), read_trainset(expected / name)
    assert (workdir / name).stat().st_size == (expected / name).stat().st_size
    assert ours.names_s == theirs.names_s
    np.testing.assert_array_equal(ours.types_n, theirs.types_n)
    np.testing.assert_array_equal(ours.energies_s, theirs.energies_s)
    # aenet turns forces and positions to the lattice and back, which costs the last bit.
    np.testing.assert_allclose(ours.forces_nc, theirs.forces_nc, rtol=0, atol=1e-14)
    np.testing.assert_allclose(ours.positions_nc, theirs.positions_nc, rtol=0, atol=1e-12)
    for ours_ng, theirs_ng in zip(ours.features_tng, theirs.features_tng, strict=True):
        np.testing.assert_allclose(ours_ng, theirs_ng, rtol=1e-9, atol=1e-9)
    for a, b in zip(ours.setups_t, theirs.setups_t, strict=True):
        assert a.description == b.description
        assert a.statistics.count == b.statistics.count
        for field in ("minimum_g", "maximum_g", "mean_g", "mean_square_g"):
            np.testing.assert_allclose(
                getattr(a.statistics, field), getattr(b.statistics, field), rtol=1e-9, atol=1e-9
            )


@pytest.mark.parametrize("case", ["01c-generate-derivatives", "02b-generate-behler2011-all-types"])
def test_generate_derivatives(case, golden, workdir, capsys):
    copy_writable(golden / case, workdir)
    assert run(["generate", "generate.in"]) == 0
    expected = golden / case / "expected" / "TiO2.train.forces"
    compared = 0
    for ours, theirs in zip(
        iter_derivatives("TiO2.train.forces"), iter_derivatives(expected), strict=True
    ):
        for a, b in zip(ours.atoms, theirs.atoms, strict=True):
            assert a.type == b.type
            np.testing.assert_allclose(a.central_gc, b.central_gc, rtol=1e-8, atol=1e-8)
            np.testing.assert_array_equal(np.sort(a.neighbors_p), np.sort(b.neighbors_p))
            for j in np.unique(b.neighbors_p):
                # The order of the images of one atom is free: compare sum and set.
                one = a.neighbors_pgc[a.neighbors_p == j]
                other = b.neighbors_pgc[b.neighbors_p == j]
                np.testing.assert_allclose(one.sum(0), other.sum(0), rtol=1e-8, atol=1e-8)
                one_pk, other_pk = one.reshape(len(one), -1), other.reshape(len(other), -1)
                distance_pp = abs(one_pk[:, None] - other_pk[None]).max(axis=2)
                assert distance_pp.min(axis=1).max() < 1e-8
                assert distance_pp.min(axis=0).max() < 1e-8
            compared += 1
    assert compared >= 12


@pytest.mark.parametrize("case", TRAIN)
def test_train(case, golden, workdir, capsys):
    cases = golden / "05-train"
    for name in ("TiO2.train", "train.rngstate"):
        shutil.copyfile(cases / "start" / name, workdir / name)
    start = cases / case / "start"
    for path in start.iterdir() if start.is_dir() else (cases / "start").glob("*.nn"):
        if path.suffix == ".xz":
            (workdir / path.stem).write_bytes(lzma.decompress(path.read_bytes()))
        else:
            (workdir / path.name).write_bytes(path.read_bytes())
    shutil.copyfile(cases / case / "train.in", workdir / "train.in")
    assert run(["train", "train.in", "--jobs", "2"]) == 0
    expected = cases / case / "expected"
    out = capsys.readouterr().out
    assert lines_of(out) == lines_of((expected / "train.out").read_text())
    assert len(re.findall(r"^ *[0-9].*<$", out, re.MULTILINE)) == TRAIN[case] + 1
    for name in ("energies.train.0", "energies.test.0"):
        assert (workdir / name).read_text() == (expected / name).read_text()
    networks = sorted(expected.glob("*.nn*"))
    assert networks
    for path in networks:
        assert (workdir / path.name).stat().st_size == path.stat().st_size


@pytest.mark.parametrize(
    ("case", "kind"), [(case, kind) for case, kinds in PREDICT.items() for kind in kinds]
)
def test_predict(case, kind, golden, monkeypatch, capsys):
    monkeypatch.chdir(golden / case)
    name = f"predict-{kind}" if kind else "predict"
    # aenet 2.0.4 evaluates the potentials of 06e, which are older, in the wrong convention
    convention = "new" if case.startswith("06e") else "auto"
    assert run(["predict", f"{name}.in", "--jobs", "2", "--chebyshev-domain", convention]) == 0
    written = lines_of(capsys.readouterr().out)
    expected = lines_of(Path("expected", f"{name}.out").read_text())
    assert_same_numbers(written, expected)


@pytest.mark.parametrize(
    ("number", "kind", "rest"), [(0, "low", ""), (1, "normal", ""), (2, "high", " format=ascii")]
)
def test_predict_as_the_python_package_of_aenet_drives_it(
    number, kind, rest, golden, workdir, capsys
):
    case = golden / "06-predict"
    suffix = ".ascii" if rest else ""
    names = sorted(path.name for path in (case / "xsf").iterdir())[:5]
    (workdir / "predict.in").write_text(
        f"TYPES\n2\nTi\nO\n\nNETWORKS{rest}\n"
        f'Ti "{case}/Ti.pytorch.nn{suffix}"\nO "{case}/O.pytorch.nn{suffix}"\n'
        f"\nFORCES\n\nVERBOSITY {number}\n"
        f"\nFILES\n{len(names)}\n" + "".join(f"{case}/xsf/{name}\n" for name in names)
    )
    assert run(["predict", "predict.in"]) == 0
    captured = capsys.readouterr()
    assert "VERBOSITY" not in captured.err
    written = captured.out.replace(f"{case}/", "").replace(".nn.ascii", ".nn")
    expected = (case / "expected" / f"predict-{kind}.out").read_text()
    ours, theirs = (text.split(" Cartesian atomic coordinates") for text in (written, expected))
    assert len(ours) == len(theirs) - 15
    for one, other in zip(ours[:5], theirs[:5], strict=True):
        assert_same_numbers(lines_of(one), lines_of(other))


def test_predict_named_structures(golden, monkeypatch, capsys):
    monkeypatch.chdir(golden / "06-predict")
    first, second = "xsf/structure0381.xsf", "xsf/structure1227.xsf"
    assert run(["predict", "predict-cmdline.in", first]) == 0
    one = lines_of(capsys.readouterr().out)
    assert_same_numbers(one, lines_of(Path("expected", "predict-cmdline.out").read_text()))
    assert run(["predict", "predict-cmdline.in", first, second]) == 0
    both = lines_of(capsys.readouterr().out)
    assert both[: len(one) - 1] == one[:-1]
    assert sum(line.startswith(" Total energy") for line in both) == 2
