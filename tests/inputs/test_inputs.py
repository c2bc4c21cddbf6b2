"""``generate.in``, ``train.in`` and ``predict.in`` (spec 2 to 4)."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.limits import FINITE
from aenetpy.data.training_methods import METHODS, MethodParameter, used_sizes
from aenetpy.errors import DataError, InputError
from aenetpy.inputs.generate_in import GenerateInput, format_generate_in, read_generate_in
from aenetpy.inputs.lines import Entry
from aenetpy.inputs.predict_in import (
    PredictInput,
    RelaxOptions,
    format_predict_in,
    read_predict_in,
)
from aenetpy.inputs.stp import read_stp
from aenetpy.inputs.train_blocks import CacheSettings, ForceSettings
from aenetpy.inputs.train_in import (
    SAMPLINGS,
    MethodLine,
    NetworkLine,
    TrainInput,
    format_train_in,
    read_train_in,
)
from aenetpy.structures.reading import iter_structures

GENERATE = """OUTPUT  out/TiO2.train   ! here
TYPES
2
Ti -1604.604515075d0  ! eV
O  -432.503149303  ! eV

SETUPS
O  stp/O.stp
Ti Ti.stp
FORCES
FORCESPERCENT 100

Files

! two of them
2
xsf/a b.xsf
xsf/c.xsf
"""

TRAIN = """TRAININGSET TiO2.train
TESTPERCENT 20
ITERATIONS 0

METHOD
Adam mu=1d-3 batchsize=4

NETWORKS
! atom network
  Ti  "nn/Ti.nn" 2 15:tanh 10:t rest
  O   O.nn 0
"""

PREDICT = """types
2
Ti comment
O
networks
O O.nn
Ti a/Ti.nn
RELAX
method=bfgs F_conv=1d-2 steps=30 dmax=3*0.2
PRINT_ATOMIC_ENERGIES
VERBOSITY low
files
1
a.xsf
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str) -> Path:
        path = tmp_path / "x.in"
        path.write_text(text)
        return path

    return write_text


def test_generate_in(write, caplog):
    found = read_generate_in(write(GENERATE))
    assert found.output == "out/TiO2.train"
    assert found.species == ("Ti", "O")
    assert found.atomic_energies_t == (-1604.604515075, -432.503149303)
    assert found.setups == {"Ti": Entry("Ti.stp", 9), "O": Entry("stp/O.stp", 8)}
    assert [entry.text for entry in found.files] == ["xsf/a b.xsf", "xsf/c.xsf"]
    assert (found.forces, found.forces_percent) == (True, 100.0)
    assert found.lines["FORCESPERCENT"] == 11
    assert caplog.text == ""


def test_generate_in_defaults(write):
    text = "TYPES\n1\nAu 0\nSETUPS\nAu a\nFILES\n1\nx\n"
    found = read_generate_in(write(text))
    assert (found.output, found.forces, found.forces_percent) == ("refdata.train", False, 1.0)
    assert (found.timing, found.debug, found.verbosity) == (
        False,
        False,
        "normal",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("TYPES", "TYPE", "keyword TYPES is missing; add the lines"),
        ("SETUPS", "SETUP", "keyword SETUPS is missing; add"),
        ("Files", "Fil", "keyword FILES is missing; add"),
        ("TYPES\n2", "TYPES\n0", "x.in:3: TYPES announces 0 species"),
        ("TYPES\n2", "TYPES\n4", "x.in:3: TYPES announces 4 species but lists 2"),
        ("TYPES\n2", "TYPES\nTi", "x.in:3: TYPES needs a number on the next line, not 'Ti'"),
        ("Ti -1604.604515075d0", "Ti", "x.in:4: atomic energy of Ti: '!' is not a number"),
        ("Ti -1604.604515075d0  ! eV", "Ti", "x.in:4: no atomic energy for Ti"),
        ("O  -432.503149303", "Ti 1", "x.in:5: species Ti is given twice"),
        ("O  -432.503149303", "O nan", "x.in:5: atomic energy of O: 'nan' is not a number"),
        ("PERCENT 100", "PERCENT 101", "x.in:11: FORCESPERCENT 101 is not between"),
        ("FORCESPERCENT 100", "FORCESPERCENT x", "x.in:11: FORCESPERCENT needs a number, not 'x'"),
    ],
)
def test_generate_in_errors(write, old, new, message):
    with pytest.raises(InputError, match=message):
        read_generate_in(write(GENERATE.replace(old, new, 1)))


