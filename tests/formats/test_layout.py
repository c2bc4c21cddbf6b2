"""A list of items: the same values as records and as lines, each within its limit."""

import numpy as np
import pytest

from aenetpy.data.limits import COUNT, N_SPECIES
from aenetpy.errors import DataError
from aenetpy.formats.layout import LIST_DIRECTED, RECORDS, Field, read_fields, write_fields
from aenetpy.formats.list_directed import LineReader
from aenetpy.formats.records import RecordReader

ITEMS = (
    Field("n_species", "integers", "number of species", limit=N_SPECIES),
    Field("title", "text", "title", (12,)),
    Field("species", "symbols", "species", ("n_species",)),
    Field("n", "integers", "rows", limit=COUNT),
    Field("table_np", "reals", "table", ("n", 2)),
    Field("low high", "reals", "range"),
    Field("odd", "logical", "odd"),
)
VALUES = {
    "n_species": 2,
    "title": "of two",
    "species": ("Ti", "O"),
    "n": 3,
    "table_np": np.arange(6.0).reshape(3, 2) / 7.0,
    "low": -0.5,
    "high": 1.5,
    "odd": True,
}


def readers(tmp_path, values):
    (tmp_path / "items").write_bytes(b"".join(write_fields(RECORDS, ITEMS, values)))
    text = "".join(write_fields(LIST_DIRECTED, ITEMS, values))
    return RecordReader(tmp_path / "items", "items", 4), LineReader("items", text, indent=" ")


def test_both_codecs_give_the_values_back(tmp_path):
    for reader in readers(tmp_path, VALUES):
        found = read_fields(reader, ITEMS)
        reader.finish()
        assert list(found) == list(VALUES)
        np.testing.assert_array_equal(found.pop("table_np"), VALUES["table_np"])
        assert found == {name: value for name, value in VALUES.items() if name != "table_np"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_species": 201}, "number of species: is 201, and must be 0 to 200"),
        ({"n_species": -1}, "number of species: is -1"),
        ({"n": -1}, "rows: is -1"),
        ({"high": np.nan}, "range: number 2 of 2 is nan"),
    ],
)
def test_both_codecs_keep_the_limits(tmp_path, changes, message):
    for reader in readers(tmp_path, VALUES | changes):
        with pytest.raises(DataError, match=message):
            read_fields(reader, ITEMS)


def test_an_item_may_be_written_in_another_way():
    writer = {**LIST_DIRECTED, "species": lambda names, _: " ".join(names)}
    lines = write_fields(writer, ITEMS[:3], VALUES)
    assert lines == ["           2\n", " of two\n", "Ti O"]
