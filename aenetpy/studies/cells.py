"""The trials of a study, sorted into cells: one variant and one size, all seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aenetpy.analysis.errors import (
    Interval,
    Summary,
    VariantComparison,
    bootstrap,
    compare_variants,
    summarise,
)
from aenetpy.arrays import Float, Long
from aenetpy.inputs.study import Study, Variant
from aenetpy.studies.trial_files import TrialResult

ENERGY, FORCE = "energy", "force"
UNITS = {ENERGY: "meV/atom", FORCE: "eV/Å"}

IN_TABLE = ("median", "mean", "rmse", "p95", "maximum")
COLUMNS = (
    *("variant", "size", "seed", "copies", "epochs", "train_seconds"),
    *("own_train_rmse_meV_per_atom", "own_test_rmse_meV_per_atom"),
    *(f"energy_{name}_meV_per_atom" for name in IN_TABLE),
    *(f"force_{name}_eV_per_A" for name in IN_TABLE),
    *("own_train_force_rmse_eV_per_A", "own_test_force_rmse_eV_per_A"),
)


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of one quantity in all seeds of a cell.

    Parameters
    ----------
    errors_rc
        Of each seed and component, (r, c), meV/atom or eV/Å.
    counts_s
        Components of each structure of the common test set.
    """

    errors_rc: Float
    counts_s: Long

    @cached_property
    def summary(self) -> Summary:
        """Statistics of all seeds together."""
        return summarise(self.errors_rc)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Bootstrap intervals of the statistics."""
        return bootstrap(self.errors_rc, self.counts_s)


@dataclass(frozen=True, eq=False)
class Cell:
    """The finished trials of a variant with the same number of training structures."""

    variant: Variant
    size: int
    results: tuple[TrialResult, ...]

    @cached_property
    def energy(self) -> Errors:
        """Errors of the energy per atom, meV."""
        n_atoms_s = self.results[0].n_atoms_s
        errors_rs = np.array([result.energy_errors_s for result in self.results])
        return Errors(errors_rs, np.ones(len(n_atoms_s), np.int64))

    @cached_property
    def force(self) -> Errors:
        """Errors of the force components, eV/Å."""
        errors_rc = np.array([result.force_errors_nc.reshape(-1) for result in self.results])
        return Errors(errors_rc, 3 * self.results[0].n_atoms_s)

    def errors(self, quantity: str) -> Errors:
        """Return the errors of ``energy`` or ``force``."""
        return self.energy if quantity == ENERGY else self.force

    def has(self, quantity: str) -> bool:
        """Return whether the model says anything of ``energy`` or ``force``."""
        return quantity == ENERGY or all(result.has_forces for result in self.results)

    def compared(self, reference: Cell, quantity: str) -> VariantComparison | None:
        """Compare with another cell in the seeds that both have; None without any."""
        seeds = [result.seed for result in self.results]
        theirs = [result.seed for result in reference.results]
        common = [seed for seed in seeds if seed in theirs]
        if not common or not (self.has(quantity) and reference.has(quantity)):
            return None
        errors = self.errors(quantity)
        return compare_variants(
            errors.errors_rc[[seeds.index(seed) for seed in common]],
            reference.errors(quantity).errors_rc[[theirs.index(seed) for seed in common]],
            errors.counts_s,
        )


def sort_into_cells(study: Study, results: Sequence[TrialResult]) -> list[Cell]:
    """Return the cells that have results, by size and then by variant, in file order."""
    cells = []
    for size in study.sizes:
        for variant in study.variants:
            found = tuple(r for r in results if (r.variant, r.size) == (variant.name, size))
            if found:
                cells.append(Cell(variant, size, found))
    return cells


def format_trials(results: Iterable[TrialResult]) -> str:
    """Return ``trials.csv``: one row per trial, statistics over the common test set."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for result in results:
        energy = summarise(result.energy_errors_s)
        force = summarise(result.force_errors_nc) if result.has_forces else None
        own = (result.own_train_rmse, result.own_test_rmse)
        own_force = (result.own_force_train_rmse, result.own_force_test_rmse)
        table.writerow(
            [
                *(result.variant, result.size, result.seed, result.copies, result.epochs),
                f"{result.seconds:.1f}",
                *(f"{value:.6g}" for value in own),
                *(f"{getattr(energy, name):.6g}" for name in IN_TABLE),
                *(f"{getattr(force, name):.6g}" if force else "nan" for name in IN_TABLE),
                *(f"{value:.6g}" for value in own_force),
            ]
        )
    return text.getvalue()
