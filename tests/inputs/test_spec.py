"""Input files as tables: what they promise is what the readers do."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest

from aenetpy.errors import InputError
from aenetpy.inputs.generate_in import (
    GENERATE_IN,
    GenerateInput,
    format_generate_in,
    read_generate_in,
)
from aenetpy.inputs.md_json import MD_JSON, AseInput, Ensemble, read_ase_input
from aenetpy.inputs.predict_in import (
    PREDICT_IN,
    PredictInput,
    format_predict_in,
    read_predict_in,
)
from aenetpy.inputs.spec import Bounds
from aenetpy.inputs.study import STUDY_YAML, read_study
from aenetpy.inputs.train_in import TRAIN_IN, TrainInput, format_train_in, read_train_in

GENERATE = "TYPES\n1\nTi -1.0\nSETUPS\nTi Ti.stp\nFILES\n1\na.xsf\n"
TRAIN = "TRAININGSET a.train\nNETWORKS\nTi Ti.nn 1 5:tanh\n"
PREDICT = "TYPES\n1\nTi\nNETWORKS\nTi Ti.nn\nFILES\n1\na.xsf\n"
STUDY = "generate: g.in\ntrain: t.in\ntest: 1\nsizes: [2]\nseeds: [0]\nvariants: {plain: {}}\n"

FILES = {
    "generate.in": (GENERATE_IN, GENERATE, read_generate_in, format_generate_in, GenerateInput),
    "train.in": (TRAIN_IN, TRAIN, read_train_in, format_train_in, TrainInput),
    "predict.in": (PREDICT_IN, PREDICT, read_predict_in, format_predict_in, PredictInput),
}
OTHER = {"flag": "", "integer": "7", "number": "7.5", "word": "low", "file": "other"}


OPTIONAL = [
    pytest.param(name, item, id=f"{name}-{item.name}")
    for name, (table, *_) in FILES.items()
    for item in table.values
    if not item.required
]


def read(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    return FILES[name][2](path)


@pytest.mark.parametrize(("name", "item"), OPTIONAL)
def test_defaults_are_those_of_the_reader_and_of_the_noun(name, item, tmp_path):
    default = False if item.kind == "flag" else item.default
    assert getattr(read(name, FILES[name][1], tmp_path), item.target) == default
    by_name = {field.name: field.default for field in fields(FILES[name][4])}
    assert by_name[item.target] == default


@pytest.mark.parametrize(("name", "item"), OPTIONAL)
def test_values_that_are_not_the_default_are_read_and_written(name, item, tmp_path):
    word = item.choices[0] if item.choices else OTHER[item.kind]
    content = read(name, f"{FILES[name][1]}{item.name} {word}\n", tmp_path)
    value = getattr(content, item.target)
    assert value != item.default
    assert str(value) == ("True" if item.kind == "flag" else word)
    written = FILES[name][3](content)
    assert getattr(read(name, written, tmp_path), item.target) == value
    assert item.name in written.split()


@pytest.mark.parametrize(
    ("name", "item"), [case for case in OPTIONAL if case.values[1].bounds != Bounds()]
)
def test_bounds_are_kept(name, item, tmp_path):
    step, bounds = (1 if item.kind == "integer" else 1e-6), item.bounds
    inside = [x for x in (bounds.least, bounds.most, bounds.below - step) if math.isfinite(x)]
    outside = [bounds.least - step, bounds.most + step, bounds.below, bounds.above]
    for value in inside:
        content = read(name, f"{FILES[name][1]}{item.name} {value}\n", tmp_path)
        assert getattr(content, item.target) == value
    for value in filter(math.isfinite, outside):
        with pytest.raises(InputError, match=rf"{name}:\d+: {item.name} "):
            read(name, f"{FILES[name][1]}{item.name} {value}\n", tmp_path)


def test_what_a_table_does_not_know_is_told_with_what_is_close(tmp_path, caplog):
    for name, (table, text, *_) in FILES.items():
        read(name, f"{table.names[-1][:-1]} 1\n{text}", tmp_path)
        assert f"did you mean {table.names[-1]}?" in caplog.messages[-1]


def test_defaults_of_molecular_dynamics():
    settings, ensemble = AseInput("in.json"), Ensemble()
    for item in MD_JSON:
        if item.name in ("potentials", "ensemble"):
            continue
        holder = settings if hasattr(settings, item.name) else ensemble
        assert getattr(holder, item.name) == item.default
    assert ensemble.name == MD_JSON["ensemble"].default


@pytest.mark.parametrize("item", [item for item in MD_JSON if item.bounds != Bounds()])
def test_bounds_of_molecular_dynamics(item, tmp_path):
    path = tmp_path / "in.json"
    outside = [item.bounds.least - 1, item.bounds.above, 2 * item.bounds.most]
    ensemble = {} if item.name == "temperature" else {"ensemble": "npt", "temperature": 300}
    for value in filter(math.isfinite, outside):
        path.write_text(json.dumps({"potentials": "nn", **ensemble, item.name: value}))
        with pytest.raises(InputError, match=rf"{item.name} is .* must be an? {item.kind}|posi"):
            read_ase_input(path)


def test_what_a_study_requires(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    assert read_study(path).test_seed == STUDY_YAML["test_seed"].default
    for item in STUDY_YAML:
        if item.required:
            lines = [line for line in STUDY.splitlines() if not line.startswith(f"{item.name}:")]
            path.write_text("\n".join(lines))
            with pytest.raises(InputError, match=f"key '{item.name}' is missing"):
                read_study(path)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(), "number"),
        (Bounds(0), "number, 0 or greater"),
        (Bounds(0, below=100), "number, 0 or greater, below 100"),
        (Bounds(above=0, most=1e9), "positive number, at most 1e9"),
        (Bounds(-1e9, 1e9), "number, at most 1e9"),
    ],
)
def test_bounds_in_words(bounds, words):
    assert bounds.words("number") == words


@pytest.mark.parametrize(
    ("bounds", "value", "objection"),
    [
        (Bounds(0), 0, None),
        (Bounds(0), -1, "is negative"),
        (Bounds(0, 100), 101, "is not between 0 and 100"),
        (Bounds(above=0), 0, "is no positive number"),
        (Bounds(0, below=100), 100, "is no number, 0 or greater, below 100"),
    ],
)
def test_objections(bounds, value, objection):
    assert bounds.objection(value) == objection
