"""The report of a run of learning: Markdown with tables and figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aenetpy import __version__
from aenetpy.analysis.drawing import png
from aenetpy.files.files import read_bytes, write_bytes, write_text
from aenetpy.inputs.lines import times
from aenetpy.learning import figures
from aenetpy.learning.record import LearnRecord
from aenetpy.learning.state import CycleRecord, ErrorPair
from aenetpy.reports.html import html_page
from aenetpy.reports.markdown import number, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORK = ("dynamics", "labelling", "training")

NOTES = """\
A cycle is a fit, the dynamics with the committee that was fitted, and the labels that end it, which
the next cycle trains on; its files are in the folder of its number.
gamma is the largest standard deviation of a force component among the members (population form);
the step is that at which the dynamics of the cycle ended. Errors are of the mean of the committee
on structures held out from all trainings. "New labels" are those that end the cycle,
before they were trained on: the mean of their gamma, and the mean of the largest true error of a
force component. Properties are those of the mean of the committee; a dash means
that there is none, with the reason under "What went wrong". Errors of properties are in percent of
the reference, those of energies in meV/atom. The bulk modulus B is V d²E/dV² at the volume without
pressure, from the stress at strains of 0.2 %. "B wide" is that of a curve through energies at
strains up to 4 %, which smooths the wiggles of a potential; "residual" is what the curve leaves of
these energies.
"""


def write_report(path: Path, record: LearnRecord) -> None:
    """Write the report as Markdown, with its figures beside it, and as one HTML file."""
    sections = [
        opening(record),
        cycle_table(record),
        time_table(record),
        property_table(record),
        failures(record),
        draw_figures(path.parent, record),
        f"## How to read this\n\n{NOTES}",
    ]
    text = "\n".join(section for section in sections if section)
    write_text(path, text)
    page = html_page(text, lambda name: read_bytes(path.parent / name))
    write_text(path.with_suffix(".html"), page)


def opening(record: LearnRecord) -> str:
    """Return the verdict, the numbers of the run, and its settings."""
    n_labels = sum(cycle.n_labels for cycle in record.cycles)
    n_failures = sum(len(cycle.failures) for cycle in record.cycles)
    last = record.cycles[-1]
    lines = [
        f"# {record.name}",
        "",
        *(_verdict(record) if record.potential else ()),
        f"{times(sum(cycle.number > 0 for cycle in record.cycles), 'cycle')},"
        f" {times(n_labels, 'label')} ({n_failures} failed);"
        f" {times(last.n_training, 'structure')} for training at the end. aenetpy {__version__}.",
        "",
        "## What was asked for",
        "",
        *(f"    {line}" for line in record.settings),
        "",
    ]
    return "\n".join(lines)


def _verdict(record: LearnRecord) -> list[str]:
    """Return how far it came, how to use the potential, how good it is, and how walks ended."""
    first, last = record.cycles[0], record.cycles[-1]
    verdict = f"Done: {record.ended}." if record.ended else "Not done: the same command goes on."
    errors = "No structures are held out that would say how good it is."
    if last.held_out is not None:
        errors = f"Its errors (RMSE) on held-out structures are {_errors(last.held_out)}"
        if first.held_out is not None and first is not last:
            errors += f"; before the first label they were {_errors(first.held_out)}"
        errors += "."
    return [
        f"**{verdict}** The potential is the committee in `{record.potential}`:",
        "",
        "    import aenetpy",
        f"    committee = aenetpy.read_committee({record.potential!r})",
        "    atoms.calc = aenetpy.CommitteeCalculator(committee)",
        "",
        errors,
        "",
        *(f"- `{name}` {fate}" for name, fate in record.walks.items()),
        "",
    ]


def _errors(errors: ErrorPair) -> str:
    return f"{number(errors.energy_rmse)} meV/atom and {number(errors.force_rmse)} eV/Å"


def cycle_table(record: LearnRecord) -> str:
    """Return one row per cycle."""
    head = (
        *("cycle", "walk", "step", "gamma, eV/Å", "thresholds, eV/Å", "labels", "failed"),
        *("training set", "energy MAE, meV/atom", "RMSE", "force MAE, eV/Å", "RMSE"),
        *("new labels: gamma, eV/Å", "true error, eV/Å"),
    )
    return table("Cycles", head, [_cycle_row(cycle) for cycle in record.cycles])


def _cycle_row(cycle: CycleRecord) -> list[str]:
    errors = cycle.held_out
    held_out = (
        ["-"] * 4
        if errors is None
        else [
            number(errors.energy_mae),
            number(errors.energy_rmse),
            number(errors.force_mae),
            number(errors.force_rmse),
        ]
    )
    thresholds = " to ".join(number(one) for one in (cycle.lower, cycle.upper))
    return [
        str(cycle.number),
        *((cycle.walk, str(cycle.steps[-1])) if cycle.walk else ("-", "-")),
        number(cycle.gamma),
        thresholds if math.isfinite(cycle.lower) else "-",
        *map(str, (cycle.n_labels, len(cycle.failures), cycle.n_training)),
        *held_out,
        _mean(cycle.gammas if len(cycle.gammas) == cycle.n_labels else ()),
        _mean(cycle.new_errors),
    ]


def _mean(values: Sequence[float]) -> str:
    numbers = [value for value in values if math.isfinite(value)]
    return number(sum(numbers) / len(numbers)) if numbers else "-"


def time_table(record: LearnRecord) -> str:
    """Return the seconds of each cycle by kind of work."""
    rows = [
        [
            str(cycle.number),
            *(
                "-" if seconds is None else number(seconds)
                for seconds in (cycle.seconds_walk, cycle.seconds_label, cycle.seconds_fit)
            ),
        ]
        for cycle in record.cycles
    ]
    return table("Time, s", ("cycle", *WORK), rows) if rows else ""


def property_table(record: LearnRecord) -> str:
    """Return one row per quantity: reference, all data, and after each cycle with its error."""
    names: dict[str, None] = {}
    for found in (record.reference, *(cycle.properties for cycle in record.cycles)):
        names.update(dict.fromkeys(found))
    if not names:
        return ""
    full: Mapping[str, float] = record.full or {}
    with_full = ["all data"] if record.full is not None else []
    head = ["quantity", "reference", *with_full, *(f"cycle {one.number}" for one in record.cycles)]
    rows = [
        [
            name,
            _value(record.reference.get(name, math.nan)),
            *([_value(full.get(name, math.nan)) + _spread(record, name)] if with_full else []),
            *(_with_error(record, name, cycle) for cycle in record.cycles),
        ]
        for name in names
    ]
    return table("Properties", head, rows)


def _value(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.5g}"


def _spread(record: LearnRecord, name: str) -> str:
    spread = record.full_spread.get(name, math.nan)
    return "" if math.isnan(spread) else f" ± {spread:.2g}"


def _with_error(record: LearnRecord, name: str, cycle: CycleRecord) -> str:
    error = figures.property_error(record, name, cycle)
    value = _value(cycle.properties.get(name, math.nan))
    if math.isnan(error):
        return value
    return f"{value} ({number(error, sign=True)} {figures.error_unit(name)})"


def failures(record: LearnRecord) -> str:
    """Return the failures, a line each."""
    lines = [
        f"- Cycle {cycle.number}: {one.walk}, step {one.step}: {one.reason}"
        for cycle in record.cycles
        for one in cycle.failures
    ]
    return "\n".join(["## What went wrong", "", *lines, ""]) if lines else ""


def draw_figures(folder: Path, record: LearnRecord) -> str:
    """Draw all figures there are data for, and return the section that shows them."""
    lines = ["## Figures", ""]
    for name, text, figure in _figures(record):
        (folder / name).unlink(missing_ok=True)  # a figure of an earlier call would mislead
        if figure is not None:
            write_bytes(folder / name, png(figure))
            lines += [f"![{text}]({name})", "", f"{text}.", ""]
    return "\n".join(lines) if lines[2:] else ""


def _figures(record: LearnRecord) -> Iterator[tuple[str, str, Figure | None]]:
    trace = record.trace
    yield (
        "gamma.png",
        "Disagreement along the walks, in the colours of the cycles; dashed: thresholds",
        None if trace is None else figures.gamma_figure(trace, record.cycles),
    )
    yield (
        "properties.png",
        "Errors of properties after each cycle; dashed: trained on all data, with its spread",
        figures.property_figure(record),
    )
    yield (
        "gamma-error.png",
        "True error of the new labels, before they were trained on, against gamma",
        figures.calibration_figure(record.cycles),
    )
    for when in ("start", "end"):
        found = record.parity.get(when)
        yield (
            f"parity-{when}.png",
            f"Held-out structures at the {when}",
            None if found is None else figures.parity_of(found, f"at the {when}"),
        )
