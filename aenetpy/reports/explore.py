"""Output of ``explore``: text, JSON and Markdown of the same tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aenetpy.reports.json_text import json_text

SCHEMA = "aenetpy-explore-1"
"""Changes when a key changes its meaning or goes away; new keys may come."""

SHOWN = 5
"""Number of structures that are named in a finding; JSON has all."""


def exploration_json(summary: Mapping[str, Any], version: str) -> str:
    """Return one JSON object; unknown and infinite numbers are null."""
    return json_text({"schema": SCHEMA, "version": version, **summary})


def exploration_text(summary: Mapping[str, Any]) -> str:
    """Return the tables for a terminal."""
    lines = []
    for title, head, rows in tables(summary):
        cells = [head, *rows]
        widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
        lines += [title, ""]
        for row in cells:
            padded = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
            lines.append("  " + "  ".join(padded).rstrip())
        lines.append("")
    lines += ["What is wrong", ""]
    for finding in summary["findings"]:
        lines.append(f"  - {finding['text']}")
        lines += [f"      {name}" for name in _names(finding)]
    if not summary["findings"]:
        lines.append("  nothing that is looked for")
    lines += ["", "For the input files", "", *(f"  {line}" for line in suggestions(summary))]
    if summary["types_block"]:
        lines += ["", *(f"  {line}" for line in summary["types_block"].split("\n"))]
    return "\n".join(lines) + "\n"


def exploration_markdown(summary: Mapping[str, Any], figures: Sequence[tuple[str, str]]) -> str:
    """Return the same as Markdown, with figures: name of the file, and caption."""
    lines = [f"# {summary['structures']} structures of {' '.join(summary['species'])}", ""]
    lines += ["## What is wrong", ""]
    for finding in summary["findings"]:
        names = ", ".join(f"`{name}`" for name in _names(finding))
        lines.append(f"- {finding['text']}" + (f" ({names})" if names else ""))
    if not summary["findings"]:
        lines.append("Nothing that is looked for.")
    lines += ["", "## For the input files", ""]
    lines += [f"- {line}" for line in suggestions(summary)]
    if summary["types_block"]:
        lines += ["", "```", summary["types_block"], "```"]
    for title, head, rows in tables(summary):
        lines += ["", f"## {title}", ""]
        for row in (head, ["---"] * len(head), *rows):
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |")
    lines += ["", "## Figures", ""]
    for name, text in figures:
        lines += [f"![{text}]({name})", "", f"{text}.", ""]
    return "\n".join(lines)


def tables(summary: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return title, head and rows of each table."""
    ranges = [
        ("atoms", summary["atoms"], "{:.0f}"),
        ("total energy (eV/atom)", summary["energy_per_atom_eV"], "{:.4f}"),
        ("less fitted atomic energies (eV/atom)", summary["rest_per_atom_eV"], "{:.4f}"),
        ("longest force (eV/Å)", summary["longest_force_eV_per_A"], "{:.3f}"),
        ("smallest cell height (Å)", summary["cell_height_A"], "{:.2f}"),
    ]
    if n := summary["structures_with_stress"]:
        ranges[-1:-1] = [
            (f"pressure of {n} (GPa)", summary["pressure_GPa"], "{:.2f}"),
            (f"largest stress of {n} (GPa)", summary["largest_stress_GPa"], "{:.2f}"),
        ]
    keys = ("minimum", "median", "maximum")
    return [
        (
            f"{summary['structures']} structures",
            ["", *keys],
            [
                [name, *("-" if of is None else form.format(of[key]) for key in keys)]
                for name, of, form in ranges
            ],
        ),
        (
            "Compositions",
            ["atoms", "structures"],
            [[name, str(n)] for name, n in summary["compositions"].items()],
        ),
        (
            "Periodic directions",
            ["directions", "structures"],
            [[name, str(n)] for name, n in summary["periodic_directions"].items()],
        ),
        (
            "Shortest distances (Å)",
            ["pair", *keys],
            [
                [name, *("-" if of is None else f"{of[key]:.3f}" for key in keys)]
                for name, of in summary["shortest_distances_A"].items()
            ],
        ),
        (
            "Cells against cutoffs",
            ["cutoff (Å)", "cells lower", "neighbours per atom"],
            [
                [f"{row['cutoff_A']:g}", str(row["cells_lower"]), _number(row["neighbours"])]
                for row in summary["cutoffs"]
            ],
        ),
    ]


def suggestions(summary: Mapping[str, Any]) -> list[str]:
    """Return the proposed values of setups."""
    suggested = summary["suggested"]
    left = summary["rest_rmse_meV_per_atom"]
    lines = [
        f"RMIN {suggested['r_min_A']:g}",
        f"radial cutoff {suggested['radial_cutoff_A']:g} Å,"
        f" angular {suggested['angular_cutoff_A']:g} Å",
    ]
    if summary["isolated_atoms"]:
        lines.append(f"atomic energies of isolated atoms: {', '.join(summary['isolated_atoms'])}")
    if left is not None and math.isfinite(left):
        errors = summary["atomic_energy_errors_eV"].items()
        known = ", ".join(f"{symbol} ± {e:.2g} eV" for symbol, e in errors if math.isfinite(e))
        lines.append(
            f"atomic energies that leave {left:.3g} meV/atom (RMS) to be learnt"
            + (f" (standard errors: {known}):" if known else ":")
        )
    return lines


def _names(finding: Mapping[str, Any]) -> list[str]:
    names = finding["names"]
    more = [f"... and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return [*names[:SHOWN], *more]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
