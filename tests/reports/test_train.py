"""train.out: the blocks by hand, the whole by the original's outputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aenetpy.formats.network import read_network
from aenetpy.reports import train as report
from aenetpy.reports.blocks import TrainingSetInfo, training_set_info

from .golden_text import NOW, VERSION, comparable, value

METHODS = {
    "start": ("bfgs", {}),
    "bfgs": ("bfgs", {}),
    "bfgs-maxenergy": ("bfgs", {}),
    "bfgs-second-half": ("bfgs", {}),
    "act-linear": ("bfgs", {}),
    "act-tanh": ("bfgs", {}),
    "act-sigmoid": ("bfgs", {}),
    "act-mtanh": ("bfgs", {}),
    "act-twist": ("bfgs", {}),
    "online_sd": ("online_sd", {"gamma": 1.0e-2, "alpha": 0.05}),
    "adam": (
        "adam",
        {"mu": 0.001, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "samplesize": 16, "batchsize": 4},
    ),
    "ekf": (
        "ekf",
        {"lambda": 0.999, "lambda0": 0.97, "state": 10.0, "pnoise": 0.0, "adaptive": 0.6},
    ),
    "lm": ("lm", {"batchsize": 100, "learnrate": 0.1, "iter": 3, "conv": 0.001, "adjust": 5.0}),
    "lm-batches": (
        "lm",
        {"batchsize": 4, "learnrate": 0.5, "iter": 2, "conv": 0.001, "adjust": 5.0},
    ),
}


def test_epoch_row():
    row = report.epoch_row(20, 2.3546e-3, 3.725258e-3, 0.1551809, float("nan"))
    assert row == "    20    2.354600E-03    3.725258E-03    1.551809E-01             NaN <\n"
    assert re.match("^ *[0-9].*<$", row)
    assert len(row.split()) == 6


def test_test_set_is_listed_in_rows_of_eight():
    text = report.training_details("bfgs", {}, 8, 90, [8, 13, 21, 38, 44, 62, 68, 73, 80, 86])
    assert text.endswith(
        " Testing set : \n"
        "\n"
        "       8       13       21       38       44       62       68       73 \n"
        "      80       86 \n"
        "\n"
    )


def test_parameters_are_told_as_fortran_prints_them():
    text = report.training_details("ekf", METHODS["ekf"][1], 8, 90, [])
    assert "\n   Forgetting factor     :   0.99900000000000000     \n" in text
    assert "\n   Measuring noise       :    10.000000000000000     \n" in text
    assert "\n   Process noise         :    0.0000000000000000     \n" in text
    text = report.training_details("lm", METHODS["lm"][1], 8, 90, [])
    assert "\n   Batch size            :          100\n" in text
    assert "\n   Target error          :    1.0000000000000000E-003\n" in text


def test_removed_structures_are_told_only_if_there_are_any():
    assert "high-energy" not in report.normalization("a.scaled", 1.0, 0.0)
    assert (
        "\n\n 5 high-energy structures will be removed from the scaled training set.\n\n"
        in report.normalization("a.scaled", 1.0, 0.0, n_removed=5)
    )


def test_restart_messages():
    attempt = " Attempting restart of optimization algorithm from file: train.restart\n"
    assert report.method_restarted("bfgs") == attempt + " Restarting L-BFGS.\n\n"
    assert report.method_restarted("ekf") == attempt + " Restarting Extended Kalman Filter.\n\n"
    assert report.method_changed().endswith(
        "\n Optimization method has changed.  Not restarting.\n\n"
    )
    assert report.restart_incompatible().endswith(
        "\n Incompatible restart file.  Not restarting L-BFGS.\n\n"
    )


def test_end_of_training_messages():
    assert report.stop_detected() == " File `STOP' detected.  Training halted.\n"
    assert report.converged() == " The optimization has converged. Training stopped.\n"
    assert report.training_finished() == "\n Training finished.\n\n"


def test_sizes_of_adam_follow_the_training_set():
    parameters = METHODS["adam"][1] | {"samplesize": 500, "batchsize": 16}
    text = report.process_opening("adam", parameters, 3, "sequential", n_training=90)
    assert " Sample size                 : 500 (90)\n" in text
    assert " Mini-batch size             : 16 (16)\n" in text


def test_final_energies_without_test_set():
    text = report.final_energies(0.1386, 0.1875, 0.0, float("nan"))
    assert " Final MAE of training set  =    138.6 meV/atom\n" in text
    assert " Final MAE of testing set   =      0.0 meV/atom\n" in text
    assert " Final RMSE of training set =    187.5 meV/atom\n" in text
    assert " Final RMSE of testing set  =      NaN meV/atom\n" in text


def networks_of(expected: str, folder: Path) -> str:
    """Render networks as created or restarted."""
    text = report.networks_opening()
    for species in value(expected, "Species").split():
        file = value(expected, f"Saving the {species} network to file")
        network = read_network(folder / file)
        if f"Creating a new {species} network" in expected:
            text += report.network_created(species, network.nodes_l, network.activations)
        else:
            text += report.network_restarted(species, file, network.nodes_l, network.activations)
    return text


def indices_of_test_set(expected: str) -> list[int]:
    table = expected[expected.index(" Testing set") :].split("\n\n")[1]
    return [int(word) for word in table.split()]


def rebuilt(expected: str, folder: Path, method: str, parameters: dict[str, float]) -> str:
    """Render an output again from its numbers and from the networks."""
    files = dict(re.findall(r"^ Saving the (\w+) network to file : (.*)$", expected, re.MULTILINE))
    network = read_network(folder / next(iter(files.values())))
    test_s = indices_of_test_set(expected)
    n_epochs = int(value(expected, "Number of iterations"))
    n_training = int(value(expected, "Training structures"))
    if "Loading scaled" in expected:
        # We always normalise anew, so this line is the other program's alone.
        preparation = " Loading scaled training set file: TiO2.train.scaled\n\n"
    else:
        removed = re.search(r"^ (\d+) high-energy", expected, re.MULTILINE)
        n_removed = int(removed.group(1)) if removed else 0
        preparation = report.normalization(
            "TiO2.train.scaled", network.scale, network.shift, n_removed
        )
    rows = re.findall(r"^ *(\d+) +(\S+) +(\S+) +(\S+) +(\S+) <$", expected, re.MULTILINE)
    final = [float(value(expected, f"Final {what} set").split()[0]) / 1000.0 for what in FINALS]
    return (
        report.opening(NOW, VERSION)
        + preparation
        + networks_of(expected, folder)
        + report.networks_stored(files)
        + training_set_info(TrainingSetInfo.of(network, "TiO2.train.scaled"))
        + report.training_details(
            method,
            parameters,
            n_epochs,
            n_training,
            test_s,
            restarted="restarted from previous run" in expected,
        )
        + (report.method_restarted(method) if "Attempting restart" in expected else "")
        + report.process_opening(method, parameters, n_epochs, "sequential", n_training)
        + "".join(report.epoch_row(int(row[0]), *map(float, row[1:])) for row in rows)
        + report.training_finished()
        + report.final_energies(*final)
        + report.networks_stored(files)
        + report.closing(NOW)
    )


FINALS = ("MAE of training", "RMSE of training", "MAE of testing", "RMSE of testing")


@pytest.mark.parametrize("case", METHODS)
def test_golden_output(golden: Path, case):
    root = golden / "05-train" / case
    expected = (root / "expected" / "train.out").read_text()
    # The case "start" stores its networks one folder up.
    folder = root if case == "start" else root / "expected"
    text = rebuilt(expected, folder, *METHODS[case])
    assert comparable(text) == comparable(expected)


@pytest.mark.parametrize("name", ["train-1.out", "train-2.out"])
def test_golden_output_of_700_structures(golden: Path, name):
    folder = golden / "05b-train-700" / "expected"
    expected = (folder / name).read_text()
    assert comparable(rebuilt(expected, folder, "bfgs", {})) == comparable(expected)