def test_long_species_are_cut_as_in_aenet(write, caplog):
    text = GENERATE.replace("Ti -1604", "Titanium -1604")
    assert read_generate_in(write(text)).species == ("Ti", "O")
    assert "species 'Titanium' is cut to 'Ti'" in caplog.text


def test_train_in(write, caplog):
    found = read_train_in(write(TRAIN))
    assert found.training_set == "TiO2.train"
    assert (found.test_percent, found.iterations, found.max_energy) == (20.0, 0, None)
    assert found.method == MethodLine("adam", {"mu": 0.001, "batchsize": 4}, 6)
    assert found.method.parameters == {**METHODS["adam"].defaults, "batchsize": 4}
    assert found.networks == (
        NetworkLine("Ti", "nn/Ti.nn", (15, 10), ("tanh", "tanh"), 10),
        NetworkLine("O", "O.nn", (), (), 11),
    )
    assert (found.sampling, found.save_energies) == (None, False)
    assert caplog.text == ""


def test_train_in_defaults(write):
    found = read_train_in(write("NETWORKS\nTi a 1 3:s\nTRAININGSET b\n"))
    assert (found.test_percent, found.iterations, found.method.name) == (10.0, 10, "bfgs")
    assert found.method.parameters == {}
    assert found.networks[0].activations == ("sigmoid",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("TRAININGSET", "TRAINSET", "keyword TRAININGSET is missing"),
        ("TRAININGSET TiO2.train", "TRAININGSET", "x.in:1: TRAININGSET has no value"),
        ("NETWORKS", "NETWORK", "keyword NETWORKS is missing"),
        (
            "PERCENT 20",
            "PERCENT 100",
            "x.in:2: TESTPERCENT 100 is no number, 0 or greater, below 100",
        ),
        ("PERCENT 20", "PERCENT -1", "x.in:2: TESTPERCENT -1 is negative; give 0 or more and less"),
        ("ITERATIONS", "ITERWRITE -1 !", "x.in:3: ITERWRITE -1 is negative"),
        ("Adam", "rprop", "x.in:6: unknown training method 'rprop'; known are bfgs, online_sd"),
        ("Adam mu=1d-3 batchsize=4", "", "x.in:5: METHOD is not followed by its line"),
        ("mu=1d-3", "mu=fast", "x.in:6: adam: mu: 'fast' is not a number"),
        ("batchsize=4", "batchsize=4.5", "x.in:6: adam: batchsize: '4.5' is not an integer"),
        ("batchsize=4", "batchsize=0", "x.in:6: adam: batchsize is 0; it must be at least 1"),
        ("ITERATIONS", "SAMPLING foo !", "x.in:3: unknown SAMPLING 'foo'; known are sequential"),
        ("  O ", "  Ti ", "x.in:11: species Ti is given twice"),
        ("O   O.nn 0", "O   nn/Ti.nn 0", "x.in:11: Ti and O have the same file 'nn/Ti.nn'"),
        ("O   O.nn 0", "O   O.nn", "x.in:11: the line of O needs a file and a number of layers"),
        ("O   O.nn 0", "O   O.nn 5:t", "x.in:11: number of hidden layers of O: '5:t'"),
        ("O   O.nn 0", "O   O.nn -1", "x.in:11: O has -1 hidden layers"),
        ("O   O.nn 0", "O   O.nn 2 5:t", "x.in:11: O has 2 hidden layers but 1 are given"),
        ("15:tanh", "15tanh", "x.in:10: '15tanh' is not a layer; write <nodes>:<activation>"),
        ("15:tanh", "x:tanh", "x.in:10: nodes of layer 'x:tanh'"),
        ("15:tanh", "0:tanh", "x.in:10: layer '0:tanh' has no nodes"),
        ("15:tanh", "15:relu", r"x.in:10: unknown activation 'relu'; known are linear \(l\)"),
        ("15:tanh", "15:Tanh", "x.in:10: unknown activation 'Tanh'"),
    ],
)
def test_train_in_errors(write, old, new, message):
    with pytest.raises(InputError, match=message):
        read_train_in(write(TRAIN.replace(old, new, 1)))


