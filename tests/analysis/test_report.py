"""Figures and report of a study made up of random errors."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from aenetpy.analysis.drawing import png
from aenetpy.analysis.errors import Interval
from aenetpy.inputs.study import read_study
from aenetpy.studies import figures
from aenetpy.studies.cells import COLUMNS, format_trials, sort_into_cells
from aenetpy.studies.report import brackets, number, summary_text, write_report
from aenetpy.studies.trial_files import TrialResult, read_result, write_result
from tests.pages import Page, as_opened

YAML = """\
generate: g
train: t
test: 8
sizes: %s
seeds: %s
variants:
  none: {}
  few: {taylor: {delta: 0.01, a: 2}}
  more: {taylor: {delta: 0.03, a: 2}}
  a-variant-with-a-long-name: {train: {iterations: 5}}
"""
N_ATOMS_S = np.array([6, 6, 12, 12, 12, 24, 24, 3])


def made_up(variant: str, size: int, seed: int, scale: float = 1.0) -> TrialResult:
    stream = np.random.default_rng([seed, size, len(variant)])
    forces_nc = stream.normal(0.0, 0.4 * scale, (int(N_ATOMS_S.sum()), 3))
    forces_nc[:6] *= 1e-9  # zero by symmetry
    energies_s = stream.normal(0.0, 5.0 * scale, len(N_ATOMS_S))
    return TrialResult(
        *("digest", "networks", variant, size, seed, 12, 15, 1.5, 2.0, 3.0),
        *(energies_s, forces_nc, N_ATOMS_S),
        energies_s=-3.0 * N_ATOMS_S + 0.01 * np.arange(len(N_ATOMS_S)),
        train_errors_s=0.5 * energies_s,
        train_energies_s=-3.0 * N_ATOMS_S,
        train_n_atoms_s=N_ATOMS_S,
    )


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(sizes="[10, 20]", seeds="[1, 2, 3]"):
        (tmp_path / "study.yaml").write_text(YAML % (sizes, seeds))
        found = read_study("study.yaml")
        results = [
            made_up(variant.name, size, seed, 30 / size)
            for variant in found.variants
            for size in found.sizes
            for seed in found.seeds
        ]
        return found, results

    return read


def test_report_shows_every_variant_and_figure(study, tmp_path):
    found, results = study()
    write_report(tmp_path / "report.md", found, results, ["a.xsf", "b.xsf"], 40)
    text = (tmp_path / "report.md").read_text()
    for variant in found.variants:
        assert text.count(f"| {variant.name} | 10 | 3 |") == 2
    shown = [line.split("(")[1].rstrip(")") for line in text.splitlines() if line[:2] == "!["]
    assert len(shown) == len(set(shown)) == 11
    for name in shown:
        assert (tmp_path / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (tmp_path / name).stat().st_size > 10_000
    assert (tmp_path / "test-set.txt").read_text() == "a.xsf\nb.xsf\n"
    assert "24 of 24 trials" in text


def test_the_page_holds_what_the_report_holds(study, tmp_path):
    found, results = study()
    write_report(tmp_path / "report.md", found, results, ["a.xsf", "b.xsf"], 40)
    text = (tmp_path / "report.md").read_text().splitlines()
    page = Page((tmp_path / "report.html").read_text())
    assert page.headings == [line.lstrip("# ") for line in text if line.startswith("#")]
    rows = [line for line in text if line.startswith("| ") and not line.startswith("| ---")]
    assert [f"| {' | '.join(cells)} |" for table in page.tables for cells in table] == rows
    names = [line.split("(")[1].rstrip(")") for line in text if line[:2] == "!["]
    assert page.figures == [(tmp_path / name).read_bytes() for name in names]
    assert all(address.startswith("data:") for address in page.addresses)


@pytest.mark.external
def test_the_page_opens_in_a_browser(study, tmp_path):
    found, results = study()
    write_report(tmp_path / "report.md", found, results, ["a.xsf", "b.xsf"], 40)
    text = (tmp_path / "report.md").read_text()
    n_rows = text.count("\n| ") - text.count("\n| ---")
    seen = as_opened(tmp_path / "report.html")
    assert seen == {"images": "13/13", "rows": str(n_rows), "requests": "0"}


def test_one_seed_is_said_to_allow_no_test(study, tmp_path):
    found, results = study("10", "[1]")
    write_report(tmp_path / "report.md", found, results, ["a.xsf"], 40)
    text = (tmp_path / "report.md").read_text()
    assert text.count("| one seed |") == 2 * 3
    assert "error-size" not in text


def test_a_study_that_is_not_finished(study, tmp_path):
    found, results = study()
    some = [result for result in results if result.variant == "few" and result.seed > 1]
    write_report(tmp_path / "report.md", found, some, ["a.xsf"], 40)
    text = (tmp_path / "report.md").read_text()
    assert "4 of 24 trials" in text
    assert "## Differences" not in text


def test_seeds_are_paired(study):
    found, results = study()
    kept = [r for r in results if not (r.variant == "few" and r.seed == 1)]
    none, few, *_ = sort_into_cells(found, kept)
    compared = few.compared(none, "energy")
    expected = [
        np.abs(made_up("few", 10, seed, 3.0).energy_errors_s).mean()
        - np.abs(made_up("none", 10, seed, 3.0).energy_errors_s).mean()
        for seed in (2, 3)
    ]
    assert compared.n == 2
    assert compared.difference == pytest.approx(np.mean(expected))


def test_no_curve_without_several_sizes(study):
    found, results = study("10")
    assert figures.error_against_size(sort_into_cells(found, results), "none") is None


def test_errors_that_are_all_equal_can_be_drawn(study):
    found, _ = study("10", "[1]")
    same = np.zeros(len(N_ATOMS_S)), np.zeros((int(N_ATOMS_S.sum()), 3)), N_ATOMS_S
    result = TrialResult("digest", "nn", "none", 10, 1, 0, 1, 1.0, 0.0, 0.0, *same)
    cells = sort_into_cells(found, [result])
    for draw in (figures.violins, figures.histograms):
        assert png(draw(cells, "none"))


def test_table_of_trials(study):
    _, results = study()
    rows = list(csv.DictReader(format_trials(results).splitlines()))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == len(results)
    sizes_s = np.abs(results[5].energy_errors_s)
    assert float(rows[5]["energy_mean_meV_per_atom"]) == pytest.approx(sizes_s.mean(), rel=1e-5)
    assert float(rows[5]["energy_p95_meV_per_atom"]) == pytest.approx(
        np.percentile(sizes_s, 95), rel=1e-5
    )


def test_short_table(study):
    found, results = study()
    lines = summary_text(found, results).splitlines()
    assert len(lines) == 2 + 8
    assert len({len(line) for line in lines[1:]}) == 1


def test_numbers():
    found = [number(x) for x in (0.0, 1234.56, 12.345, 0.012345, float("nan"))]
    assert found == ["0", "1235", "12.3", "0.0123", "-"]
    assert brackets(Interval(-1.0, 2345.0), sign=True) == "[-1, +2345]"


def test_results_in_files(tmp_path):
    result = made_up("none", 10, 1)
    write_result(tmp_path / "result.npz", result)
    again = read_result(tmp_path / "result.npz")
    assert again.variant == "none"
    assert again.seed == 1
    np.testing.assert_array_equal(again.force_errors_nc, result.force_errors_nc)
    (tmp_path / "result.npz").write_bytes((tmp_path / "result.npz").read_bytes()[:500])
    assert read_result(tmp_path / "result.npz") is None
    assert read_result(tmp_path / "other.npz") is None
