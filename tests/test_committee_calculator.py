"""The ASE calculator of a committee: mean and spread, threads, memory of neighbours, NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.calculator import PropertyNotImplementedError
from ase.md.verlet import VelocityVerlet

import aenetpy
from aenetpy.errors import NumericalError
from tests.dynamics import POTENTIAL, rutile, start_moving


@pytest.fixture(scope="module")
def potentials() -> list[aenetpy.Potential]:
    first = aenetpy.read_potential(POTENTIAL)
    made = [first]
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        files = {
            symbol: replace(
                file, weights_w=file.weights_w * rng.normal(1, 0.02, file.weights_w.size)
            )
            for symbol, file in first.files.items()
        }
        made.append(aenetpy.Potential(files))
    return made


@pytest.fixture
def calculator(potentials) -> aenetpy.CommitteeCalculator:
    return aenetpy.CommitteeCalculator(aenetpy.Committee(potentials))


def test_mean_and_spread_of_single_calculators(calculator, potentials):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    atoms.get_forces()
    results = dict(calculator.results)
    alone: dict[str, list] = {}
    for potential in potentials:
        single = rutile(shake=0.1)
        single.calc = aenetpy.Calculator(potential)
        single.get_forces()
        for name in ("energy", "energies", "forces", "stress"):
            alone.setdefault(name, []).append(single.calc.results[name])
    for name, values in alone.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(results[name], np.mean(values, axis=0), atol=1e-10 * scale)
        np.testing.assert_allclose(
            results[f"{name}_std"], np.std(values, axis=0), atol=1e-8 * scale
        )
        members = results["energy_members" if name == "energy" else f"{name}_members"]
        np.testing.assert_allclose(members, values, atol=1e-10 * scale)
    assert results["forces_std"].max() > 1e-3
    assert calculator.disagreement() == results["forces_std"].max()
    assert calculator.disagreement("energy", atoms) == results["energy_std"] / len(atoms)
    assert set(results) == set(calculator.implemented_properties)


def test_energies_alone_then_forces(calculator):
    atoms = rutile(shake=0.1)
    atoms.calc = calculator
    calculator.get_property("energy_std", atoms)
    assert "forces" not in calculator.results
    assert calculator.get_property("forces_std", atoms).shape == (len(atoms), 3)


def test_no_stress_without_a_cell(calculator):
    atoms = rutile(shake=0.1)
    atoms.set_cell(None)
    atoms.pbc = False
    atoms.calc = calculator
    assert atoms.get_forces().shape == (6, 3)
    assert "stress_std" not in calculator.results
    with pytest.raises(PropertyNotImplementedError, match="no volume"):
        calculator.get_property("stress_std", atoms)


def test_a_member_that_is_not_finite(potentials):
    files = dict(potentials[1].files)
    weights_w = np.full(files["O"].weights_w.size, 1e300)
    files["O"] = replace(files["O"], weights_w=weights_w, activations=("linear",) * 3)
    atoms = rutile(shake=0.1)
    committee = aenetpy.Committee([potentials[0], aenetpy.Potential(files)])
    atoms.calc = aenetpy.CommitteeCalculator(committee)
    with np.errstate(all="ignore"), pytest.raises(NumericalError, match="member 2: the energy or"):
        atoms.get_forces()
    assert not atoms.calc.evaluation.disagreement() <= 1e300


@pytest.mark.parametrize("kind", ["single", "committee"])
def test_dynamics_that_goes_on_repeats_bit_by_bit(potentials, kind):
    def make():
        if kind == "single":
            return aenetpy.Calculator(potentials[0])
        return aenetpy.CommitteeCalculator(aenetpy.Committee(potentials))

    def run(atoms, steps):
        with VelocityVerlet(atoms, 1.0) as dynamics:
            dynamics.run(steps)

    atoms = rutile((2, 2, 2), shake=0.05)
    atoms.calc = make()
    start_moving(atoms, 600.0)
    run(atoms, 7)
    saved = atoms.copy()
    saved.set_momenta(atoms.get_momenta())
    atoms.calc.forget_neighbours()
    atoms.calc.reset()
    run(atoms, 7)
    saved.calc = make()
    run(saved, 7)
    assert np.array_equal(atoms.positions, saved.positions)
    assert np.array_equal(atoms.get_momenta(), saved.get_momenta())
    assert np.array_equal(atoms.calc.results["forces"], saved.calc.results["forces"])


def test_threads_and_parameters(calculator, potentials):
    atoms = rutile((5, 5, 5), shake=0.05)
    atoms.calc = calculator
    forces = atoms.get_forces()
    atoms.calc = aenetpy.CommitteeCalculator(aenetpy.Committee(potentials), jobs=2, skin=0.0)
    assert np.array_equal(atoms.get_forces(), forces)
    assert "jobs=2" in repr(atoms.calc)
    assert "member 3" in repr(atoms.calc)
