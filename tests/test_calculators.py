"""The ASE calculator: what ASE expects of it, and its physics by ASE's own checks."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError, all_changes
from ase.calculators.fd import FiniteDifferenceCalculator, calculate_numerical_forces
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.db import connect
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import BFGS
from threadpoolctl import threadpool_limits

import aenetpy
from aenetpy.errors import AenetpyError, DataError, NumericalError, UsageError
from aenetpy.structures.ase_plugin import write_aenet_xsf
from tests.dynamics import POTENTIAL, drift, rutile, start_moving, total_energies

RESULTS = {"energy", "free_energy", "energies", "forces", "stress"}


@pytest.fixture(scope="module")
def potential() -> aenetpy.Potential:
    return aenetpy.read_potential(POTENTIAL)


@pytest.fixture
def calculator(potential) -> aenetpy.Calculator:
    return aenetpy.Calculator(potential)


def molecule() -> Atoms:
    atoms = rutile(shake=0.1)
    atoms.set_cell(None)
    atoms.pbc = False
    return atoms


def slab() -> Atoms:
    atoms = rutile(shake=0.1)
    atoms.center(vacuum=5.0, axis=2)
    atoms.pbc = (True, True, False)
    return atoms


def one_atom() -> Atoms:
    return Atoms("O", cell=[[2.6, 0.1, 0.0], [0.3, 2.8, 0.2], [-0.2, 0.4, 2.7]], pbc=True)


# --- physics -----------------------------------------------------------------------------


def assert_close(found: np.ndarray, expected: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("make", [lambda: rutile(shake=0.1), slab, one_atom])
def test_forces_and_stress_by_finite_differences(potential, make):
    atoms = make()
    twin = FiniteDifferenceCalculator(aenetpy.Calculator(potential), eps_disp=1e-4, eps_strain=1e-5)
    forces, stress = twin.get_property("forces", atoms), twin.get_property("stress", atoms)
    atoms.calc = aenetpy.Calculator(potential)
    assert_close(atoms.get_forces(), forces, max(abs(forces).max(), 1e-3))
    assert_close(atoms.get_stress(), stress, abs(stress).max())


def test_forces_of_a_molecule_and_no_stress(calculator):
    atoms = molecule()
    atoms.calc = calculator
    forces = atoms.get_forces()
    assert_close(forces, calculate_numerical_forces(atoms, eps=1e-4), abs(forces).max())
    with pytest.raises(PropertyNotImplementedError, match="no volume"):
        atoms.get_stress()


def test_energy_is_conserved(calculator):
    atoms = rutile((2, 2, 2))
    atoms.calc = calculator
    start_moving(atoms, 600)
    total_energies(atoms, 0.2)
    slope, _ = drift(*total_energies(atoms, 1.5, every=4))
    assert abs(slope) < 1.0  # meV/atom/ns
    assert calculator.n_searches < 300  # of 3400 steps


def test_rutile_relaxes_with_its_cell(calculator):
    atoms = rutile(shake=0.05)
    atoms.set_cell(atoms.cell * [1.03, 1.02, 1.04], scale_atoms=True)
    atoms.calc = calculator
    # Threads for matrices of nine rows cost seconds.
    with threadpool_limits(1), BFGS(FrechetCellFilter(atoms), logfile=None) as optimizer:
        assert optimizer.run(fmax=1e-4, steps=150)
    assert abs(atoms.get_stress()).max() < 1e-4
    lengths_angles = atoms.cell.cellpar()
    np.testing.assert_allclose(lengths_angles, [4.460, 4.460, 3.032] + [90] * 3, atol=2e-3, rtol=0)


# --- contract ----------------------------------------------------------------------------


def test_results_are_those_of_the_potential(calculator, potential):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    found = potential.evaluate(atoms)
    assert atoms.get_potential_energy() == found.energy
    assert set(calculator.results) == {"energy", "free_energy", "energies"}
    assert atoms.get_potential_energy(force_consistent=True) == found.energy
    np.testing.assert_array_equal(atoms.get_potential_energies(), found.atomic_energies_n)
    np.testing.assert_array_equal(atoms.get_forces(), found.forces_nc)
    assert set(calculator.results) == RESULTS
    virial_cc, volume = found.virial_cc, atoms.get_volume()
    voigt = [virial_cc[a, b] for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))]
    np.testing.assert_allclose(atoms.get_stress(), np.array(voigt) / volume, rtol=1e-10)
    np.testing.assert_allclose(found.stress_cc, atoms.get_stress(voigt=False), rtol=1e-10)
    assert potential.evaluate(molecule()).stress_cc is None
    assert potential.evaluate(atoms, forces=False).stress_cc is None
    assert set(calculator.implemented_properties) == RESULTS
    assert calculator.get_cohesive_energy() == found.cohesive_energy


def test_ase_takes_all_results(calculator):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    found = atoms.get_properties(["energy", "forces", "stress", "energies"])
    atoms.calc = SinglePointCalculator(atoms, **calculator.results)
    for name in ("energy", "forces", "stress", "energies"):
        np.testing.assert_array_equal(found[name], atoms.calc.results[name])
    assert atoms.get_potential_energy(force_consistent=True) == found["energy"]


def test_cohesive_energy_is_that_of_the_atoms_as_they_are(calculator, potential):
    atoms = rutile(shake=0.1)
    for _ in range(3):
        expected = potential.evaluate(atoms, forces=False).cohesive_energy
        assert calculator.get_cohesive_energy(atoms) == pytest.approx(expected, rel=1e-13)
        atoms.rattle(0.05, seed=3)


def test_atoms_do_not_change(calculator):
    atoms = rutile(shake=0.1)
    atoms.positions += 30.0  # outside the cell, and to stay there
    atoms.set_initial_magnetic_moments([1.0] * 6)
    atoms.info["note"] = "kept"
    atoms.set_constraint(FixAtoms([0]))
    before = copy.deepcopy(atoms.todict())
    atoms.calc = calculator
    forces = atoms.get_forces(apply_constraint=False)
    atoms.get_stress()
    assert abs(forces[0]).max() > 0.01
    assert not atoms.get_forces()[0].any()
    after = atoms.todict()
    assert after.keys() == before.keys()
    for key, value in before.items():
        if key != "constraints":
            np.testing.assert_array_equal(after[key], value)
    forces[:] = 0.0  # what is handed out does not belong to the calculator
    assert abs(atoms.get_forces()).max() > 0.01


def test_only_what_changes_is_calculated(calculator, monkeypatch):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    calls = []
    evaluate = calculator.potential.evaluate
    monkeypatch.setattr(
        calculator.potential, "evaluate", lambda *a, **k: calls.append(1) or evaluate(*a, **k)
    )
    for _ in range(3):
        atoms.get_forces()
        atoms.get_potential_energy()
        atoms.get_stress()
    atoms.set_initial_charges([0.5] * 6)
    assert atoms.get_forces().shape == (6, 3)
    assert len(calls) == 1
    assert calculator.get_property("energy", atoms, allow_calculation=False) is not None
    atoms.positions[0, 0] += 0.01
    assert calculator.get_property("energy", atoms, allow_calculation=False) is None
    for change in (
        lambda: atoms.positions.__iadd__(0.01 * np.eye(6, 3)),
        lambda: atoms.set_cell(1.01 * atoms.cell),
        lambda: setattr(atoms, "pbc", (True, True, False)),
        lambda: setattr(atoms, "numbers", atoms.numbers[::-1]),
        lambda: atoms.append("O"),
    ):
        before = atoms.get_potential_energy()
        change()
        assert atoms.get_potential_energy() != before
        assert atoms.get_potential_energy() == aenetpy.Calculator(
            calculator.potential
        ).get_potential_energy(atoms)


def test_results_of_other_atoms_do_not_stay(calculator):
    calculator.calculate(rutile(), ["forces"], all_changes)
    calculator.calculate(rutile((1, 1, 2)), ["energy"], all_changes)
    assert "forces" not in calculator.results
    calculator.calculate(None, ["forces"], [])
    assert calculator.results["forces"].shape == (12, 3)


def test_skin_and_threads_change_nothing(potential):
    atoms = rutile((4, 4, 4), shake=0.1)  # 384 atoms, two chunks
    reference = aenetpy.Calculator(potential, skin=0.0)
    threaded = [aenetpy.Calculator(potential, skin=1.0, jobs=jobs) for jobs in (1, 3)]
    rng = np.random.default_rng(1)
    for _ in range(6):
        atoms.positions += 0.05 * rng.standard_normal(atoms.positions.shape)
        expected = reference.get_forces(atoms)
        one, three = (calculator.get_forces(atoms) for calculator in threaded)
        np.testing.assert_array_equal(one, three)
        np.testing.assert_allclose(one, expected, rtol=0, atol=1e-12 * abs(expected).max())
        assert threaded[0].get_potential_energy(atoms) == pytest.approx(
            reference.get_potential_energy(atoms), rel=1e-13
        )
        assert threaded[0].results["energy"] == threaded[1].results["energy"]
    assert reference.n_searches == 6
    assert threaded[0].n_searches < 6


def test_one_calculator_for_several_atoms(calculator):
    many = [rutile(shake=0.1), molecule(), slab(), one_atom(), rutile((1, 2, 1), shake=0.1)]
    for atoms in [*many, *many[::-1]]:
        fresh = aenetpy.Calculator(calculator.potential, skin=0.0)
        assert calculator.get_potential_energy(atoms) == pytest.approx(
            fresh.get_potential_energy(atoms), rel=1e-13
        )


def test_flat_slab_without_third_vector(calculator):
    atoms = slab()
    expected = calculator.get_potential_energy(atoms)
    atoms.cell[2] = 0.0
    assert calculator.get_potential_energy(atoms) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(PropertyNotImplementedError):
        calculator.get_stress(atoms)


# --- construction ------------------------------------------------------------------------


def test_folder_list_dict_and_potential_are_the_same(potential):
    paths = {symbol: POTENTIAL / f"{symbol}.8t-8t.nn" for symbol in ("Ti", "O")}
    sources = (POTENTIAL, str(POTENTIAL), list(paths.values()), paths, potential)
    energies = {aenetpy.Calculator(s).get_potential_energy(rutile(shake=0.1)) for s in sources}
    assert max(energies) - min(energies) < 1e-12


def test_todict_makes_the_calculator_again():
    calculator = aenetpy.Calculator(POTENTIAL, skin=0.7)
    parameters = json.loads(json.dumps(calculator.todict()))
    assert parameters.keys() == {"potential", "skin"}
    again = aenetpy.Calculator(**parameters)
    atoms = rutile(shake=0.1)
    assert again.get_potential_energy(atoms) == calculator.get_potential_energy(atoms)
    assert again.parameters == calculator.parameters


def test_the_representation_tells_what_it_is(potential):
    ti, o = (POTENTIAL / f"{symbol}.8t-8t.nn" for symbol in ("Ti", "O"))
    text = "28-8-8-1; cutoff=4.5 Å, skin=0.7 Å, jobs=2)"
    calculator = aenetpy.Calculator({"Ti": ti, "O": o}, skin=0.7, jobs=2)
    assert repr(calculator) == f"Calculator(Ti: {ti}, 28-8-8-1; O: {o}, {text}"
    nameless = aenetpy.Calculator(aenetpy.Potential(potential.files), skin=0.7, jobs=2)
    assert repr(nameless) == f"Calculator(O: 28-8-8-1; Ti: {text}"


def test_set_changes_skin_and_jobs_only(calculator):
    atoms = rutile(shake=0.1)
    energy = calculator.get_potential_energy(atoms)
    assert calculator.set(skin=0.0, jobs=2) == {"skin": 0.0, "jobs": 2}
    assert calculator.get_property("energy", atoms, allow_calculation=False) == energy
    atoms.rattle(1e-3)
    assert calculator.get_potential_energy(atoms) != energy
    for wrong in ({"skin": -0.1}, {"skin": np.nan}, {"jobs": 0}, {"jobs": 1.5}, {"cutoff": 8.0}):
        with pytest.raises(UsageError):
            calculator.set(**wrong)
    with pytest.raises(UsageError, match=r"skin = -1 Å"):
        aenetpy.Calculator(calculator.potential, skin=-1)


def test_files_of_ase_take_the_results(calculator, tmp_path):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    forces, stress = atoms.get_forces(), atoms.get_stress()
    for name in ("run.traj", "run.extxyz", "run.json"):
        write(tmp_path / name, atoms)
        again = read(tmp_path / name)
        np.testing.assert_allclose(again.get_forces(), forces, atol=1e-7)
        np.testing.assert_allclose(again.get_stress(), stress, atol=1e-7)
    with connect(tmp_path / "run.db") as database:
        database.write(atoms)
        row = next(database.select())
    assert row.calculator == "aenetpy"
    assert row.energy == atoms.get_potential_energy()
    assert set(row.calculator_parameters) == {"potential"}


# --- mistakes ----------------------------------------------------------------------------


def assert_one_line(error: pytest.ExceptionInfo[AenetpyError]) -> None:
    assert "\n" not in str(error.value)


def test_species_without_a_network_are_named(calculator):
    atoms = rutile()
    atoms.symbols[0], atoms.symbols[1] = "Zr", "N"
    with pytest.raises(DataError, match="no network for species N Zr") as error:
        calculator.get_potential_energy(atoms)
    assert_one_line(error)
    alone = aenetpy.Calculator([POTENTIAL / "Ti.8t-8t.nn"])
    with pytest.raises(
        DataError, match="no network for species O; the potential has networks of Ti"
    ):
        alone.get_potential_energy(rutile())
    assert np.isfinite(alone.get_potential_energy(Atoms("Ti")))


def test_missing_and_wrong_files_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        aenetpy.Calculator(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"Ti\.8t-8t\.nn.*the network given for O belongs to Ti"):
        aenetpy.Calculator({"O": POTENTIAL / "Ti.8t-8t.nn"})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda atoms: atoms.__delitem__(slice(None)), "no atoms"),
        (
            lambda atoms: atoms.positions.__setitem__((0, 1), np.nan),
            "a coordinate: number 2 of 18 is .*, and must be",
        ),
        (
            lambda atoms: atoms.positions.__setitem__((0, 1), np.inf),
            "a coordinate: number 2 of 18 is .*, and must be",
        ),
        (lambda atoms: atoms.set_cell([4.0, 4.0, 0.0]), "span no volume"),
        (lambda atoms: atoms.set_cell([1e-5, 4.0, 4.0]), "cell too small"),
    ],
)
def test_impossible_atoms_are_refused(calculator, spoil, message):
    atoms = rutile()
    spoil(atoms)
    with pytest.raises(DataError, match=message) as error:
        calculator.get_forces(atoms)
    assert_one_line(error)
    assert np.isfinite(calculator.get_potential_energy(rutile()))  # and goes on afterwards


def test_atoms_in_one_place_are_named(calculator):
    atoms = rutile()
    atoms.positions[3] = atoms.positions[1]
    with pytest.raises(NumericalError, match=r"atoms, 2 and 4, are 0\.000 Å apart") as error:
        calculator.get_forces(atoms)
    assert_one_line(error)


def test_far_outside_the_training_set_it_runs(calculator):
    assert np.isfinite(calculator.get_potential_energy(Atoms("TiO2", np.eye(3) * 0.9)))
    assert calculator.get_forces(Atoms("Ti")).tolist() == [[0.0, 0.0, 0.0]]


def test_warns_once_of_foreign_and_close_atoms(caplog):
    calculator = aenetpy.Calculator(POTENTIAL)
    atoms = rutile()
    atoms.calc = calculator
    atoms.get_potential_energy()
    assert not caplog.messages
    atoms.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    atoms.get_potential_energy()
    atoms.rattle(0.01, seed=1)
    atoms.get_potential_energy()
    assert len([text for text in caplog.messages if "outside of the training range" in text]) == 1
    atoms.positions[1] = atoms.positions[0] + [0.3, 0.0, 0.0]
    atoms.get_potential_energy()
    atoms.rattle(0.01, seed=2)
    atoms.get_potential_energy()
    close = [text for text in caplog.messages if "closer than RMIN" in text]
    assert len(close) == 1
    assert "atoms 1 and 2 are 0.300" in close[0]


def test_extrapolation_is_counted_and_named_every_time(potential):
    calculator = aenetpy.Calculator(POTENTIAL)
    atoms = rutile()
    atoms.calc = calculator
    atoms.get_potential_energy()
    assert "extrapolation" not in calculator.results
    assert calculator.extrapolation_summary() == ""
    atoms.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    for evaluations in (1, 2):
        atoms.rattle(0.01, seed=evaluations)
        atoms.get_forces()
        out = potential.evaluate(atoms, out_of_range=True).out_of_range
        found = calculator.results["extrapolation"]
        assert found["atoms"] == len(set(out.atoms_k[out.deviations_k >= 1.0]))
        assert found["standard_deviations"] == pytest.approx(out.deviations_k.max())
        assert f"of atom {out.atoms_k[0] + 1} (" in found["worst"]
        assert found["evaluations"] == evaluations
    assert "in 2 of 3 evaluations; worst: " in calculator.extrapolation_summary()
    atoms.set_cell(atoms.cell.array / 0.8, scale_atoms=True)
    atoms.get_potential_energy()
    assert "extrapolation" not in calculator.results


@pytest.mark.parametrize("arguments", [{"skin": "a"}, {"skin": None}, {"jobs": "2"}])
def test_parameters_of_the_wrong_kind(arguments):
    with pytest.raises(UsageError, match="is no number"):
        aenetpy.Calculator(POTENTIAL, **arguments)


def test_results_of_other_positions_are_not_written(calculator, tmp_path, caplog):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    energy = atoms.get_potential_energy()
    atoms.get_forces()
    write_aenet_xsf(tmp_path / "now.xsf", atoms)
    assert aenetpy.read_xsf(tmp_path / "now.xsf").energy == pytest.approx(energy, abs=1e-7)
    assert not caplog.messages
    atoms.positions[0] += 0.1
    write_aenet_xsf(tmp_path / "moved.xsf", atoms)
    moved = aenetpy.read_xsf(tmp_path / "moved.xsf")
    assert moved.energy is None
    assert moved.forces_nc is None
    assert "belong to other atoms" in caplog.text