def test_networks_alone_are_not_enough(write):
    with pytest.raises(InputError, match=r"x.in:2: NETWORKS is empty"):
        read_train_in(write("TRAININGSET x\nNETWORKS\n"))


def test_train_in_notes(write, caplog):
    text = TRAIN.replace("mu=1d-3", "moo=1").replace("O.nn 0", "O.nn 1 5:t 4:t\nITERATION 5")
    found = read_train_in(write(text))
    assert found.method.given == {"batchsize": 4}
    assert found.networks[1].nodes == (5,)
    assert "x.in:6: adam has no parameter 'moo'; ignored" in caplog.text
    assert "x.in:11: O has 1 hidden layer; '4:t' is ignored" in caplog.text
    assert "x.in:12: unknown keyword 'ITERATION' ignored; did you mean ITERATIONS?" in caplog.text


def test_lambda_after_lambda0_is_read_right(write, caplog):
    text = TRAIN.replace("Adam mu=1d-3 batchsize=4", "ekf lambda0=0.5 lambda=0.9")
    assert read_train_in(write(text)).method.given == {"lambda0": 0.5, "lambda": 0.9}
    assert "lambda is 0.9; aenet 2.0.4 finds 'lambda' inside another word" in caplog.text


def test_method_data_are_not_keywords(write):
    text = TRAIN.replace("Adam mu=1d-3 batchsize=4", "iterations 7")
    with pytest.raises(InputError, match="METHOD is not followed by its line"):
        read_train_in(write(text))


PYTORCH = """TRAININGSET TiO.train.ascii
TESTPERCENT 10
ITERATIONS  500
ITERWRITE   1
BATCHSIZE   128

NPSEED 1
PHSEED 2

FORCES
alpha=0.2

MODE train
MEMORY_MODE gpu
MAXFORCES 12.5

SAVE_ENERGIES
SAVE_FORCES
VERBOSE

METHOD
method=adamw   lr=0.0001

REGULARIZATION 0.001

NETWORKS
! atom   network         hidden
! types  file-name       layers  nodes:activation
  Ti     Ti.pytorch.nn    2    5:tanh    5:tanh
  O       O.pytorch.nn    2    5:tanh    5:tanh
"""


def test_train_in_of_aenet_pytorch(write, caplog):
    found = read_train_in(write(PYTORCH))
    assert caplog.text == ""
    assert (found.iterations, found.iterwrite, found.batchsize) == (500, 1, 128)
    assert (found.split_seed, found.weights_seed) == (1, 2)
    assert (found.forces, found.max_forces) == (ForceSettings(0.2, 5.0, 0.1), 12.5)
    assert (found.save_energies, found.save_forces) == (True, True)
    assert found.method == MethodLine("adamw", {"lr": 0.0001}, 22)
    defaults = METHODS["adamw"].defaults
    assert found.parameters == {
        **defaults,
        "lr": 0.0001,
        "batchsize": 128,
        "weight_decay": 0.001,
    }
    assert found.penalty == 0.0
    assert [network.file for network in found.networks] == ["Ti.pytorch.nn", "O.pytorch.nn"]


