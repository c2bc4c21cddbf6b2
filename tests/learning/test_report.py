"""Figures and report of a run of learning that is made up."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from aenetpy.analysis.parity import ParityGroup
from aenetpy.learning import figures
from aenetpy.learning.record import (
    GammaTrace,
    LearnRecord,
    ParityRecord,
)
from aenetpy.learning.report import cycle_table, property_table, write_report
from aenetpy.learning.state import CycleRecord, ErrorPair, FailureRecord

A, B, E = "bulk fcc: a (Å)", "bulk fcc: B (GPa)", "bulk fcc: E (eV/atom)"
GAMMA = "surface 100: gamma (J/m^2)"


def made_up() -> LearnRecord:
    stream = np.random.default_rng(1)
    cycles = [
        CycleRecord(
            *(0, 20),
            held_out=ErrorPair(12.5, 20.0, 0.3, 0.45),
            seconds_fit=5.25,
            properties={A: 4.16, B: math.nan, E: -0.01, GAMMA: 0.3},
        )
    ]
    for k in range(1, 4):
        cycles.append(
            CycleRecord(
                *(k, 20 + 3 * k, 5, 0.2, 2.0),
                walk="slab-100" if k < 3 else "bcc",
                steps=[100 * k - 2, 100 * k - 1, 100 * k],
                gammas=[0.21, 0.3, 0.5],
                n_labels=3,
                held_out=ErrorPair(12.0 / k, 20.0 / k, 0.3 / k, 0.45 / k),
                new_errors=[0.4 / k, 0.2, 0.6],
                seconds_walk=1.0,
                seconds_label=2.0,
                seconds_fit=6.0,
                properties={A: 4.06 + 0.04 / k, B: 173.0 - 10 / k, E: -0.002, GAMMA: 0.6 - 0.1 / k},
                failures=[FailureRecord("slab-100", 7, "atoms at 0.9 Å")] if k == 2 else [],
            )
        )
    gammas_k = np.abs(stream.normal(0.1, 0.03, 30))
    gammas_k[[9, 19, 29]] = 0.21, 0.22, math.nan
    trace = GammaTrace(
        gammas_k,
        np.arange(30) * 10,
        np.repeat([1, 2, 3], 10),
        ["slab-100"] * 20 + ["bcc"] * 10,
    )
    reference = {A: 4.0, B: 200.0, E: -0.004, GAMMA: 0.5}
    energies = stream.normal(0.0, 0.1, (2, 12))
    forces = stream.normal(0.0, 1.0, (2, 200))
    parity = ParityRecord([ParityGroup("fcc", *energies)], [ParityGroup("fcc", *forces)])
    return LearnRecord(
        *("gold", ["committee of 5", "lower: 0.2"], cycles, trace, reference),
        full={A: 4.04, B: 190.0, GAMMA: 0.51},
        parity={"start": parity, "end": parity},
    )


def test_gamma_along_the_walks():
    record = made_up()
    trace = record.trace
    trace.gammas_k[0] = 1e-17  # a perfect crystal
    panels = figures.gamma_figure(trace, record.cycles).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["slab-100", "bcc"]
    for axes, cycles in zip(panels, ([1, 2], [3]), strict=True):
        drawn = [line for line in axes.get_lines() if line.get_marker() == "o"]
        assert len({tuple(line.get_color()) for line in drawn}) == len(cycles)
        for line, cycle in zip(drawn, cycles, strict=True):
            own = trace.cycles_k == cycle
            np.testing.assert_array_equal(line.get_xdata(), trace.steps_k[own])
            np.testing.assert_array_equal(line.get_ydata(), trace.gammas_k[own])
        dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        levels = [(tuple(line.get_xdata()), line.get_ydata()[0]) for line in dashed]
        ends = [(100 * (k - 1), 100 * k - 10) for k in cycles]
        assert levels == [(end, level) for end in ends for level in (0.2, 2.0)]
        bottom, top = axes.get_ylim()
        assert 1e-4 < bottom < np.sort(trace.gammas_k)[1]
        assert top == 4.0
    crosses = [line for line in panels[1].get_lines() if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[290]]


@pytest.mark.parametrize("factor", [1.1, 30.0, 1e4])
def test_ticks_of_true_errors_do_not_overlap(factor):
    cycle = replace(made_up().cycles[1], gammas=[0.21, 0.21 * factor], new_errors=[0.3, 0.4])
    figure = figures.calibration_figure([cycle])
    figure.canvas.draw()
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    shown = [
        t for t in axes.xaxis.get_ticklabels() if t.get_text() and low < t.get_position()[0] < high
    ]
    boxes = sorted(text.get_window_extent().extents.tolist() for text in shown)
    assert boxes
    assert all(left[2] < right[0] for left, right in pairwise(boxes))
    assert not any(text.get_text() for text in axes.xaxis.get_minorticklabels())


def test_property_errors_after_each_cycle():
    record = made_up()
    panels = {axes.get_title(loc="left"): axes for axes in figures.property_figure(record).axes}
    assert list(panels) == ["bulk fcc: a", "bulk fcc: B", "bulk fcc: E", "surface 100: gamma"]
    x, y = panels["bulk fcc: a"].get_lines()[0].get_data()
    np.testing.assert_array_equal(x, [0, 1, 2, 3])
    np.testing.assert_allclose(y, [4.0, 2.5, 2.0, 100 * (0.06 + 0.04 / 3) / 4])
    assert panels["bulk fcc: a"].get_ylabel() == "error (%)"
    assert np.isnan(panels["bulk fcc: B"].get_lines()[0].get_ydata()[0])
    energies = panels["bulk fcc: E"]
    np.testing.assert_allclose(energies.get_lines()[0].get_ydata(), [-6.0, 2.0, 2.0, 2.0])
    assert energies.get_ylabel() == "error (meV/atom)"

    def dashed(axes):
        return [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"]

    assert dashed(panels["bulk fcc: a"]) == pytest.approx([1.0])
    assert dashed(panels["surface 100: gamma"]) == pytest.approx([2.0])
    assert dashed(energies) == []
    alone = figures.property_figure(replace(record, full=None))
    assert all(dashed(axes) == [] for axes in alone.axes)
    assert figures.property_figure(replace(record, reference={})) is None


def test_both_bulk_moduli_stand_in_one_panel():
    record = made_up()
    wide, left = "bulk fcc: B wide (GPa)", "bulk fcc: residual (meV/atom)"
    cycles = [
        replace(one, properties={**one.properties, wide: 190.0 + one.number, left: 2.5})
        for one in record.cycles
    ]
    record = replace(record, cycles=cycles, reference={**record.reference, wide: 190, left: 0.1})
    figure = figures.property_figure(record)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(panels) == ["bulk fcc: a", "bulk fcc: B", "bulk fcc: E", "surface 100: gamma"]
    lines = {line.get_label(): line for line in panels["bulk fcc: B"].get_lines()}
    np.testing.assert_allclose(lines["B of the wide fit"].get_ydata(), 100 * np.arange(4) / 190)
    assert lines["B at small strains"].get_ydata()[1] == pytest.approx(-18.5)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"B at small strains", "B of the wide fit"} <= set(shown)
    (row,) = (row for row in property_table(record).splitlines() if left in row)
    assert row == f"| {left} | 0.1 | - | 2.5 | 2.5 | 2.5 | 2.5 |"


def test_true_errors_of_new_labels():
    record = made_up()
    x, y = figures.calibration_figure(record.cycles).axes[0].get_lines()[0].get_data()
    np.testing.assert_allclose(x, [0.21, 0.3, 0.5] * 3)
    np.testing.assert_allclose(y, [0.4, 0.2, 0.6, 0.2, 0.2, 0.6, 0.4 / 3, 0.2, 0.6])
    assert figures.calibration_figure(record.cycles[:1]) is None


def test_parity_shows_the_held_out_structures():
    found = made_up().parity["start"]
    energies, forces = figures.parity_of(found, "at the start").axes
    for axes, groups in ((energies, found.energies), (forces, found.forces)):
        offsets = np.asarray(axes.collections[0].get_offsets())
        np.testing.assert_allclose(offsets[:, 0], groups[0].reference)
        np.testing.assert_allclose(offsets[:, 1], groups[0].predicted)
    assert energies.get_title(loc="left") == "Energies, at the start"


def test_nothing_checked_gives_no_figure():
    empty = GammaTrace(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), [])
    assert figures.gamma_figure(empty, []) is None


def test_one_row_per_cycle():
    rows = cycle_table(made_up()).splitlines()[4:]
    assert rows[0].startswith("| 0 | - | - | - | - | 0 | 0 | 20 | 12.5 | 20 | 0.3 | 0.45 | - | - |")
    assert rows[2].startswith(
        "| 2 | slab-100 | 200 | 0.5 | 0.2 to 2 | 3 | 1 | 26 | 6 | 10 | 0.15 | 0.225 | 0.337"
    )
    assert len(rows) == 4


def test_properties_and_their_errors():
    rows = property_table(made_up()).splitlines()
    assert rows[2].startswith("| quantity | reference | all data | cycle 0 | cycle 1 |")
    assert rows[4].startswith(f"| {A} | 4 | 4.04 | 4.16 (+4 %) | 4.1 (+2.5 %) |")
    assert rows[5].startswith(f"| {B} | 200 | 190 | - | 163 (-18.5 %) |")
    assert rows[6].startswith(f"| {E} | -0.004 | - | -0.01 (-6 meV/atom) |")


def test_report_tells_what_was_asked_and_what_went_wrong(tmp_path):
    record = made_up()
    write_report(tmp_path / "report.md", record)
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# gold\n\n3 cycles, 9 labels (1 failed); 29 structures for training")
    assert "    committee of 5\n    lower: 0.2\n" in text
    assert "- Cycle 2: slab-100, step 7: atoms at 0.9 Å\n" in text
    shown = [line.split("(")[-1].rstrip(")") for line in text.splitlines() if line[:2] == "!["]
    assert shown == [
        *("gamma.png", "properties.png", "gamma-error.png", "parity-start.png", "parity-end.png")
    ]
    for name in shown:
        assert (tmp_path / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_report_of_a_run_that_has_only_begun(tmp_path):
    record = LearnRecord("new", ["nothing"], made_up().cycles[:1])
    (tmp_path / "gamma.png").write_bytes(b"of an earlier call")
    write_report(tmp_path / "report.md", record)
    text = (tmp_path / "report.md").read_text()
    assert "0 cycles, 0 labels (0 failed)" in text
    assert "## Figures" not in text
    assert not (tmp_path / "gamma.png").exists()
