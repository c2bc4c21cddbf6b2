"""``predict``: structures and potentials in, energies and forces out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aenetpy.data.structure import Structure
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.descriptors.species import check_species
from aenetpy.errors import AenetpyError, UsageError
from aenetpy.io.files import within
from aenetpy.io.predict_in import PredictInput
from aenetpy.models.committee import Committee, CommitteeEvaluation, read_committee
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.reading import read_potential
from aenetpy.parallel import one_blas_thread, ordered_map
from aenetpy.workflows.batches import BATCH, batches_of_atoms
from aenetpy.workflows.checks import check_contact, smallest_distance
from aenetpy.workflows.comparison import PredictionErrors
from aenetpy.workflows.entries import read_structures
from aenetpy.workflows.extrapolation import Extrapolation
from aenetpy.workflows.predict_output import Collector, Prediction, PredictListener
from aenetpy.workflows.timing import Timing

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class PredictResult:
    """What `predict` has found.

    Parameters
    ----------
    errors
        Of ``energy_per_atom`` (eV) and ``force_component`` (eV/Å), compared with what the files
        hold: count, mae, rmse, unit; None where they hold nothing.
    predictions
        In the order of FILES; empty if another listener has heard of them.
    """

    errors: dict[str, Any]
    predictions: list[Prediction]


def predict(
    settings: PredictInput,
    folder: str | Path = ".",
    listener: PredictListener | None = None,
    jobs: int = 1,
    chebyshev_domain: ConventionChoice = "auto",
    committee: str | Path | None = None,
) -> PredictResult:
    """Evaluate or relax structures and report energies and, if asked for, forces.

    Parameters
    ----------
    settings
        Contents of ``predict.in``.
    folder
        Where the run takes place: names in the settings are seen from there.
    listener
        Hears of each structure; `TextWriter` writes what ``predict.x`` does.
    jobs
        Threads; the result does not depend on it.
    chebyshev_domain
        As in `aenetpy.models.potential.Potential`.
    committee
        Folder of a committee, which stands in for NETWORKS: what is reported is the mean, and
        the spread; atoms are compared with the training range of the first member.

    Raises
    ------
    UsageError
        If a committee is to relax structures.
    DataError
        If a potential or a structure is wrong.
    NotRelaxed
        If a relaxation leads below RMIN, or to an energy that is not finite. All structures
        are reported first, this one with its last good geometry.
    """
    timing = Timing(within(folder, "predict.time") if settings.timing else None)
    collector = Collector()
    listener = collector if listener is None else listener
    with _noted() as notes, one_blas_thread():
        model: Potential | Committee
        potentials: tuple[Potential, ...]
        if committee is None:
            networks = settings.networks
            paths = {symbol: within(folder, networks[symbol].text) for symbol in settings.species}
            model = read_potential(paths, chebyshev_domain)
            potentials = (model,)
        else:
            if settings.relax is not None:
                raise UsageError(
                    f"{settings.path}: RELAX works with one potential",
                    hint="remove RELAX, or --committee",
                )
            model = read_committee(within(folder, str(committee)), chebyshev_domain)
            potentials = model.potentials
        extrapolation = Extrapolation(potentials[0])
        comparison = PredictionErrors()
        listener.begin(settings, potentials, extrapolation)
        timing.milestone("potentials read")
        failures = []
        for number, prediction in enumerate(
            predictions(settings, model, folder, jobs, listener.advance), start=1
        ):
            extrapolation.count(prediction.final_structure, prediction.out_of_range)
            comparison.add(prediction.structure, prediction.evaluation)
            if prediction.failure is not None:
                failures.append(prediction.failure)
            if note := prediction.not_converged:
                log.warning("%s: %s", prediction.structure.name, note)
            listener.write(number, prediction)
        timing.milestone("structures evaluated")
        extrapolation.summarise()
        timing.write()
        errors = comparison.as_json()
        listener.end(notes, errors)
    comparison.summarise()
    if failures:
        raise failures[0]
    return PredictResult(errors, collector.predictions)


def predictions(
    settings: PredictInput,
    model: Potential | Committee,
    folder: str | Path,
    jobs: int,
    on_entry: Callable[[], object],
) -> Iterator[Prediction]:
    """Yield what there is to say of each structure, in the order of FILES."""
    # One level of threads only: over structures if there are many, else within the one.
    single = len(settings.files) == 1 and "@" not in settings.files[0].text
    jobs_within, jobs_across = (jobs, 1) if single else (1, jobs)

    def evaluate(batch: list[Structure]) -> list[Prediction]:
        for structure in batch:
            check_species(structure, model.setups)
        if single:
            found: Sequence[Evaluation | CommitteeEvaluation]
            found = [model.evaluate(batch[0], settings.forces, jobs, out_of_range=True)]
        else:
            found = model.evaluate_batch(batch, settings.forces, out_of_range=True)
        return [accept(*pair) for pair in zip(batch, found, strict=True)]

    def accept(structure: Structure, found: Evaluation | CommitteeEvaluation) -> Prediction:
        evaluation, uncertainty = found, None
        if isinstance(found, CommitteeEvaluation):
            assert isinstance(model, Committee)
            evaluation = replace(found.mean, out_of_range=found.members[0].out_of_range)
            uncertainty = model.uncertainty(found)
        assert isinstance(evaluation, Evaluation)
        check_contact(structure, evaluation.closest, model.setups)
        found.require_finite(structure.name)
        if settings.relax is None:
            return Prediction(structure, evaluation, uncertainty=uncertainty)
        assert isinstance(model, Potential), "predict refuses to relax with a committee"
        from aenetpy.workflows.relax import NotRelaxed, relax

        try:
            relaxation = relax(
                model,
                structure,
                evaluation,
                settings.relax,
                jobs_within,
                smallest_distance(model.setups),
            )
        except NotRelaxed as failure:
            return Prediction(structure, evaluation, failure.relaxation, failure)
        return Prediction(structure, evaluation, relaxation)

    def evaluate_batch(batch: list[Structure]) -> tuple[list[Prediction], AenetpyError | None]:
        try:
            return evaluate(batch), None
        except AenetpyError:
            return until_wrong(batch)

    def until_wrong(batch: list[Structure]) -> tuple[list[Prediction], AenetpyError | None]:
        found = []
        for structure in batch:
            try:
                found += evaluate([structure])
            except AenetpyError as error:  # after those before it
                return found, error
        return found, None

    structures = read_structures(settings, folder, on_entry)
    size = 1 if settings.relax is not None else BATCH
    for found, error in ordered_map(
        evaluate_batch, batches_of_atoms(structures, len, size), jobs_across
    ):
        yield from found
        if error is not None:
            raise error


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Yield a list that grows with every note to the user, each once."""
    notes: list[str] = []

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = " ".join(record.getMessage().split())
            if text not in notes:
                notes.append(text)

    handler = Notes()
    log.addHandler(handler)
    try:
        yield notes
    finally:
        log.removeHandler(handler)