@pytest.mark.parametrize("line", ["lr=2d-3  Method=ADAM ! old", "method=adam lr=2d-3"])
def test_adam_of_aenet_pytorch_visits_all_in_its_batches(write, caplog, line):
    text = PYTORCH.replace("method=adamw   lr=0.0001", line)
    found = read_train_in(write(text.replace("BATCHSIZE   128", "")))
    assert found.method.name == "adam"
    assert found.parameters["mu"] == 0.002
    assert used_sizes(found.parameters, 900) == {"batchsize": 256, "samplesize": 900}
    assert used_sizes(found.parameters, 90) == {"batchsize": 90, "samplesize": 90}
    assert found.penalty == 0.001
    assert read_train_in(write(text)).parameters["batchsize"] == 128
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method=adamw", "method=adamax", "x.in:22: unknown training method 'adamax'; known are"),
        ("method=adamw", "method=", "x.in:22: unknown training method 'method='"),
        ("lr=0.0001", "lr=0", "x.in:22: adamw: lr is 0; it must be larger than 0"),
        ("lr=0.0001", "mu=0", "x.in:22: adamw: mu is 0; it must be larger than 0"),
        ("lr=0.0001", "lr=1 mu=1", "x.in:22: adamw: lr and mu are the same; give one"),
        ("lr=0.0001", "lr=fast", "x.in:22: adamw: lr: 'fast' is not a number"),
        ("lr=0.0001", "weight_decay=-1", "x.in:22: adamw: weight_decay is -1; it must be finite"),
        ("lr=0.0001", "weight_decay=1", "x.in:24: REGULARIZATION is weight_decay of adamw, wh"),
        ("lr=0.0001", "batchsize=9", "x.in:5: BATCHSIZE 128, but METHOD has batchsize=9; remove"),
        ("method=adamw   lr=0.0001", "ekf", "x.in:24: REGULARIZATION has no place in METHOD ekf"),
        (
            "method=adamw   lr=0.0001",
            "adam samplesize=100",
            "x.in:5: BATCHSIZE 128 is larger than samplesize=100; write 'samplesize=128' or more",
        ),
        ("TION 0.001", "TION -1", "x.in:24: REGULARIZATION -1 is not between 0 and 1e6"),
        ("BATCHSIZE   128", "BATCHSIZE 0", "x.in:5: BATCHSIZE 0 is no number, 1 or greater"),
        ("BATCHSIZE   128", "PATIENCE 0", "x.in:5: PATIENCE 0 is no number, 1 or greater"),
        ("BATCHSIZE   128", "PATIENCE 2.5", "x.in:5: PATIENCE needs an integer, not '2.5'"),
        ("NPSEED 1", "NPSEED -1", "x.in:7: NPSEED -1 is negative"),
        ("MODE train", "MODE transfer", "x.in:13: unknown MODE 'transfer'; known are train"),
        ("MODE gpu", "MODE tpu", "x.in:14: unknown MEMORY_MODE 'tpu'; known are cpu, gpu, disk"),
        ("MAXFORCES 12.5", "MAXFORCES 0", "x.in:15: MAXFORCES 0 is not between 1e-6 and 1e9"),
        ("MAXFORCES 12.5", "FORCESPERCENT 101", "x.in:15: FORCESPERCENT 101 is not between 0 and"),
        ("alpha=0.2", "alpha=1.5", "x.in:11: FORCES: alpha 1.5 is not between 0 and 1"),
        ("alpha=0.2", "alpha=-0.1", "x.in:11: FORCES: alpha -0.1 is not between 0 and 1"),
        ("alpha=0.2", "alpha=nan", "x.in:11: FORCES: alpha: 'nan' is not a number"),
        ("alpha=0.2", "alpha=", "x.in:11: FORCES: alpha needs 1 value, not 0"),
        ("alpha=0.2", "energy=0", "x.in:11: FORCES: energy 0 is not between 1e-6 and 1e6"),
        ("alpha=0.2", "energy=1e-300", "x.in:11: FORCES: energy 1e-300 is not between 1e-6 and"),
        ("alpha=0.2", "force=1e9", "x.in:11: FORCES: force 1e.09 is not between 1e-6 and 1e6"),
        ("VERBOSE", "STRESS 1e-300", "x.in:19: STRESS 1e-300 is not between 1e-6 and 1e6"),
        ("alpha=0.2", "force=-1", "x.in:11: FORCES: force -1 is not between 1e-6 and 1e6"),
        ("FORCES\nalpha", "FORCES alpha=0.1\nalpha", "x.in:11: FORCES: alpha is given twice"),
        ("FORCES\n", "FORCES maybe\n", "x.in:10: FORCES needs no value, or .true. or .false., not"),
        ("VERBOSE", "STRESS 0", "x.in:19: STRESS 0 is not between 1e-6 and 1e6"),
        ("VERBOSE", "STRESS .false.", "x.in:19: STRESS: '.false.' is not a number"),
        ("VERBOSE", "STRESS 1 GPa", "x.in:19: STRESS: 'GPa' has no meaning"),
        ("FORCES\nalpha=0.2", "STRESS\n", "x.in:10: STRESS needs FORCES, which says how much it"),
        ("VERBOSE", "CACHE", "x.in:19: CACHE has no value; write 'CACHE 2000' for 2000 MB"),
        ("VERBOSE", "CACHE -1", "x.in:19: CACHE -1 is not between 0 and 1e9"),
        ("VERBOSE", "CACHE 10 double", "x.in:19: CACHE takes a number and 'single', not 'double'"),
        ("VERBOSE", "CACHE 10 single 3", "x.in:19: CACHE: '3' has no meaning"),
    ],
)
def test_train_in_of_aenet_pytorch_errors(write, old, new, message):
    assert old in PYTORCH
    with pytest.raises(InputError, match=message):
        read_train_in(write(PYTORCH.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("lines", "forces"),
    [
        ("FORCES", ForceSettings(0.1, 5.0, 0.1)),
        ("FORCES ! all of them", ForceSettings(0.1, 5.0, 0.1)),
        ("FORCES .true.", ForceSettings(0.1, 5.0, 0.1)),
        ("FORCES .false.", None),
        ("FORCES alpha=0.5 ! half", ForceSettings(0.5, 5.0, 0.1)),
        ("forces\nenergy = 2 , force=5d-2 alpha=1", ForceSettings(1.0, 2.0, 0.05)),
        ("FORCES energy=3\nalpha=0", ForceSettings(0.0, 3.0, 0.1)),
    ],
)
def test_forms_of_forces(write, caplog, lines, forces):
    found = read_train_in(write(PYTORCH.replace("FORCES\nalpha=0.2", lines)))
    assert found.forces == forces
    assert caplog.text == ""


def test_a_comment_names_no_method(write):
    line = "adam mu=0.1 ! was method=adamw"
    found = read_train_in(write(PYTORCH.replace("method=adamw   lr=0.0001", line)))
    assert found.method == MethodLine("adam", {"mu": 0.1}, 22)


def test_forces_take_no_further_line(write, caplog):
    found = read_train_in(write(PYTORCH.replace("=0.2", "=0.2\nSAVE_FORCE\nenergy=3")))
    assert found.forces == ForceSettings(0.2)
    assert "x.in:12: unknown keyword 'SAVE_FORCE' ignored; did you mean SAVE_FORCES?" in caplog.text
    assert "x.in:13: unknown keyword 'energy=3' ignored" in caplog.text


@pytest.mark.parametrize(
    ("lines", "stress", "cache"),
    [
        ("STRESS\nCACHE 2d3", 1.0, CacheSettings(2000.0)),
        ("STRESS 0.5 ! GPa\nCACHE 0 Single ! MB", 0.5, CacheSettings(0.0, single=True)),
        ("", None, None),
    ],
)
def test_stress_and_cache(write, caplog, lines, stress, cache):
    found = read_train_in(write(PYTORCH.replace("VERBOSE", lines)))
    assert (found.stress, found.cache) == (stress, cache)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("lines", "split_seed", "weights_seed"),
    [
        ("SEED 5", 5, None),
        ("SEED 5\nNPSEED 1\nPHSEED 2", 5, None),
        ("NPSEED 1", 1, None),
        ("PHSEED 2", None, 2),
        ("", None, None),
    ],
)
def test_seed_goes_before_those_of_aenet_pytorch(write, lines, split_seed, weights_seed):
    found = read_train_in(write(PYTORCH.replace("NPSEED 1\nPHSEED 2", lines)))
    assert (found.split_seed, found.weights_seed) == (split_seed, weights_seed)


