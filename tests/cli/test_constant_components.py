"""Components that only rounding makes vary: a bond that is the same in all structures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.cli.main import run
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.structure import Structure
from aenetpy.formats.network import read_network, write_network
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.models.network import Network
from aenetpy.models.scaling import SMALLEST_DEVIATION, rounding_noise
from aenetpy.structures.xsf import write_xsf

BOND = 0.74
N_CONSTANT = 12
FUNCTIONS = [
    *(f"G=2 type2=H eta={0.1 * k} Rs=0.5 Rc=6.0" for k in range(N_CONSTANT)),
    "G=2 type2=O eta=0.1 Rs=0.0 Rc=6.0",
    "G=2 type2=O eta=1.0 Rs=2.0 Rc=6.0",
    "G=4 type2=H type3=O eta=0.05 lambda=1.0 zeta=2.0 Rc=6.0",
]
HEAD = ["ENV 2", "H", "O", "RMIN 0.3", "FUNCTIONS type=Behler2011", str(len(FUNCTIONS))]


def molecule(rng: np.random.Generator, bond: float = BOND) -> Structure:
    """Return H2 and an O beside it, in any orientation; only O has moved."""
    place_c = np.array([rng.uniform(-0.8, 0.8), rng.uniform(1.2, 2.2), 0.0])
    positions_nc = np.array([[-bond / 2, 0.0, 0.0], [bond / 2, 0.0, 0.0], place_c])
    turn_cc, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    distances = np.linalg.norm(place_c - positions_nc[:2], axis=1)
    energy = float((np.exp(-2.0 * (distances - 1.0)) - 2.0 * np.exp(1.0 - distances)).sum())
    return Structure(
        ("H", "H", "O"),
        positions_nc @ turn_cc + rng.uniform(-3.0, 3.0, 3),
        energy=energy,
        forces_nc=np.zeros((3, 3)),
    )


def slope(potential: aenetpy.Potential, structure: Structure, atom: int, c: int) -> float:
    """-dE/dr by differences."""
    step, energies = 1e-4, []
    for k in (-1, 1):
        positions_nc = structure.positions_nc.copy()
        positions_nc[atom, c] += k * step
        moved = replace(structure, positions_nc=positions_nc)
        energies.append(potential.evaluate(moved, forces=False).energy)
    return (energies[0] - energies[1]) / (2 * step)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Thirty molecules, generated and trained; what the commands have told."""
    folder = tmp_path_factory.mktemp("bond")
    rng = np.random.default_rng(4)
    names = [f"{k:02d}.xsf" for k in range(30)]
    for name in names:
        write_xsf(folder / name, molecule(rng))
    for symbol in "HO":
        (folder / f"{symbol}.stp").write_text("\n".join([f"ATOM {symbol}", *HEAD, *FUNCTIONS]))
    lines = ["TYPES", "2", "H 0.0", "O 0.0", "SETUPS", "H H.stp", "O O.stp", "FILES", "30", *names]
    (folder / "generate.in").write_text("\n".join(lines))
    (folder / "train.in").write_text(
        "TRAININGSET refdata.train\nTESTPERCENT 0\nITERATIONS 60\nSEED 1\nMETHOD\nbfgs\n"
        "NETWORKS\nH H.nn 1 5:tanh\nO O.nn 1 5:tanh\n"
    )
    return folder, {}


@pytest.fixture
def project(trained, monkeypatch, capsys) -> tuple[Path, dict[str, str]]:
    folder, told = trained
    monkeypatch.chdir(folder)
    if not told:
        for command in ("generate", "train"):
            assert run([command, f"{command}.in"]) == 0
            told[command] = capsys.readouterr().err
    return folder, told


def test_generate_and_train_tell_it(project):
    _, told = project
    constant = ", ".join(str(g + 1) for g in range(N_CONSTANT))
    text = f"H: fingerprint components {constant} of 15 are the same for all atoms and are not used"
    for command in ("generate", "train"):
        assert told[command].count(text) == 1


def test_the_statistics_are_those_of_aenet(project):
    trainset = read_trainset("refdata.train")
    features_ng, statistics = trainset.features_tng[0], trainset.setups_t[0].statistics
    for g in range(len(FUNCTIONS)):
        mean = square = 0.0
        for n, x in enumerate(features_ng[:, g].tolist()):
            mean, square = (n * mean + x) / (n + 1), (n * square + x * x) / (n + 1)
        assert (mean, square) == (statistics.mean_g[g], statistics.mean_square_g[g])
    # the case is one: aenet scales by the inverse of these
    sigma_g = np.sqrt(np.maximum(statistics.mean_square_g - statistics.mean_g**2, 0.0))
    noise_g, constant_g = rounding_noise(statistics), np.arange(len(FUNCTIONS)) < N_CONSTANT
    np.testing.assert_array_equal(noise_g, constant_g & (sigma_g > SMALLEST_DEVIATION))
    assert noise_g.any()
    assert (sigma_g[constant_g] < 1e-7).all()
    assert read_network("H.nn").setup.statistics.mean_square_g[0] == statistics.mean_square_g[0]


