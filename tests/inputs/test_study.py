"""study.yaml: what it says, and what is said of errors in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aenetpy.errors import InputError
from aenetpy.inputs.given import read_yaml
from aenetpy.inputs.study import read_study
from aenetpy.inputs.train_blocks import ForceSettings

HEAD = """\
generate: generate.in
train: train.in
test: 3
sizes: [6, 12]
seeds: [1, 2]
"""
GOOD = (
    HEAD
    + """\
reference: long
variants:
  none: {}
  long: {train: {iterations: 50, method: adam mu=1d-3, testpercent: 20}}
  paper: {taylor: {strategy: pyita, delta: 0.03, a: 6}, families: mixed}
  tied: {taylor: {strategy: pyita, delta: 3e-2, a: 6}}
  second:
    taylor: {strategy: random, delta: {Ti: 0.02, O: 0.03}, a: 2, order: 2, potential: long}
    train:
      networks: ["Ti a/Ti.nn 1 4:tanh", "O O.nn 1 4:tanh"]
"""
)


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_all_keys(tmp_path):
    study = read_study(written(tmp_path, GOOD))
    assert (study.test, study.test_seed, study.sizes, study.seeds) == (3, 1, (6, 12), (1, 2))
    assert (study.folder, study.reference) == ("study", "long")
    none, long, paper, tied, second = study.variants
    assert none.train == {}
    assert none.taylor is None
    assert long.train["iterations"] == 50
    assert long.train["test_percent"] == 20.0
    assert long.train["method"].given == {"mu": 0.001}
    assert set(long.train) == {"iterations", "test_percent", "method"}
    assert paper.mixed
    assert not tied.mixed
    assert tied.taylor.delta == paper.taylor.delta == 0.03
    assert second.taylor.delta == {"Ti": 0.02, "O": 0.03}
    assert second.needs == "long"
    assert [network.nodes for network in second.train["networks"]] == [(4,), (4,)]
    assert "delta Ti:0.02/O:0.03" in second.text


def test_a_variant_may_train_on_forces(tmp_path):
    lines = "forces: alpha=0.5 force=0.2, forcespercent: 10, maxforces: 3, stress: 0.5"
    more = "regularization: 1e-6, batchsize: 64"
    text = f"variants: {{none: {{}}, all: {{train: {{forces: true, {more}}}}}, few: {{train: "
    study = read_study(written(tmp_path, f"{HEAD}{text}{{{lines}}}}}}}\n"))
    _, every, few = (variant.train for variant in study.variants)
    assert every == {"forces": ForceSettings(), "regularization": 1e-6, "batchsize": 64}
    assert few == {
        "forces": ForceSettings(alpha=0.5, force=0.2),
        "forces_percent": 10.0,
        "max_forces": 3.0,
        "stress": 0.5,
    }


def test_defaults(tmp_path):
    study = read_study(written(tmp_path, HEAD + "variants: {none: , other: {}}\n"))
    assert study.reference == "none"
    assert [variant.text for variant in study.variants] == ["as in generate.in and train.in"] * 2


def test_words_of_yaml_are_names(tmp_path):
    study = read_study(written(tmp_path, HEAD + "variants: {no: {}, off: {}, 1: {}}\n"))
    assert [variant.name for variant in study.variants] == ["no", "off", "1"]


def test_a_variant_comes_after_the_one_whose_networks_it_needs(tmp_path):
    lines = [
        f"  {name}: {{taylor: {{delta: 0.1, a: 1, order: 2, potential: {needs}}}}}\n"
        for name, needs in (("c", "b"), ("b", "a"))
    ]
    study = read_study(written(tmp_path, "".join([HEAD, "variants:\n", *lines, "  a: {}\n"])))
    assert [variant.name for variant in study.in_order()] == ["a", "b", "c"]


TAYLOR = "variants: {a: {taylor: {strategy: random, delta: 0.1, a: 1, %s}}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sizs: 3\n" + GOOD, "study.yaml:1: unknown key 'sizs'; .* did you mean sizes"),
        (GOOD.replace("test: 3\n", ""), "key 'test' is missing"),
        (GOOD.replace("test: 3", "test: 0"), "study.yaml:3: test is 0; it must be at least 1"),
        (GOOD.replace("test: 3", "test: 3.5"), "test needs an integer: '3.5'"),
        (GOOD.replace("[1, 2]", "[1, 1]"), "study.yaml:5: seeds names a number twice"),
        (GOOD.replace("[1, 2]", "[]"), "seeds is empty"),
        (GOOD.replace("[1, 2]", "{a: 1}"), "seeds needs a single value"),
        (GOOD.replace("reference: long", "reference: best"), "names no variant 'best'; there are"),
        (GOOD.replace("none: {}", "a/b: {}"), "study.yaml:8: 'a/b' cannot name a variant"),
        (GOOD.replace("iterations", "iteration"), "unknown key 'variants.long.train.iteration'"),
        (GOOD.replace("iterations: 50", "seed: 5"), "'variants.long.train.seed' is set by"),
        (GOOD.replace("iterations: 50", "iterations: many"), "study.yaml:9: ITERATIONS needs"),
        (GOOD.replace("testpercent: 20", "testpercent: 100"), "TESTPERCENT 100 is no number"),
        (GOOD.replace("iterations: 50", "forces: alpha=2"), "study.yaml:9: FORCES: alpha 2 is no"),
        (GOOD.replace("adam mu", "adm mu"), "study.yaml:9: unknown training method 'adm'"),
        (GOOD.replace("families: mixed", "families: mixd"), "did you mean mixed"),
        (HEAD + "variants: {a: {families: mixed}}\n", "only copies of strategy pyita"),
        (HEAD + "variants: {}\n", "variants is empty"),
        (HEAD + "variants: [a, b]\n", "variants needs keys and values"),
        (HEAD + TAYLOR % "seed: 1", "'variants.a.taylor.seed' is set by the study"),
        (HEAD + TAYLOR % "order: 3, potential: a", "order 3 is not between 1 and 2"),
        (HEAD + TAYLOR % "order: 2", "order 2 needs a potential"),
        (HEAD + TAYLOR % "order: 2, potential: b", "potential 'b' is no variant"),
        (HEAD + TAYLOR % "order: 2, potential: a", "variants need each other's .*: a -> a"),
        (HEAD + "variants: {a: {}, a: {}}\n", "study.yaml:6: key 'a' is given twice"),
        (HEAD + "variants: {a: {}\n", "is not YAML"),
        ("a: &x [*x]\n", "nested too deeply"),
        ("- a\n", "holds no keys"),
        ("", "holds no keys"),
        ("a: !!python/object:os.x {}\n", "unknown key 'a'"),
        ("a: b: c\n", "study.yaml:1: is not YAML"),
    ],
)  # fmt: skip
def test_errors_are_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_study(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="file not found"):
        read_study(tmp_path / "none.yaml")


def test_scalars_stay_text(tmp_path):
    values = read_yaml(
        written(tmp_path, "a: 1e-3\nb: no\nc: ~\nd: [0x10, 007]\n"), "study.yaml"
    ).plain()
    assert values == {"a": "1e-3", "b": "no", "c": None, "d": ["0x10", "007"]}