def test_predict_in(write, caplog):
    found = read_predict_in(write(PREDICT))
    assert found.species == ("Ti", "O")
    assert found.networks == {"Ti": Entry("a/Ti.nn", 7), "O": Entry("O.nn", 6)}
    assert list(found.networks) == ["Ti", "O"]
    assert found.relax == RelaxOptions("bfgs", 0.01, 0.001, 30, (0.2, 0.2, 0.2))
    assert found.relax.line == 9
    assert found.forces
    assert found.print_atomic_energies
    assert found.verbosity == "low"
    assert found.files == (Entry("a.xsf", 14),)
    assert caplog.text == ""


def test_predict_in_without_files(write):
    text = PREDICT.split("files")[0]
    with pytest.raises(InputError, match=r"keyword FILES is missing.*command line"):
        read_predict_in(write(text))
    assert read_predict_in(write(text), ["b.xsf"]).files == (Entry("b.xsf", 0),)


@pytest.mark.parametrize(
    ("word", "verbosity"),
    [("0", "low"), ("1", "normal"), ("2", "high"), ("LOW", "low"), ("high ! more", "high")],
)
def test_verbosity_is_a_word_or_its_number(write, caplog, word, verbosity):
    found = read_predict_in(write(PREDICT.replace("VERBOSITY low", f"VERBOSITY {word}")))
    assert found.verbosity == verbosity
    assert caplog.text == ""


