"""``study``: kinds of training compared on structures that none of them has seen."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from aenetpy.baselines.general import scikit_learn
from aenetpy.commands.generate import read_setups, target_energy
from aenetpy.data.structure import Structure
from aenetpy.data.study_models import MODELS
from aenetpy.descriptors.species import check_species
from aenetpy.errors import AenetpyError
from aenetpy.files.files import within, write_text
from aenetpy.files.lock import locked_folder
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.lines import times
from aenetpy.inputs.study import Study, Variant
from aenetpy.interruption import check
from aenetpy.processes import Processes
from aenetpy.reports.listener import SILENT, Listener
from aenetpy.structures.reading import iter_structures
from aenetpy.studies.cells import format_trials
from aenetpy.studies.energy_figures import draw_energies
from aenetpy.studies.plan import StudyPlan, Trial, make_study_plan
from aenetpy.studies.report import write_report
from aenetpy.studies.trial import RECORD, finished, has_result, run_trial
from aenetpy.studies.trial_files import TrialResult, read_record

TABLE, REPORT, FIGURE = "trials.csv", "report.md", "energies.png"
CHANGED = "changed"

MOMENT = 0.2
"""Seconds between two looks whether a signal has come."""

log = logging.getLogger("aenetpy")


def study(
    settings: Study,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
) -> list[TrialResult]:
    """Run all trials that are not done, and write table, figures and report.

    Each trial is a process that augments, generates and trains in its own folder, and is left
    alone once its result is there: the same call goes on with the others, however this one
    ended. A script that calls this does so below ``if __name__ == "__main__":``, since the
    processes import it.

    Parameters
    ----------
    settings
        Contents of the study file.
    folder
        Where the study takes place: names in its files are seen from there.
    listener
        Hears of each trial that is done.
    jobs
        Trials at a time; the results do not depend on it.

    Returns
    -------
    results
        In the order of the study file.

    Raises
    ------
    AenetpyError
        If trials have failed; the others are done and reported then.
    """
    plan = make_study_plan(settings, folder)
    held_out, apart = (read_held_out(plan, names) for names in (plan.held_out, plan.apart))
    check_libraries(plan)
    results: dict[str, TrialResult] = {}
    failures: list[AenetpyError] = []
    with locked_folder(plan.folder, "study") as lock, ThreadPoolExecutor(jobs) as pool:
        processes = Processes(lock)
        try:
            for trial in plan.trials:
                done = finished(trial)
                if done is not None:
                    results[trial.name] = done
                    listener.advance()
            to_do = [trial for trial in plan.trials if trial.name not in results]
            n_changed = sum(state_of(trial) == CHANGED for trial in to_do)
            if n_changed:
                log.warning("%s changed since, made anew", times(n_changed, "trial"))
            write_text(plan.folder / TABLE, format_trials(in_order(plan, results)))
            waiting = submit(to_do, plan.settings, held_out, apart, processes, pool)
            while waiting:
                check()
                ended, _ = wait(waiting, MOMENT, return_when=FIRST_COMPLETED)
                for future in ended:
                    trial = waiting.pop(future)
                    take(trial, future, results, failures)
                    write_text(plan.folder / TABLE, format_trials(in_order(plan, results)))
                    listener.advance()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()
            n_done, n_all = len(results), settings.n_trials
            log.warning("%d of %d trials are done; the same command goes on", n_done, n_all)
            raise
        found = in_order(plan, results)
        if found:
            draw_energies(plan.folder / FIGURE, list(plan.structures.values()))
            write_report(plan.folder / REPORT, plan.study, found, plan.held_out, plan.n_pool)
    if failures:
        raise first_of(failures)
    return found


def check_libraries(plan: StudyPlan) -> None:
    """Refuse models whose library is missing before anything runs."""
    for variant in plan.study.variants:
        if MODELS[variant.model].extra:
            with naming(variant):
                scikit_learn(variant.model)


@contextmanager
def naming(cause: Variant) -> Iterator[None]:
    """Let an error name the variant, and its line."""
    try:
        yield
    except AenetpyError as error:
        raise cause.place.error(f"{cause.name}: {error.message}", error.hint) from None


def read_held_out(plan: StudyPlan, names: Sequence[str]) -> list[Structure]:
    """Read the structures of the common test set, or of the final one."""
    structures = [next(iter_structures(within(plan.root, name))) for name in names]
    setups = read_setups(plan.settings, plan.root)
    for structure in structures:
        check_species(structure, setups)
        target_energy(structure, plan.settings)
    return structures


def submit(
    trials: Sequence[Trial],
    settings: GenerateInput,
    held_out: list[Structure],
    apart: list[Structure],
    processes: Processes,
    pool: ThreadPoolExecutor,
) -> dict[Future[TrialResult | None], Trial]:
    """Queue the trials; those that need networks of another wait for it.

    The other stands earlier in the queue, so that it runs or has run by then.
    """
    futures: dict[str, Future[TrialResult | None]] = {}

    def work(trial: Trial) -> TrialResult | None:
        if trial.needs is not None and trial.needs.name in futures:
            needed = futures[trial.needs.name]
            if needed.exception() is not None or needed.result() is None:
                return None
        try:
            return processes.run(run_trial, trial, settings, held_out, apart)
        except AenetpyError as error:
            error.message = f"trial {trial.name}: {error.message}"
            raise

    for trial in trials:
        futures[trial.name] = pool.submit(work, trial)
    return {futures[trial.name]: trial for trial in trials}


def take(
    trial: Trial,
    future: Future[TrialResult | None],
    results: dict[str, TrialResult],
    failures: list[AenetpyError],
) -> None:
    """Record the outcome of a trial; raise failures that are not the user's."""
    try:
        result = future.result()
    except AenetpyError as error:
        log.warning("%s", error)
        failures.append(error)
    else:
        if result is None:
            log.warning("trial %s is left out: it needs the networks of another", trial.name)
        else:
            results[trial.name] = result


def in_order(plan: StudyPlan, results: dict[str, TrialResult]) -> list[TrialResult]:
    """Return the results there are in the order of the study file."""
    return [results[t.name] for t in plan.in_file_order() if t.name in results]


def first_of(failures: list[AenetpyError]) -> AenetpyError:
    """Return one error for all; each was logged when it happened."""
    first, *others = failures
    if others:
        first.message += f" ({times(len(others), 'other trial')} failed too, see above)"
    return first


def state_of(trial: Trial) -> str:
    """Return ``done``, ``begun``, ``to do``, or ``changed`` since it was run."""
    if finished(trial) is not None:
        return "done"
    record = read_record(trial.folder / RECORD)
    if record is None:
        return "to do"
    return CHANGED if record.digest != trial.digest or has_result(trial) else "begun"