def test_forces_are_sane_where_the_bond_changes(project):
    potential = aenetpy.read_potential(".")
    rng = np.random.default_rng(5)
    for bond in (BOND, 0.739, 0.76, 0.6):
        structure = molecule(rng, bond)
        found = potential.evaluate(structure)
        assert abs(found.forces_nc).max() < 50.0
        for atom, c in ((0, 0), (1, 2), (2, 1)):
            expected = slope(potential, structure, atom, c)
            assert found.forces_nc[atom, c] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_loading_tells_it(project, caplog):
    aenetpy.read_potential(".")
    told = [text for text in caplog.messages if "but for rounding" in text]
    assert len(told) == 1
    assert told[0].startswith("H: fingerprint components ")
    assert told[0].endswith("of 15 were the same in training but for rounding, and have no effect")


def with_noisy_weights(folder: Path) -> None:
    """Write a potential as aenet trains it, with weights on the noise."""
    for symbol in "HO":
        file = read_network(f"{symbol}.nn")
        weights_w = file.weights_w.copy()
        first = Network(file.nodes_l, file.activations, weights_w).matrices_l[0]
        first[:, :-1][:, rounding_noise(file.setup.statistics)] = 0.2
        write_network(folder / f"{symbol}.nn", replace(file, weights_w=weights_w))


def as_aenet(file: SpeciesPotential, structure: Structure) -> np.ndarray:
    """Energies of the H atoms; aenet knows one limit, 1e-10, and nothing of rounding."""
    features_ag = aenetpy.fingerprints(structure, ["H.stp", "O.stp"])["H"].features_ag
    statistics = file.setup.statistics
    sigma_g = np.sqrt(np.maximum(statistics.mean_square_g - statistics.mean_g**2, 0.0))
    x_ag = np.zeros_like(features_ag)
    np.divide(features_ag - statistics.mean_g, sigma_g, out=x_ag, where=sigma_g > 1e-10)
    y_a = Network(file.nodes_l, file.activations, file.weights_w).forward(x_ag)
    return y_a / file.scale + file.shift


def test_aenet_finds_the_energies_of_our_potentials(project):
    potential = aenetpy.read_potential(".")
    for bond in (BOND, 0.8):
        structure = molecule(np.random.default_rng(6), bond)
        ours_n = potential.evaluate(structure).atomic_energies_n
        np.testing.assert_allclose(
            as_aenet(potential.files["H"], structure), ours_n[:2], rtol=1e-12
        )


def test_a_potential_of_aenet_keeps_its_energies(project, tmp_path, caplog):
    ours = aenetpy.read_potential(".")
    with_noisy_weights(tmp_path)
    caplog.clear()
    theirs = aenetpy.read_potential(tmp_path)
    (told,) = [text for text in caplog.messages if "but for rounding" in text]
    assert told.endswith("energies and forces of aenet 2.0.4 mean nothing")
    noise = []
    for k in range(30):
        structure = aenetpy.read_xsf(f"{k:02d}.xsf")
        found_n = theirs.evaluate(structure).atomic_energies_n
        np.testing.assert_allclose(as_aenet(theirs.files["H"], structure), found_n[:2], rtol=1e-12)
        noise.append(abs(found_n - ours.evaluate(structure).atomic_energies_n).max())
    assert max(noise) > 1e-4  # the digits of the coordinates are an input of order one
    moved = molecule(np.random.default_rng(7), BOND + 0.05)
    found, calm = theirs.evaluate(moved), ours.evaluate(moved)
    assert abs(as_aenet(theirs.files["H"], moved) - calm.atomic_energies_n[:2]).max() > 0.02
    # the inputs stay at the ends of their ranges, where some of the structures have them
    assert abs(found.atomic_energies_n - calm.atomic_energies_n).max() < 2.0 * max(noise)
    assert abs(found.forces_nc).max() < 50.0
    step = replace(moved, positions_nc=moved.positions_nc * (1.0 + 1e-5))
    work = float((found.forces_nc * (step.positions_nc - moved.positions_nc)).sum())
    assert theirs.evaluate(step).energy - found.energy == pytest.approx(-work, rel=1e-3)


@pytest.mark.parametrize(
    "method", ["bfgs", "lm", "adam", "ekf pnoise=0.001", "online_sd gamma=0.001"]
)
def test_training_goes_on_without_the_noise(project, tmp_path, monkeypatch, method):
    with_noisy_weights(tmp_path)
    write_trainset(tmp_path / "refdata.train", read_trainset("refdata.train"))
    text = Path("train.in").read_text().replace("bfgs", method).replace("60", "2")
    (tmp_path / "train.in").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert run(["train", "train.in"]) == 0
    file = read_network("H.nn")
    first = Network(file.nodes_l, file.activations, file.weights_w).matrices_l[0]
    noise_g = rounding_noise(file.setup.statistics)
    assert (first[:, :-1][:, noise_g] == 0.0).all()
    assert (first[:, :-1][:, ~noise_g] != 0.0).all()


def test_the_bond_is_told_to_be_outside(project):
    potential = aenetpy.read_potential(".")
    inside = potential.evaluate(molecule(np.random.default_rng(8)), out_of_range=True).out_of_range
    assert not np.isinf(inside.deviations_k).any()
    far = potential.evaluate(
        molecule(np.random.default_rng(8), 0.75), out_of_range=True
    ).out_of_range
    assert np.isinf(far.deviations_k[0])