@pytest.mark.parametrize("word", ["loud", "3", "-1", "1.0", ".true."])
def test_any_other_verbosity_acts_as_normal_with_a_note(write, caplog, word):
    found = read_predict_in(write(PREDICT.replace("VERBOSITY low", f"VERBOSITY {word}")))
    assert found.verbosity == "normal"
    assert len(caplog.messages) == 1
    assert f"x.in:11: unknown VERBOSITY '{word}' acts as normal" in caplog.text
    # It has no effect in the other two.
    assert read_generate_in(write(f"VERBOSITY {word}\n{GENERATE}")).verbosity == word
    assert read_train_in(write(f"VERBOSITY {word}\n{TRAIN}")).verbosity == word
    assert len(caplog.messages) == 1


def test_relax_without_options(write):
    text = PREDICT.replace("method=bfgs F_conv=1d-2 steps=30 dmax=3*0.2\n", "")
    found = read_predict_in(write(text))
    assert found.relax == RelaxOptions()
    assert found.print_atomic_energies


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("types", "typ", "keyword TYPES is missing"),
        ("networks", "net", "keyword NETWORKS is missing"),
        ("O O.nn", "N N.nn", "x.in:6: NETWORKS names N, which is not in TYPES"),
        ("O O.nn\n", "", "x.in:5: NETWORKS has no line for O"),
        ("method=bfgs", "method=fire", "x.in:9: RELAX: unknown method 'fire'; known are bfgs"),
        ("steps=30", "steps=3.5", "x.in:9: RELAX: steps: '3.5' is not an integer"),
        ("steps=30", "steps=-1", "x.in:9: RELAX: steps -1 is negative"),
        ("3*0.2", "3*0.2 cell=maybe", "x.in:9: RELAX: unknown cell 'maybe'; known are yes, no"),
        ("3*0.2", "0.2 0 0.2", "x.in:9: RELAX: dmax 0 is no positive number; it is in Å"),
        ("3*0.2", "0.2 0.2", "x.in:9: RELAX: dmax needs 3 values, not 2"),
        ("files\n1", "files\n2", "x.in:13: FILES announces 2 structures but lists 1"),
    ],
)
def test_predict_in_errors(write, old, new, message):
    with pytest.raises(InputError, match=message):
        read_predict_in(write(PREDICT.replace(old, new, 1)))


NAMES = st.text("abcXYZ019._-/ '\"", min_size=1).map(lambda s: f"n{s.strip()}")
REALS = st.floats(-1e6, 1e6)


def _values_of(parameter: MethodParameter) -> st.SearchStrategy:
    """Return what a parameter of a method may be."""
    if parameter.is_whole:
        return st.integers(1, 99)
    if parameter.limit is FINITE:
        return REALS
    return st.floats(0.01, 0.99) if parameter.allows(0.5) else st.floats(1.01, 99)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["Ti", "O", "Au", "H"]), min_size=1, unique=True),
    st.data(),
)
def test_generate_in_round_trip(tmp_path_factory, species, data):
    content = GenerateInput(
        path=str(tmp_path_factory.mktemp("g") / "generate.in"),
        species=tuple(species),
        atomic_energies_t=tuple(data.draw(REALS) for _ in species),
        setups={symbol: Entry(data.draw(NAMES), 0) for symbol in species},
        files=tuple(Entry(name, 0) for name in data.draw(st.lists(NAMES, min_size=1))),
        output=data.draw(NAMES),
        forces=data.draw(st.booleans()),
        forces_percent=data.draw(st.floats(0, 100)),
        timing=data.draw(st.booleans()),
        debug=data.draw(st.booleans()),
        verbosity=data.draw(st.sampled_from(["low", "normal"])),
    )
    Path(content.path).write_text(format_generate_in(content))
    found = read_generate_in(content.path)
    assert _without_lines(found) == _without_lines(content)


