"""A family of fingerprints defined here alone goes through generate, train and predict."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.data.fingerprint_families import (
    FAMILIES,
    Family,
    FingerprintParameter,
    family_of,
    known_families,
)
from aenetpy.data.limits import ORDER, POSITIVE
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.passes import BatchPass
from aenetpy.inputs.stp import format_stp, read_stp
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
SPECIES = ("Ti", "O")


class BumpDescriptor:
    """G_tn = sum of (1 - d^2/Rc^2)^(n + 3) over the neighbours of species t closer than Rc."""

    def __init__(self, setup, species, cosine_convention, serving):
        self.setup = setup
        given = setup.named_parameters(0)
        self.cutoff, self.order = given["Rc"], int(given["N"])
        self.n_features = setup.n_features
        self.places_t = np.array([setup.environment.index(symbol) for symbol in species])

    def names(self):
        return [f"bump {n} {t}" for t in self.setup.environment for n in range(self.order + 1)]

    def terms(self, atom, types_n, neighbors):
        """Return values (p, g) and slopes (p, g, 3) of all summands."""
        pairs = slice(neighbors.offsets_n[atom], neighbors.offsets_n[atom + 1])
        r_pc = neighbors.r_cp[:, pairs].T
        inside_p = np.maximum(1.0 - (r_pc**2).sum(axis=1) / self.cutoff**2, 0.0)
        powers_n = np.arange(self.order + 1) + 3
        values_pg = np.zeros((len(r_pc), self.n_features))
        slopes_pgc = np.zeros((len(r_pc), self.n_features, 3))
        places_p = self.places_t[types_n[neighbors.partners_p[pairs]]]
        for n, power in enumerate(powers_n):
            p, g_p = np.arange(len(r_pc)), places_p * len(powers_n) + n
            values_pg[p, g_p] = inside_p**power
            slope_p = -2.0 * power * inside_p ** (power - 1) / self.cutoff**2
            slopes_pgc[p, g_p] = slope_p[:, None] * r_pc
        return values_pg, slopes_pgc

    def evaluate(self, atoms_a, types_n, neighbors):
        values = [self.terms(i, types_n, neighbors)[0].sum(axis=0) for i in atoms_a]
        return np.array(values).reshape(-1, self.n_features), None

    def adjoint(
        self, atoms_a, types_n, neighbors, state, gradient_ag, structures_n, forces_nc, virial_scc
    ):
        for i, gradient_g in zip(atoms_a, gradient_ag, strict=True):
            pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
            slopes_pc = np.einsum("g,pgc->pc", gradient_g, self.jacobian(i, types_n, neighbors))
            np.subtract.at(forces_nc, neighbors.partners_p[pairs], slopes_pc)
            forces_nc[i] += slopes_pc.sum(axis=0)
            virial_scc[structures_n[i]] += neighbors.r_cp[:, pairs] @ slopes_pc

    def directional(self, atoms_a, types_n, neighbors, state, rates_cp):
        rates = []
        for i in atoms_a:
            pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
            jacobian_pgc = self.jacobian(i, types_n, neighbors)
            rates.append(np.einsum("pgc,cp->g", jacobian_pgc, rates_cp[:, pairs]))
        return np.array(rates).reshape(-1, self.n_features)

    def jacobian(self, atom, types_n, neighbors):
        return self.terms(atom, types_n, neighbors)[1]


class Bumps(Family):
    """Two parameters, of which one has a default."""

    name = "Bumps"
    reference = "[a test]"
    parameters = (
        FingerprintParameter("Rc", POSITIVE, "Cutoff", is_cutoff=True),
        FingerprintParameter("N", ORDER, "Order", default=2.0, is_whole=True),
    )
    descriptor = BumpDescriptor

    def size(self, values, n_environment):
        return n_environment * int(values["N"] + 1)


@pytest.fixture
def bumps(monkeypatch):
    family = Bumps()
    monkeypatch.setattr("aenetpy.data.fingerprint_families.FAMILIES", [*FAMILIES, family])
    return family


def write_setup(symbol, basis="Rc = 4.0"):
    path = Path(f"{symbol}.fingerprint.stp")
    path.write_text(f"ATOM {symbol}\nENV 2\nTi\nO\nRMIN 0.5\nBASIS type=Bumps\n{basis}\n")
    return path


def test_through_generate_train_and_predict(bumps, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for symbol in SPECIES:
        write_setup(symbol)
    files = sorted(REFERENCE.glob("*.xsf"))
    for path in files:
        shutil.copy(path, tmp_path)
    listing = "\n".join([f"FILES\n{len(files)}", *(path.name for path in files), ""])
    Path("generate.in").write_text(
        "OUTPUT a.train\nTYPES\n2\nTi -1604.604515075\nO -432.503149303\n"
        f"SETUPS\nTi Ti.fingerprint.stp\nO O.fingerprint.stp\n{listing}"
    )
    assert run(["generate", "generate.in"]) == 0
    printed = capsys.readouterr().out
    assert " Basis function type Bumps\n [a test]\n\n Cutoff : 4.00\n Order  : 2\n" in printed
    Path("train.in").write_text(
        "TRAININGSET a.train\nTESTPERCENT 20\nITERATIONS 5\nMETHOD\nbfgs\n"
        "NETWORKS\nTi Ti.nn 1 4:tanh\nO O.nn 1 4:tanh\n"
    )
    assert run(["train", "train.in"]) == 0
    Path("predict.in").write_text(f"TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\nFORCES\n{listing}")
    capsys.readouterr()
    assert run(["predict", "predict.in"]) == 0
    printed = capsys.readouterr().out

    potential = read_potential({symbol: f"{symbol}.nn" for symbol in SPECIES})
    energies = [potential.evaluate(read_xsf(path)).energy for path in files]
    told = [float(line.split()[-2]) for line in printed.splitlines() if "Total energy" in line]
    assert told == pytest.approx(energies, abs=1e-7)
    structure = read_xsf(files[0])
    found = potential.evaluate(structure)
    step = 1e-4
    ends = []
    for sign in (1.0, -1.0):
        moved = read_xsf(files[0])
        moved.positions_nc[1, 2] += sign * step
        ends.append(potential.evaluate(moved, forces=False).energy)
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(found.forces_nc[1, 2], abs=1e-6)
    assert run(["inspect", "Ti.nn", "--verbose"]) == 0
    assert "bump 2 O" in capsys.readouterr().out


def test_operations_agree(bumps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setups = [read_stp(write_setup(symbol)) for symbol in SPECIES]
    structures = [read_xsf(path) for path in sorted(REFERENCE.glob("*.xsf"))[:2]]
    found = BatchPass(structures, SPECIES, make_descriptors(setups))
    v_nc = np.random.default_rng(0).uniform(-1, 1, (len(found.batch.types_n), 3))
    gradient_tag = [np.cos(features_ag) for features_ag in found.features_tag]
    forces_nc, _ = found.adjoint(gradient_tag)
    along = sum(
        float((gradient_ag * rates_ag).sum())
        for gradient_ag, rates_ag in zip(gradient_tag, found.directional(v_nc), strict=True)
    )
    assert along == pytest.approx(-float((forces_nc * v_nc).sum()), rel=1e-10)


def test_setups_of_a_family_are_read_and_written(bumps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setup = read_stp(write_setup("Ti", "Rc = 4.5  N = 3"))
    assert setup.family is bumps
    assert setup.n_features == 8
    assert setup.r_max == 4.5
    assert setup.named_parameters(0) == {"Rc": 4.5, "N": 3.0}
    Path("again.stp").write_text(format_stp(setup))
    np.testing.assert_array_equal(read_stp("again.stp").parameters_gp, setup.parameters_gp)
    assert known_families() == "Chebyshev, Behler2011 and Bumps"


def test_without_the_entry_the_family_is_unknown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["inspect", str(write_setup("Ti"))]) == 3
    message = capsys.readouterr().err
    assert "unknown basis type 'Bumps'" in message
    assert "known are Chebyshev and Behler2011" in message
    assert family_of("CHEBYSHEV").name == "Chebyshev"
    assert family_of("behler2011").name == "unknown"
