"""The report of a study: Markdown with tables and figures, and the same as one HTML file."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from aenetpy import __version__
from aenetpy.analysis.drawing import png
from aenetpy.analysis.errors import WITH_INTERVAL, Interval, summarise
from aenetpy.files.files import read_bytes, write_bytes, write_text
from aenetpy.inputs.lines import times
from aenetpy.inputs.study import Study
from aenetpy.reports.html import html_page
from aenetpy.reports.markdown import number, table
from aenetpy.studies import figures
from aenetpy.studies.cells import ENERGY, FORCE, UNITS, Cell, sort_into_cells
from aenetpy.studies.energy_figures import energy_figures
from aenetpy.studies.measures import importance_table, measure_table, ranking, species_table
from aenetpy.studies.trial_files import TrialResult

SHOWN = {
    "median": "median",
    "mean": "MAE",
    "rmse": "RMSE",
    "p90": "90 %",
    "p95": "95 %",
    "p99": "99 %",
    "maximum": "largest",
    "bias": "bias",
}
_PER_SIZE = (
    *("errors", "force-histogram", "error-delta"),
    *("parity", "parity-structure", "residuals", "epochs", "importance"),
)
_FIGURE = re.compile(rf"({'|'.join(_PER_SIZE)})(-\d+)?\.png|error-size\.png")

NOTES = """\
Errors are those of the networks of the last epoch: of the energy per atom of each structure, and of
each force component, on the common test set, all seeds together. Brackets are 95 % bootstrap
intervals: seeds and structures are drawn anew, all force components of a structure together.
Where seeds differ as much as structures, those of 2, 3 and 5 seeds hold the truth in about 67, 75
and 85 % of all cases. Differences are of the MAE, seed by seed and structure by structure; their
intervals are made in the same way. p is of the paired t test across the seeds, which takes the
test set as it is; it is not corrected for the number of comparisons. With families mixed the
trainer's own test set holds copies of structures that it was trained on. Each violin leaves out
the few errors below 1/3000 of its largest, as of forces that vanish by symmetry. Figures of curves
show the 12 variants with the smallest energy errors, and the reference.