FORCES = st.builds(ForceSettings, st.floats(0, 1), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["Ti", "O", "Au"]), min_size=1, unique=True), st.data())
def test_train_in_round_trip(tmp_path_factory, species, data):
    name = data.draw(st.sampled_from(list(METHODS)))
    known = METHODS[name].parameters
    keys = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    parameters = {key: data.draw(_values_of(known[key])) for key in keys}
    activations = st.sampled_from(sorted(ACTIVATIONS))
    layers = st.lists(st.tuples(st.integers(1, 99), activations), max_size=3)
    networks = []
    for symbol in species:
        chosen = data.draw(layers)
        file = f"{symbol}{data.draw(NAMES)}"
        networks.append(
            NetworkLine(symbol, file, tuple(n for n, _ in chosen), tuple(a for _, a in chosen))
        )
    content = TrainInput(
        path=str(tmp_path_factory.mktemp("t") / "train.in"),
        training_set=data.draw(NAMES),
        networks=tuple(networks),
        test_percent=data.draw(st.floats(0, 99)),
        iterations=data.draw(st.integers(-5, 1000)),
        iterwrite=data.draw(st.integers(0, 1000)),
        max_energy=data.draw(st.none() | REALS),
        method=MethodLine(name, parameters),
        forces=None if METHODS[name].energies_only else data.draw(st.none() | FORCES),
        forces_percent=data.draw(st.floats(0, 100)),
        max_forces=data.draw(st.none() | st.floats(1e-6, 1e9)),
        cache=data.draw(st.none() | st.builds(CacheSettings, st.floats(0, 1e9), st.booleans())),
        patience=data.draw(st.none() | st.integers(1, 1000)),
        save_forces=data.draw(st.booleans()),
        npseed=data.draw(st.none() | st.integers(0, 99)),
        phseed=data.draw(st.none() | st.integers(0, 99)),
        mode=data.draw(st.none() | st.just("train")),
        memory_mode=data.draw(st.none() | st.sampled_from(["cpu", "gpu", "disk"])),
        verbose=data.draw(st.booleans()),
        sampling=data.draw(st.none() | st.sampled_from(SAMPLINGS)),
        save_energies=data.draw(st.booleans()),
        seed=data.draw(st.none() | st.integers(0, 99)),
    )
    if content.forces is not None:
        content = replace(content, stress=data.draw(st.none() | st.floats(1e-6, 1e6)))
    if name in ("bfgs", "lm", "online_sd"):
        content = replace(content, regularization=data.draw(st.floats(0, 1e6)))
    if name == "lm" and "batchsize" not in parameters:
        content = replace(content, batchsize=data.draw(st.none() | st.integers(1, 1000)))
    Path(content.path).write_text(format_train_in(content))
    found = read_train_in(content.path)
    assert format_train_in(found) == format_train_in(content)
    assert replace(found, method=content.method, networks=content.networks) == content
    assert found.iterwrite == content.iterwrite
    assert found.method.given == parameters
    assert [n.nodes for n in found.networks] == [n.nodes for n in networks]


@settings(deadline=None)
@given(st.data())
def test_predict_in_round_trip(tmp_path_factory, data):
    species = data.draw(st.lists(st.sampled_from(["Ti", "O", "Au"]), min_size=1, unique=True))
    relax = RelaxOptions(
        force_tolerance=data.draw(st.floats(0, 1)),
        steps=data.draw(st.integers(0, 99)),
        dmax_c=(0.1, 0.2, data.draw(st.floats(0.1, 2))),
        cell=data.draw(st.booleans()),
    )
    content = PredictInput(
        path=str(tmp_path_factory.mktemp("p") / "predict.in"),
        species=tuple(species),
        networks={symbol: Entry(data.draw(NAMES), 0) for symbol in species},
        files=tuple(Entry(name, 0) for name in data.draw(st.lists(NAMES, min_size=1))),
        forces=True,
        relax=data.draw(st.none() | st.just(relax)),
        verbosity=data.draw(st.sampled_from(["low", "normal", "high"])),
    )
    Path(content.path).write_text(format_predict_in(content))
    found = read_predict_in(content.path)
    assert _without_lines(found) == _without_lines(content)


def _without_lines(content: GenerateInput | PredictInput) -> dict[str, object]:
    fields = {key: value for key, value in vars(content).items() if key != "lines"}
    for key in ("setups", "networks"):
        if key in fields:
            fields[key] = {symbol: entry.text for symbol, entry in fields[key].items()}
    fields["files"] = [entry.text for entry in content.files]
    return fields


