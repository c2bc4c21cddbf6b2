"""Comparing the text output of two runs."""

from __future__ import annotations

import re

import numpy as np

# Time stamps, and the copyright block: a notice of the other program that is not ours.
OTHER = re.compile(r"^ {20,}\d{4}-\d\d-\d\d|^ Copyright")
NOTICE_LINES = 5


def lines_of(text: str) -> list[str]:
    """Return the lines without time stamps and the copyright notice."""
    lines = text.split("\n")
    start = next((k for k, line in enumerate(lines) if line.startswith(" Copyright")), None)
    if start is not None:
        del lines[start : start + 1 + NOTICE_LINES]
    return [line for line in lines if not OTHER.match(line)]


def assert_same_numbers(written: list[str], expected: list[str]) -> None:
    """Text equal; energies within 2e-8 eV, forces and coordinates within 1.1e-6."""
    assert len(written) == len(expected)
    for ours, theirs in zip(written, expected, strict=True):
        if ours == theirs:
            continue
        if ours.endswith("acting on atom 1.") and "acting on atom" in theirs:
            continue  # where all forces are zero, aenet prints a number that was never set
        assert len(ours) == len(theirs), (ours, theirs)
        tolerance = 2e-8 if "energy" in theirs else 1.1e-6
        for x, y in zip(ours.split(), theirs.split(), strict=True):
            if x != y:
                assert abs(float(x) - float(y)) <= tolerance, (ours, theirs)


def remarks(notes: str) -> str:
    """Return what stands on standard error but for the errors of labelled structures."""
    lines = notes.splitlines(keepends=True)
    return "".join(line for line in lines if "compared with the files" not in line)


def energy_rows(text: str) -> tuple[np.ndarray, list[str]]:
    """Return numbers and names of ``energies.train.0``; aenet leaves out the E of E-102."""
    _, *rows = text.splitlines()
    n_numbers = 7 + len(re.findall(r" #[A-Z]", text.split("\n")[0]))
    cut = [row.split(maxsplit=n_numbers) for row in rows]
    numbers = [
        [float(re.sub(r"(?<=\d)([+-]\d+)$", r"E\1", word)) for word in one[:-1]] for one in cut
    ]
    return np.array(numbers).reshape(len(rows), n_numbers), [one[-1] for one in cut]
