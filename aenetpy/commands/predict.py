"""``predict``: structures and potentials in, energies and forces out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aenetpy.analysis.compared import errors_as_json, log_errors
from aenetpy.analysis.comparison import Comparison
from aenetpy.analysis.split_record import set_of
from aenetpy.commands.predict_output import Collector, NoNumber, Prediction, PredictListener
from aenetpy.data.structure import Structure
from aenetpy.descriptors.batches import BATCH, batches_of_atoms
from aenetpy.descriptors.checks import check_contact, smallest_distance, too_close
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.descriptors.species import check_species
from aenetpy.errors import DataError, NumericalError
from aenetpy.files.files import within
from aenetpy.inputs.lines import times
from aenetpy.inputs.predict_in import PredictInput
from aenetpy.models.committee import Committee, CommitteeEvaluation, Uncertainty, read_committee
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.range_report import Extrapolation
from aenetpy.models.reading import read_potential
from aenetpy.parallel import one_blas_thread, ordered_map
from aenetpy.structures.from_settings import read_outcomes
from aenetpy.structures.reading import Unread

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class PredictResult:
    """Results of `predict`.

    Parameters
    ----------
    errors
        Of ``energy_per_atom`` (eV) and ``force_component`` (eV/Å), compared with the
        files: count, mae, rmse, unit; None where they hold nothing. ``stress_component`` (GPa) if
        they hold some, and ``sets`` with the same of each set if the split is known.
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
        Receives each structure; `TextWriter` writes the output of ``predict.x``.
    jobs
        Threads; the result does not depend on it.
    chebyshev_domain
        As in `aenetpy.models.potential.Potential`.
    committee
        Folder of a committee, which replaces NETWORKS: the report has the mean, and
        the spread; atoms are compared with the training range of the first member.

    Raises
    ------
    DataError
        If a potential is wrong.
    NumericalError
        If a structure could not be read or has no number. All others are reported first.
    NotRelaxed
        If a relaxation leads below RMIN, or to an energy that is not finite. All structures
        are reported first, this one with its last good geometry.
    """
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
            model = read_committee(within(folder, str(committee)), chebyshev_domain)
            potentials = model.potentials
        extrapolation = Extrapolation(potentials[0])
        comparison, which = Comparison(), set_of(potentials[0], folder)
        listener.begin(settings, potentials, extrapolation)
        given_up, failures = [], Failures()
        for number, prediction in enumerate(
            predictions(settings, model, folder, jobs, listener.advance), start=1
        ):
            failures.add(prediction)
            if isinstance(prediction, NoNumber):
                listener.fail(number, prediction)
                continue
            extrapolation.count(prediction.final_structure, prediction.out_of_range)
            structure = prediction.structure
            comparison.add(structure, prediction.evaluation, which(structure.name))
            if prediction.failure is not None:
                given_up.append(prediction.failure)
            if note := prediction.not_converged:
                log.warning("%s: %s", prediction.structure.name, note)
            listener.write(number, prediction)
        extrapolation.summarise()
        failures.refuse_nothing()
        failures.warn()
        errors = errors_as_json(comparison)
        listener.end(notes, errors)
    log_errors(comparison)
    failures.refuse()
    if given_up:
        raise given_up[0]
    return PredictResult(errors, collector.predictions)


def predictions(
    settings: PredictInput,
    model: Potential | Committee,
    folder: str | Path,
    jobs: int,
    on_entry: Callable[[], object],
) -> Iterator[Prediction | NoNumber]:
    """Yield the prediction of each structure, in the order of FILES."""
    # One level of threads only: over structures if there are many, else within the one.
    single = len(settings.files) == 1 and "@" not in settings.files[0].text
    jobs_within, jobs_across = (jobs, 1) if single else (1, jobs)
    r_min = smallest_distance(model.setups)

    def evaluate(batch: list[Structure]) -> list[Prediction]:
        for structure in batch:
            check_species(structure, model.setups)
        if single:
            found: Sequence[Evaluation | CommitteeEvaluation]
            found = [model.evaluate(batch[0], settings.forces, jobs, out_of_range=True)]
        else:
            found = model.evaluate_batch(batch, settings.forces, out_of_range=True)
        return [accept(*pair) for pair in zip(batch, found, strict=True)]

    def of_mean(found: Evaluation | CommitteeEvaluation) -> tuple[Evaluation, Uncertainty | None]:
        if isinstance(found, Evaluation):
            return found, None
        assert isinstance(model, Committee)
        mean = replace(found.mean, out_of_range=found.members[0].out_of_range)
        return mean, model.uncertainty(found)

    def accept(structure: Structure, found: Evaluation | CommitteeEvaluation) -> Prediction:
        found.require_finite(structure.name)
        evaluation, uncertainty = of_mean(found)
        if settings.relax is None:
            closest = evaluation.closest
            problem = too_close(closest, r_min) if closest.distance < r_min else ""
            return Prediction(structure, evaluation, uncertainty=uncertainty, too_close=problem)
        check_contact(structure, evaluation.closest, model.setups)
        from aenetpy.models.relax import NotRelaxed, relax

        failure = None
        try:
            relaxation = relax(model, structure, evaluation, settings.relax, jobs_within, r_min)
        except NotRelaxed as error:
            failure, relaxation = error, error.relaxation
        if uncertainty is not None:
            last = model.evaluate(relaxation.structure, jobs=jobs_within, out_of_range=True)
            mean, uncertainty = of_mean(last)
            relaxation = replace(relaxation, evaluation=mean)
        return Prediction(structure, evaluation, relaxation, failure, uncertainty)

    def one_by_one(batch: list[Structure]) -> list[Prediction | NoNumber]:
        found: list[Prediction | NoNumber] = []
        for structure in batch:
            try:
                found += evaluate([structure])
            except (DataError, NumericalError) as error:
                found.append(NoNumber(structure.name, error, structure))
        return found

    def outcomes(batch: list[Structure | Unread]) -> list[Prediction | NoNumber]:
        structures = [one for one in batch if isinstance(one, Structure)]
        found: list[Prediction | NoNumber] = []
        if structures:
            try:
                found = [*evaluate(structures)]
            except (DataError, NumericalError):
                found = one_by_one(structures)
        remaining = iter(found)
        return [
            NoNumber(one.name, one.error) if isinstance(one, Unread) else next(remaining)
            for one in batch
        ]

    size = 1 if settings.relax is not None else BATCH
    batches = batches_of_atoms(read_outcomes(settings, folder, on_entry), _n_atoms, size)
    for found in ordered_map(outcomes, batches, jobs_across):
        yield from found


def _n_atoms(one: Structure | Unread) -> int:
    return len(one) if isinstance(one, Structure) else 0


class Failures:
    """The structures of which there is no number, and those with atoms closer than RMIN."""

    def __init__(self) -> None:
        self._n_structures = 0
        self._without: list[NoNumber] = []
        self._too_close: list[Prediction] = []

    def add(self, found: Prediction | NoNumber) -> None:
        """Count one structure."""
        self._n_structures += 1
        if isinstance(found, NoNumber):
            self._without.append(found)
        elif found.too_close:
            self._too_close.append(found)

    def warn(self) -> None:
        """Warn of atoms closer than RMIN, in one line."""
        if not self._too_close:
            return
        worst = min(self._too_close, key=lambda one: one.evaluation.closest.distance)
        log.warning(
            "%d of %s with atoms closer than RMIN, whose energies are guesses; worst: %s: %s",
            len(self._too_close),
            times(self._n_structures, "structure"),
            worst.structure.name,
            worst.too_close,
        )

    def refuse(self) -> None:
        """Raise if a structure has no number."""
        if not self._without:
            return
        first = self._without[0]
        if self._n_structures > 1:
            raise NumericalError(
                f"{len(self._without)} of {self._n_structures} structures have no energy; "
                f"the first: {first}"
            )
        if isinstance(first.error, NumericalError):
            raise NumericalError(first.error.message, file=first.name, hint=first.error.hint)
        raise first.error

    def refuse_nothing(self) -> None:
        """Raise the error of the only structure if it could not be read."""
        if self._n_structures == 1 and self._without and self._without[0].structure is None:
            raise self._without[0].error


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