READERS = {"generate": read_generate_in, "train": read_train_in, "predict": read_predict_in}


def test_golden_inputs_are_read_without_a_note(golden: Path, caplog):
    found = 0
    for program, read in READERS.items():
        for path in sorted(golden.rglob(f"{program}*.in")):
            if path.name == "predict-cmdline.in":
                read_predict_in(path, ["xsf/structure0381.xsf"])
            else:
                read(path)
            found += 1
    assert found >= 30
    assert caplog.text == ""


REFUSED = {
    "g03": "generate.in: keyword TYPES is missing",
    "g04": "generate.in: keyword SETUPS is missing",
    "g05": "generate.in: keyword FILES is missing",
    "g08": "structure file 'xsf/nothere.xsf' not found",
    "g09": "generate.in:13: FILES announces 4 structures but lists 2",
    "g13": "none.stp: file not found",
    "g15": "O.stp:13: unknown basis type 'Legendre'",
    "g24": "xsf/zero.xsf: the structure has no atoms",
    "g25": "xsf/nonnum.xsf:10: 'abc' is not a number",
    "g26": "xsf/wrongn.xsf:9: PRIMCOORD announces 9 atoms but 6 follow",
    "g27": "xsf/fewn.xsf:9: PRIMCOORD announces 4 atoms but 6 follow",
    "g30": "xsf/nan.xsf:10: 'nan' must be finite",
    "g31": "xsf/empty.xsf: no atoms",
    "t02": "train.in: keyword TRAININGSET is missing",
    "t07": "train.in:7: unknown training method 'rprop'",
    "t10": "train.in: keyword NETWORKS is missing",
    "t11": "train.in:12: unknown activation 'relu'",
    "t15": "train.in:2: TESTPERCENT 100 is no number, 0 or greater, below 100",
    "t17": "train.in:5: unknown SAMPLING 'foo'",
    "t19": "train.in:12: '15tanh' is not a layer",
    "p05": "predict.in:7: NETWORKS names N, which is not in TYPES",
    "p07": "predict.in: keyword FILES is missing",
    "p08": "structure file 'xsf/nothere.xsf' not found",
    "p12": "xsf/zero.xsf: the structure has no atoms",
    "p13": "predict.in: keyword TYPES is missing",
    "p14": "predict.in: keyword NETWORKS is missing",
    "p15": "predict.in: keyword FILES is missing",
    "p16": "predict.in:7: NETWORKS has no line for N",
}
"""Cases of golden/10-errors whose fault a reader of text can see. Of the others, g01, t01, p01
have no input file, g28 (atomic numbers) is legal, the rest is found by the workflows; p15 names
its structures on the command line and is refused without."""


def _refusal(folder: Path) -> str | None:
    """Return the error of a folder's inputs, setups and structures; None if there is none."""
    try:
        for program, read in READERS.items():
            path = folder / f"{program}.in"
            content = read(path.name) if path.exists() else None
            for setup in getattr(content, "setups", {}).values():
                read_stp(setup.text)
            for entry in getattr(content, "files", ()):
                list(iter_structures(entry.text))
    except (InputError, DataError) as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def malformed(golden: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("malformed")
    with tarfile.open(golden / "10-errors" / "inputs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "inputs"


def test_malformed_inputs_are_refused_or_accepted(malformed: Path, monkeypatch):
    refusals = {}
    for folder in sorted(malformed.iterdir()):
        monkeypatch.chdir(folder)
        refusals[folder.name] = _refusal(folder)
    assert len(refusals) > 60
    assert {case for case, text in refusals.items() if text is not None} == set(REFUSED)
    for case, text in REFUSED.items():
        assert text in str(refusals[case])


@settings(deadline=None, max_examples=200)
@given(st.data(), st.integers(0, 12), st.text("0 1.-=:#\nTiFILES*,'", max_size=6))
def test_damaged_inputs_are_read_or_refused_in_one_line(tmp_path_factory, data, length, text):
    texts = {"generate": GENERATE, "train": TRAIN, "predict": PREDICT}
    program = data.draw(st.sampled_from(sorted(texts)))
    whole = texts[program]
    start = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("damaged") / "x.in"
    path.write_text(whole[:start] + text + whole[start + length :])
    message = "x.in: no error"
    try:
        READERS[program](path)
    except InputError as error:
        message = str(error)
    assert "x.in" in message
