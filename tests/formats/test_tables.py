"""energies.train.0 and energies.test.0."""

from __future__ import annotations

import numpy as np

from aenetpy.formats.tables import format_energies
from tests.printed import energy_rows

HEAD = (
    "  Ref(eV)        ANN(eV)      #atoms  Ref(eV/atom)   ANN(eV/atom) Ref-ANN(eV/atom)"
    "    Cost-Func   #Ti  #O    Path-of-input-file\n"
)


def test_rows_agree_with_those_of_aenet_but_for_the_last_printed_digit(golden):
    paths = sorted(golden.glob("05*/**/energies.t*.0"))
    assert len(paths) >= 20
    for path in paths:
        text = path.read_text()
        numbers_sk, names_s = energy_rows(text)
        counts_st = numbers_sk[:, 7:].astype(int)
        with np.errstate(invalid="ignore"):
            scales_s = numbers_sk[:, 6] / numbers_sk[:, 5]
        scale = float(np.median(scales_s)) if len(scales_s) else 1.0
        species = [word[1:] for word in text.split("\n")[0].split() if word[:1] == "#"][1:]
        ours = format_energies(
            species, names_s, counts_st, numbers_sk[:, 0], numbers_sk[:, 1], scale
        )
        found_sk, found_names = energy_rows(ours)
        assert found_names == names_s
        assert [len(line) for line in ours.split("\n")] == [len(line) for line in text.split("\n")]
        assert ours.split("\n")[0] == text.split("\n")[0]
        np.testing.assert_allclose(found_sk, numbers_sk, rtol=1e-4, atol=1e-5)


def test_a_set_without_structures():
    nothing = np.empty(0)
    counts_st = np.empty((0, 2), int)
    assert format_energies(("Ti", "O"), (), counts_st, nothing, nothing, 1.0) == HEAD