Tables of training and testing take the energies less the atomic energies of generate.in; R² is that
of these energies, and where structures differ in size it is near 1 for whole structures whatever
the model. SD is the standard deviation of the residuals about their mean. The importance of a
component is by how much the RMSE of testing grows when its values change places among all atoms of
the species.
"""


def write_report(
    path: Path,
    study: Study,
    results: Sequence[TrialResult],
    held_out: Sequence[str],
    n_pool: int,
) -> None:
    """Write the report twice, and figures and the list of test structures beside it."""
    cells = sort_into_cells(study, results)
    write_text(path.parent / "test-set.txt", "".join(f"{name}\n" for name in held_out))
    sections = [
        opening(study, results, held_out, n_pool),
        variant_table(study),
        *(error_table(cells, quantity) for quantity in (ENERGY, FORCE)),
        measure_table(cells, whole=False),
        measure_table(cells, whole=True),
        species_table(cells),
        difference_table(cells, study.reference),
        ranking(study, cells),
        training_table(cells),
        importance_table(cells),
        draw_figures(path.parent, cells, study),
        f"## How to read this\n\n{NOTES}",
    ]
    text = "\n".join(filter(None, sections))
    write_text(path, text)
    page = html_page(text, lambda name: read_bytes(path.parent / name))
    write_text(path.with_suffix(".html"), page)


def opening(
    study: Study, results: Sequence[TrialResult], held_out: Sequence[str], n_pool: int
) -> str:
    """Return the summary of the study."""
    alike = f" (with {n_pool} they are the same for all seeds)" if n_pool in study.sizes else ""
    names = [variant.name for variant in study.variants]
    trials = list(itertools.product(names, study.sizes, study.seeds))
    done = {(result.variant, result.size, result.seed) for result in results}
    missing = ["-".join(map(str, trial)) for trial in trials if trial not in done]
    lines = [
        f"# {Path(study.folder).name}",
        "",
        f"{len(results)} of {times(len(trials), 'trial')}:"
        f" {times(len(study.variants), 'variant')},"
        f" {_listed(study.sizes)} structures for training (own test set included), seeds"
        f" {_listed(study.seeds)}. Each seed draws them from {n_pool}{alike}."
        f" Common test set: {times(len(held_out), 'structure')} that no variant has seen"
        f" (`test-set.txt`, drawn with seed {study.test_seed})."
        f" One row per trial in `trials.csv`. aenetpy {__version__}.",
        *(["", f"Missing: {', '.join(missing)}."] if missing else []),
        "",
    ]
    return "\n".join(lines)


def variant_table(study: Study) -> str:
    """Return how the variants are defined."""
    rows = [(variant.name, variant.text) for variant in study.variants]
    return table("Variants", ("variant", "how it differs"), rows)


def error_table(cells: Sequence[Cell], quantity: str) -> str:
    """Return the statistics of the errors, with intervals."""
    # The mean force error of a structure is zero for any networks.
    shown = [name for name in SHOWN if quantity == ENERGY or name != "bias"]
    rows = []
    for cell in cells:
        if not cell.has(quantity):
            continue
        errors = cell.errors(quantity)
        values = [
            number(getattr(errors.summary, name))
            + (f" {brackets(errors.intervals[name])}" if name in WITH_INTERVAL else "")
            for name in shown
        ]
        rows.append((cell.variant.name, str(cell.size), str(len(cell.results)), *values))
    titles = {
        ENERGY: f"Errors of the energy per atom ({UNITS[ENERGY]})",
        FORCE: f"Errors of the force components ({UNITS[FORCE]})",
    }
    head = ("variant", "size", "seeds", *(SHOWN[name] for name in shown))
    return table(titles[quantity], head, rows) if rows else ""


def difference_table(cells: Sequence[Cell], reference: str) -> str:
    """Return the paired comparisons with the reference."""
    references = {cell.size: cell for cell in cells if cell.variant.name == reference}
    rows = []
    for cell in cells:
        if cell.variant.name == reference or cell.size not in references:
            continue
        for quantity in (ENERGY, FORCE):
            found = cell.compared(references[cell.size], quantity)
            if found is None:
                continue
            interval = brackets(found.interval, sign=True)
            p_value = "one seed" if found.p_value is None else f"{found.p_value:.2g}"
            rows.append(
                (
                    *(cell.variant.name, str(cell.size), f"{quantity} ({UNITS[quantity]})"),
                    *(str(found.n), number(found.difference, sign=True), interval, p_value),
                )
            )
    head = ("variant", "size", "quantity", "seeds", "difference of MAE", "95 % interval", "p")
    return table(f"Differences from {reference}", head, rows) if rows else ""


def training_table(cells: Sequence[Cell]) -> str:
    """Return the errors that the trainer reports, next to the true ones; means over the seeds."""
    rows = []
    for cell in cells:

        def mean(name: str, results: Sequence[TrialResult] = cell.results) -> str:
            return number(fmean(getattr(result, name) for result in results))

        shared = (cell.variant.name, str(cell.size), *map(mean, ("copies", "epochs", "seconds")))
        for quantity, prefix in ((ENERGY, "own"), (FORCE, "own_force")):
            errors = [mean(f"{prefix}_{part}_rmse") for part in ("train", "test")]
            if not cell.has(quantity):
                continue
            errors_rc = cell.errors(quantity).errors_rc
            true = number(fmean(summarise(errors_c).rmse for errors_c in errors_rc))
            if quantity == ENERGY or errors != [number(math.nan)] * 2:
                rows.append((*shared, f"{quantity} ({UNITS[quantity]})", *errors, true))
    head = (
        *("variant", "size", "copies", "epochs", "training, s", "quantity"),
        *("own training RMSE", "own test RMSE", "RMSE on the common test set"),
    )
    return table("What the trainer says itself", head, rows)


def draw_figures(folder: Path, cells: Sequence[Cell], study: Study) -> str:
    """Draw all figures there are data for, and return the section that shows them."""
    lines = ["## Figures", ""]
    if (folder / "energies.png").exists():
        lines += ["![Energies](energies.png)", "", "Energies of all structures.", ""]
    for found in folder.iterdir():  # figures of an earlier definition would mislead
        if _FIGURE.fullmatch(found.name):
            found.unlink()

    def show(name: str, text: str, figure: figures.Figure | None) -> None:
        if figure is not None:
            write_bytes(folder / name, png(figure))
            lines.extend([f"![{text}]({name})", "", f"{text}.", ""])

    for size in study.sizes:
        chosen = [cell for cell in cells if cell.size == size]
        if not chosen:
            continue
        suffix, of = (f"-{size}", f", {size} training structures") if study.sizes[1:] else ("", "")
        reference = study.reference
        show(
            f"errors{suffix}.png",
            f"Distribution of the errors, median and middle half{of}",
            figures.violins(chosen, reference),
        )
        show(
            f"force-histogram{suffix}.png",
            f"Force errors{of}",
            figures.histograms(chosen, reference),
        )
        for name, text, figure in energy_figures(chosen):
            show(f"{name}{suffix}.png", f"{text}{of}", figure)
    show(
        "error-size.png",
        "Mean error against number of training structures",
        figures.error_against_size(cells, study.reference),
    )
    return "\n".join(lines)


def summary_text(study: Study, results: Sequence[TrialResult]) -> str:
    """Return the short table for standard output: medians and MAE on the common test set."""
    cells = sort_into_cells(study, results)
    head = ("variant", "size", "seeds", "E median", "E MAE", "F median", "F MAE")
    rows = [
        (
            *(cell.variant.name, str(cell.size), str(len(cell.results))),
            *(f"{value:.2f}" for value in (cell.energy.summary.median, cell.energy.summary.mean)),
            *(
                (f"{cell.force.summary.median:.3f}", f"{cell.force.summary.mean:.3f}")
                if cell.has(FORCE)
                else ("-", "-")
            ),
        )
        for cell in cells
    ]
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
        for row in [head, *rows]
    ]
    title = f"common test set of {study.test}: energy {UNITS[ENERGY]}, forces {UNITS[FORCE]}"
    return "\n".join([title, *lines]) + "\n"


def brackets(interval: Interval, sign: bool = False) -> str:
    """Return the ends of an interval."""
    return f"[{number(interval.low, sign)}, {number(interval.high, sign)}]"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
