"""Potentials: forces and virial by differences, invariances, threads, errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from aenetpy.data.structure import Structure
from aenetpy.descriptors.verlet import VerletList
from aenetpy.errors import CoincidentAtoms, DataError, NumericalError
from aenetpy.formats.network import write_network
from aenetpy.inputs.stp import read_stp
from aenetpy.models.potential import Potential
from aenetpy.models.reading import read_potential
from tests.conftest import ROOT
from tests.potentials import random_potential

PERIODIC = (True, True, True)


def random_structure(seed: int, kind: str) -> Structure:
    """Return a TiO2-like structure; ``small`` cells see several images of every atom."""
    rng = np.random.default_rng(seed)
    n_atoms, edge = {"small": (3, 2.9), "periodic": (12, 5.4), "isolated": (9, 4.5)}[kind]
    cell_cc = edge * (np.eye(3) + 0.15 * rng.uniform(-1, 1, (3, 3)))
    fractions_nc = rng.permutation(np.stack(np.mgrid[:3, :3, :3], -1).reshape(-1, 3) / 3)[:n_atoms]
    positions_nc = (fractions_nc + 0.05 * rng.uniform(-1, 1, (n_atoms, 3))) @ cell_cc
    species = tuple("Ti" if n % 3 == 0 else "O" for n in range(n_atoms))
    if kind == "isolated":
        return Structure(species, positions_nc)
    return Structure(species, positions_nc, cell_cc, PERIODIC)


@pytest.fixture(scope="module", params=["tio2-chebyshev", "tio2-behler2011"])
def potential(request) -> Potential:
    setups = [
        read_stp(ROOT / "inputs" / request.param / f"{s}.fingerprint.stp") for s in ("Ti", "O")
    ]
    samples = [random_structure(seed, "periodic") for seed in range(6)]
    return random_potential(setups, samples, hidden=(6, 5))


def energy_at(potential: Potential, structure: Structure, positions_nc, cell_cc=None) -> float:
    cell_cc = structure.cell_cc if cell_cc is None else cell_cc
    moved = replace(structure, positions_nc=positions_nc, cell_cc=cell_cc)
    return potential.evaluate(moved, forces=False).cohesive_energy


@pytest.mark.parametrize("kind", ["small", "periodic", "isolated"])
def test_forces_are_minus_the_slope_of_the_energy(potential, kind):
    structure = random_structure(11, kind)
    found = potential.evaluate(structure)
    scale = abs(found.forces_nc).max()
    step = 1e-4
    for atom in range(len(structure)):
        for c in range(3):
            shift_nc = np.zeros((len(structure), 3))
            shift_nc[atom, c] = step
            energies = [
                energy_at(potential, structure, structure.positions_nc + k * shift_nc)
                for k in (-2, -1, 1, 2)
            ]
            slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
            assert found.forces_nc[atom, c] == pytest.approx(-slope, rel=1e-6, abs=1e-6 * scale)
    np.testing.assert_allclose(found.forces_nc.sum(axis=0), 0, atol=1e-11 * scale)


@pytest.mark.parametrize("kind", ["small", "periodic"])
def test_virial_is_the_slope_with_strain(potential, kind):
    structure = random_structure(12, kind)
    virial_cc = potential.evaluate(structure).virial_cc
    scale = abs(virial_cc).max()
    step = 3e-5
    for a in range(3):
        for b in range(3):
            energies = []
            for k in (-2, -1, 1, 2):
                strain_cc = np.eye(3)
                strain_cc[a, b] += k * step
                energies.append(
                    energy_at(
                        potential,
                        structure,
                        structure.positions_nc @ strain_cc,
                        structure.cell_cc @ strain_cc,
                    )
                )
            slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
            assert virial_cc[a, b] == pytest.approx(slope, rel=1e-6, abs=1e-6 * scale)
    np.testing.assert_allclose(virial_cc, virial_cc.T, atol=1e-10 * scale)


def rotation(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    return q * np.linalg.det(q)


@pytest.mark.parametrize("kind", ["small", "periodic", "isolated"])
def test_energy_does_not_change_under_motions_and_names(potential, kind):
    structure = random_structure(13, kind)
    reference = potential.evaluate(structure)
    turn_cc = rotation(1)
    cell_cc = None if structure.cell_cc is None else structure.cell_cc @ turn_cc
    turned = replace(structure, positions_nc=structure.positions_nc @ turn_cc, cell_cc=cell_cc)
    found = potential.evaluate(turned)
    assert found.cohesive_energy == pytest.approx(reference.cohesive_energy, rel=1e-10)
    scale = abs(reference.forces_nc).max()
    np.testing.assert_allclose(found.forces_nc, reference.forces_nc @ turn_cc, atol=1e-9 * scale)

    moved = potential.evaluate(
        replace(structure, positions_nc=structure.positions_nc + np.array([3.1, -17.0, 0.4]))
    )
    assert moved.cohesive_energy == pytest.approx(reference.cohesive_energy, rel=1e-10)

    order = np.random.default_rng(2).permutation(len(structure))
    shuffled = potential.evaluate(
        replace(
            structure,
            species=tuple(structure.species[k] for k in order),
            positions_nc=structure.positions_nc[order],
        )
    )
    assert shuffled.cohesive_energy == pytest.approx(reference.cohesive_energy, rel=1e-10)
    np.testing.assert_allclose(shuffled.forces_nc, reference.forces_nc[order], atol=1e-9 * scale)


def supercell(structure: Structure, repeat: tuple[int, int, int]) -> Structure:
    images = [np.array(k) @ structure.cell_cc for k in np.ndindex(*repeat)]
    return replace(
        structure,
        species=structure.species * len(images),
        positions_nc=np.concatenate([structure.positions_nc + image for image in images]),
        cell_cc=np.array(repeat)[:, None] * structure.cell_cc,
    )


def test_energy_is_extensive_and_threads_change_nothing(potential):
    structure = random_structure(14, "periodic")
    one = potential.evaluate(structure)
    many = supercell(structure, (3, 4, 5))  # 720 atoms, several chunks
    found = potential.evaluate(many)
    assert found.cohesive_energy == pytest.approx(60 * one.cohesive_energy, rel=1e-10)
    assert found.energy == pytest.approx(60 * one.energy, rel=1e-10)
    np.testing.assert_allclose(found.virial_cc, 60 * one.virial_cc, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.forces_nc, np.tile(one.forces_nc, (60, 1)), atol=1e-9)
    threaded = potential.evaluate(many, jobs=3)
    assert threaded.energy == found.energy
    np.testing.assert_array_equal(threaded.forces_nc, found.forces_nc)
    np.testing.assert_array_equal(threaded.virial_cc, found.virial_cc)


def test_blocks_of_chunks_add_up(potential, monkeypatch):
    many = supercell(random_structure(14, "periodic"), (3, 4, 5))
    expected = potential.evaluate(many)
    monkeypatch.setattr("aenetpy.models.potential.BLOCKS", 2)
    found = potential.evaluate(many)  # two chunks and one
    threaded = potential.evaluate(many, jobs=2)
    scale = abs(expected.forces_nc).max()
    np.testing.assert_array_equal(found.atomic_energies_n, expected.atomic_energies_n)
    np.testing.assert_allclose(found.forces_nc, expected.forces_nc, atol=1e-12 * scale)
    np.testing.assert_allclose(found.virial_cc, expected.virial_cc, rtol=1e-10, atol=1e-8)
    np.testing.assert_array_equal(threaded.forces_nc, found.forces_nc)
    assert found.closest.distance == expected.closest.distance


@pytest.mark.parametrize("kind", ["small", "periodic", "isolated"])
def test_kept_neighbours_change_nothing(potential, kind):
    structure = random_structure(17, kind)
    search = VerletList(potential.cutoff, skin=0.6)
    rng = np.random.default_rng(18)
    for _ in range(5):
        structure.positions_nc[:] += 0.02 * rng.standard_normal(structure.positions_nc.shape)
        found = potential.evaluate(structure, search=search)
        expected = potential.evaluate(structure)
        assert found.energy == pytest.approx(expected.energy, rel=1e-13)
        scale = abs(expected.forces_nc).max()
        np.testing.assert_allclose(found.forces_nc, expected.forces_nc, atol=1e-10 * scale)
    assert search.n_searches < 5


@pytest.mark.parametrize("kind", ["periodic", "isolated"])
def test_atoms_of_ase_are_evaluated_alike(potential, kind):
    structure = random_structure(19, kind)
    atoms = Atoms(
        structure.species, structure.positions_nc, cell=structure.cell_cc, pbc=structure.pbc_c
    )
    atoms.calc = SinglePointCalculator(atoms, energy=np.nan)  # plays no role
    found, expected = potential.evaluate(atoms), potential.evaluate(structure)
    assert found.energy == expected.energy
    np.testing.assert_array_equal(found.forces_nc, expected.forces_nc)


def test_species_outside_env_are_refused(potential):
    files = dict(potential.files)
    setup = files["O"].setup
    foreign = replace(setup, environment=("O", "N"))
    alone = Potential(files | {"O": replace(files["O"], setup=foreign)})
    structure = random_structure(20, "periodic")
    for _ in range(2):
        with pytest.raises(DataError, match=r"Ti is not in ENV \(O N\) of O"):
            alone.evaluate(structure)


def test_atomic_energies_add_up(potential):
    structure = random_structure(15, "isolated")
    found = potential.evaluate(structure, forces=False)
    free = {"Ti": -1.0, "O": -2.0}
    atoms = sum(free[symbol] for symbol in structure.species)
    assert found.energy == pytest.approx(found.atomic_energies_n.sum(), rel=1e-14)
    assert found.energy == pytest.approx(found.cohesive_energy + atoms, rel=1e-12)
    assert found.forces_nc is None
    assert found.virial_cc is None


def test_files_of_other_species_are_refused(potential, tmp_path):
    paths = {symbol: tmp_path / f"{symbol}.nn" for symbol in potential.files}
    for symbol, file in potential.files.items():
        write_network(paths[symbol], file)
    structure = random_structure(16, "periodic")
    again = read_potential(paths).evaluate(structure)
    assert again.energy == potential.evaluate(structure).energy
    with pytest.raises(DataError, match=r"O\.nn: the network given for Ti belongs to O"):
        read_potential({"Ti": paths["O"], "O": paths["Ti"]})
    with pytest.raises(
        DataError, match=r"no network for species N; the potential has networks of Ti O"
    ):
        potential.evaluate(replace(structure, species=("N",) * len(structure)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 0.0}, r"O\.nn: .*scale: is 0, and must be finite and above 0"),
        ({"scale": np.nan}, r"O\.nn: .*scale: is nan"),
        ({"weights_w": np.inf}, r"O\.nn: .*weights: number 1 of \d+ is inf, and must be finite"),
    ],
)
def test_numbers_that_cannot_be_used(potential, tmp_path, change, message):
    file = potential.files["O"]
    if "weights_w" in change:
        change = {"weights_w": np.full_like(file.weights_w, change["weights_w"])}
    write_network(tmp_path / "O.nn", replace(file, **change))
    with pytest.raises(DataError, match=message):
        read_potential({"O": tmp_path / "O.nn"})


def test_networks_that_disagree_are_refused(potential, tmp_path):
    paths = {symbol: tmp_path / f"{symbol}.nn" for symbol in potential.files}
    for symbol, file in potential.files.items():
        write_network(paths[symbol], file)
    shifted = replace(potential.files["O"], atomic_energies_t=np.array([-1.0, -2.1]))
    write_network(paths["O"], shifted)
    with pytest.raises(DataError, match=r"O\.nn: the networks disagree: other atomic energies"):
        read_potential(paths)
    other = (
        "tio2-behler2011" if potential.setups[0].family.has_cosine_convention else "tio2-chebyshev"
    )
    setups = [read_stp(ROOT / "inputs" / other / f"{s}.fingerprint.stp") for s in ("Ti", "O")]
    foreign = random_potential(setups, [random_structure(1, "periodic")]).files["O"]
    write_network(paths["O"], foreign)
    with pytest.raises(DataError, match=r"O\.nn: the networks disagree: .* fingerprint of Ti and"):
        read_potential(paths)


def test_species_that_are_no_text_are_refused(potential):
    structure = random_structure(16, "periodic")
    numbers = replace(structure, species=(22,) * len(structure))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no network for species 22; the potential has networks of"):
        potential.evaluate(numbers)


def test_results_that_are_not_finite_are_refused(potential):
    found = potential.evaluate(random_structure(16, "periodic"))
    found.require_finite("a.xsf")
    with pytest.raises(NumericalError, match=r"a\.xsf: the energy or a force is not finite; the"):
        replace(found, energy=np.inf).require_finite("a.xsf")
    found.forces_nc[3, 1] = np.nan
    with pytest.raises(NumericalError, match=r"closest atoms, \d+ and \d+, are \d\.\d+ Å apart"):
        found.require_finite()


@pytest.mark.parametrize("image", [(0, 0, 0), (2, -1, 0)])
@pytest.mark.parametrize("forces", [True, False])
def test_atoms_in_one_place_are_named(potential, image, forces):
    structure = random_structure(15, "periodic")
    positions_nc = structure.positions_nc.copy()
    positions_nc[7] = positions_nc[4] + np.array(image) @ structure.cell_cc
    same = replace(structure, positions_nc=positions_nc, name="same.xsf")
    with pytest.raises(
        CoincidentAtoms, match=r"same\.xsf: .*atoms, 5 and 8, are 0\.000 Å"
    ) as error:
        potential.evaluate(same, forces=forces)
    assert isinstance(error.value, NumericalError)
    assert error.value.exit_code == DataError.exit_code
    isolated = replace(same, cell_cc=None, pbc_c=(False, False, False))
    if image == (0, 0, 0):
        with pytest.raises(CoincidentAtoms, match="5 and 8"):
            potential.evaluate(isolated, forces=forces)
    else:
        assert np.isfinite(potential.evaluate(isolated, forces=forces).energy)


@pytest.mark.parametrize("forces", [True, False])
def test_a_batch_says_what_each_structure_says_alone(potential, forces):
    kinds = ["periodic", "small", "isolated", "periodic", "small"]
    structures = [random_structure(30 + seed, kind) for seed, kind in enumerate(kinds)]
    structures.insert(2, supercell(random_structure(5, "periodic"), (3, 3, 3)))  # two chunks
    found_s = potential.evaluate_batch(structures, forces, out_of_range=True)
    for structure, found in zip(structures, found_s, strict=True):
        alone = potential.evaluate(structure, forces, out_of_range=True)
        assert found.energy == pytest.approx(alone.energy, abs=1e-10)
        assert found.cohesive_energy == pytest.approx(alone.cohesive_energy, abs=1e-10)
        np.testing.assert_allclose(
            found.atomic_energies_n, alone.atomic_energies_n, rtol=0, atol=1e-11
        )
        assert (found.closest.first, found.closest.second) == (
            alone.closest.first,
            alone.closest.second,
        )
        assert found.closest.distance == alone.closest.distance
        for name in ("atoms_k", "components_k", "values_k", "deviations_k"):
            ours, theirs = getattr(found.out_of_range, name), getattr(alone.out_of_range, name)
            np.testing.assert_array_equal(ours, theirs)
        if forces:
            np.testing.assert_allclose(found.forces_nc, alone.forces_nc, rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.virial_cc, alone.virial_cc, rtol=0, atol=1e-9)
        else:
            assert found.forces_nc is None
            assert found.virial_cc is None
    assert sum(len(found.out_of_range) > 0 for found in found_s) > 1


def test_the_wrong_structure_of_a_batch_is_named(potential):
    structures = [replace(random_structure(s, "periodic"), name=f"{s}.xsf") for s in range(3)]
    positions_nc = structures[1].positions_nc.copy()
    positions_nc[4] = positions_nc[7]
    together = [structures[0], replace(structures[1], positions_nc=positions_nc), structures[2]]
    with pytest.raises(CoincidentAtoms, match="atoms, 5 and 8,") as caught:
        potential.evaluate_batch(together)
    assert str(caught.value.file) == "1.xsf"
