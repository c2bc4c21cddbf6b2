"""``predict``: structures and potentials in, energies and forces out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TextIO

from aenetpy import __version__
from aenetpy.errors import InputError
from aenetpy.io import report_predict as report
from aenetpy.io.predict_in import PredictInput
from aenetpy.io.structure import Structure
from aenetpy.models.potential import Evaluation, read_potential
from aenetpy.parallel import ordered_map
from aenetpy.workflows.checks import check_contact, check_species
from aenetpy.workflows.entries import read_structures
from aenetpy.workflows.timing import Timing


def predict(
    settings: PredictInput,
    out: TextIO,
    jobs: int = 1,
    on_entry: Callable[[], object] = lambda: None,
) -> None:
    """Evaluate structures and report energies and, if asked for, forces.

    Parameters
    ----------
    settings
        Contents of ``predict.in``.
    out
        Receives the text that ``predict.x`` writes to standard output.
    jobs
        Threads; the result does not depend on it.
    on_entry
        Called after each entry of FILES.

    Raises
    ------
    InputError
        If RELAX is asked for.
    DataError
        If a potential or a structure is wrong.
    """
    if settings.relax is not None:
        raise InputError(
            "RELAX is not available in this version",
            file=settings.path,
            line=settings.lines.get("RELAX"),
            hint="remove it, and relax with another program",
        )
    timing = Timing("predict.time" if settings.timing else None)
    paths = {symbol: settings.networks[symbol].text for symbol in settings.species}
    potential = read_potential(paths)
    setups = [file.setup for file in potential.files.values()]
    verbose = settings.verbosity != "low"
    if verbose:
        out.write(report.opening(datetime.now(), __version__))
        for symbol, file in potential.files.items():
            out.write(report.potential_report(symbol, paths[symbol], file))
        out.write(report.evaluation_opening())
    timing.milestone("potentials read")

    def evaluate(structure: Structure) -> tuple[Structure, Evaluation]:
        check_species(structure, setups)
        return structure, potential.evaluate(structure, settings.forces, jobs_within)

    # One level of threads only: over structures if there are many, else within the one.
    jobs_within, jobs_across = (jobs, 1) if len(settings.files) == 1 else (1, jobs)
    evaluated = ordered_map(evaluate, read_structures(settings, on_entry), jobs_across)
    for number, (structure, evaluation) in enumerate(evaluated, start=1):
        check_contact(structure, evaluation.closest, setups)
        if number > 1:
            out.write(report.separator())
        if verbose:
            out.write(report.structure_opening(number, structure))
        out.write(
            report.structure_report(
                as_printed(structure),
                evaluation.cohesive_energy,
                evaluation.energy,
                evaluation.forces_nc,
                evaluation.atomic_energies_n if settings.print_atomic_energies else None,
            )
        )
    timing.milestone("structures evaluated")
    timing.write()
    if verbose:
        out.write(report.closing(datetime.now()))


def as_printed(structure: Structure) -> Structure:
    """Return the structure with its coordinates wrapped into the cell (spec 5.2)."""
    if structure.is_isolated:
        return structure
    return replace(structure, positions_nc=structure.positions_in_cell())
