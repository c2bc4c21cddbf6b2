"""The text output of train (spec 10.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from aenetpy.data.training_methods import METHODS, MethodEntry, used_sizes
from aenetpy.formats.columns import fixed, integer, scientific
from aenetpy.formats.list_directed import list_directed
from aenetpy.reports.blocks import (
    copyright_notice,
    ending,
    network_report,
    section,
    time_stamp,
    title,
)

TEST_SET_COLUMNS = 8


def opening(now: datetime, version: str) -> str:
    """Return banner, time stamp and copyright."""
    return (
        title("Training process started.", rule="=") + time_stamp(now) + copyright_notice(version)
    )


def normalization(file: str | Path, scale: float, shift: float, n_removed: int = 0) -> str:
    """Return the section on a new scaled training set."""
    removed = (
        f" {n_removed} high-energy structures will be removed from the scaled training set.\n\n"
        if n_removed > 0
        else ""
    )
    return (
        section("Training set normalization")
        + " The training set will be normalized now.  Depending on its size this\n"
        + " process can take a while.  The normalized data set will be written to\n"
        + " another file. Load that file in future to avoid this step.\n"
        + "\n"
        + f" Name of the new training set file: {file}\n"
        + "\n"
        + " The network output energy will be normalized to the interval [-1,1].\n"
        + f"   Energy scaling factor: f = {scale:.6f}\n"
        + f"   Atomic energy shift  : s = {shift:.6f}\n"
        + "\n"
        + removed
        + " Training set normalization done.\n"
        + "\n"
    )


def networks_opening() -> str:
    """Return the title of the networks."""
    return section("Networks")


def network_created(species: str, nodes_l: tuple[int, ...], activations: Sequence[str]) -> str:
    """Return the report of a network with new weights."""
    return f" Creating a new {species} network\n\n" + network_report(nodes_l, activations)


def network_restarted(
    species: str, file: str | Path, nodes_l: tuple[int, ...], activations: Sequence[str]
) -> str:
    """Return the report of a network that is read from a file."""
    return f" Restarting the {species} network from file : {file}\n\n" + network_report(
        nodes_l, activations
    )


def networks_stored(files: Mapping[str, str | Path]) -> str:
    """Return the section on saved networks: file by species, in TYPES order."""
    return (
        section("Storing networks")
        + "".join(
            f" Saving the {species} network to file : {file}\n" for species, file in files.items()
        )
        + "\n"
    )


def training_details(
    method: str,
    parameters: Mapping[str, float],
    n_epochs: int,
    n_training: int,
    test_s: Sequence[int],
    restarted: bool = False,
) -> str:
    """Return the section on method and split."""
    parameter_lines = "".join(
        f"   {parameter.label:<22}: {list_directed(parameters[key])}\n"
        for key, parameter in METHODS[method].parameters.items()
        if parameter.label and parameter.form == "listed"
    )
    return (
        section("Training details")
        + f" Training method         : {METHODS[method].title}\n"
        + parameter_lines
        + "\n"
        + f" Number of iterations    : {n_epochs}\n"
        + "\n"
        + f" Training structures     : {n_training}\n"
        + f" Testing  structures     : {len(test_s)}\n"
        + "\n"
        + f" Testing set{' (restarted from previous run)' if restarted else ' '}: \n"
        + "\n"
        + _test_set_table(test_s)
        + "\n"
    )


def _test_set_table(test_s: Sequence[int]) -> str:
    """Return the indices, 8 per line, each I8 and a blank."""
    starts = range(0, len(test_s), TEST_SET_COLUMNS)
    rows = (test_s[start : start + TEST_SET_COLUMNS] for start in starts)
    return "".join("".join(f"{integer(index, 8)} " for index in row) + "\n" for row in rows)


_RESTART_ATTEMPT = " Attempting restart of optimization algorithm from file: train.restart\n"


def method_restarted(method: str) -> str:
    """Return the message on a ``train.restart`` that fits."""
    return f"{_RESTART_ATTEMPT} Restarting {METHODS[method].restart_title}.\n\n"


def method_changed() -> str:
    """Return the message on a ``train.restart`` of another method."""
    return f"{_RESTART_ATTEMPT} Optimization method has changed.  Not restarting.\n\n"


def restart_incompatible() -> str:
    """Return the message on a ``train.restart`` of other dimensions."""
    return f"{_RESTART_ATTEMPT} Incompatible restart file.  Not restarting L-BFGS.\n\n"


def process_opening(
    method: str,
    parameters: Mapping[str, float],
    n_epochs: int,
    sampling: str,
    n_training: int,
    further: Sequence[str] = (),
) -> str:
    """Return title, parameters and heading of the table of epochs."""
    return (
        section("Training process")
        + f" Weight optimization for {n_epochs} epochs using the {METHODS[method].title} method.\n"
        + "\n"
        + f" Sampling type               : {sampling}\n"
        + _process_parameters(METHODS[method], parameters, n_training)
        + "\n"
        + "        |------------TRAIN-----------|  |------------TEST------------|"
        + "".join(f"  |{f'TRAIN {t}':-^28}|  |{f'TEST {t}':-^28}|" for t in further)
        + "\n"
        + " epoch"
        + 2 * (1 + len(further)) * "             MAE          <RMSE>"
        + "\n"
    )


def _process_parameters(
    entry: MethodEntry, parameters: Mapping[str, float], n_training: int
) -> str:
    """Lines above the table of epochs; sizes once as wanted and once as used."""
    has_sizes = any(parameter.form == "size" for parameter in entry.parameters.values())
    used = used_sizes(parameters, n_training) if has_sizes else {}
    return "".join(
        f" {parameter.label:<28}: {_in_form(parameters[key], parameter.form)}"
        + (f" ({used[key]})\n" if parameter.form == "size" else "\n")
        for key, parameter in entry.parameters.items()
        if parameter.form != "listed"
    )


def _in_form(value: float, form: str) -> str:
    """Return a number as E9.3, F6.4, in as many digits as it needs, or an integer."""
    if form == "scientific":
        return scientific(value, 9, 3)
    if form == "plain":
        return f"{value:g}"
    return fixed(value, 6, 4) if form == "fixed" else str(int(value))


def epoch_row(epoch: int, *errors: float) -> str:
    """Return the row of an epoch, row 0 before training: MAE and RMSE of training and testing.

    The energy in eV/atom comes first, other quantities follow.
    """
    columns = "".join(f"  {scientific(error, 14, 6)}" for error in errors)
    return f" {integer(epoch, 5)}{columns} <\n"


def stop_detected() -> str:
    """Return the line on a file named STOP."""
    return " File `STOP' detected.  Training halted.\n"


def converged() -> str:
    """Return the line on a converged optimisation."""
    return " The optimization has converged. Training stopped.\n"


def training_finished() -> str:
    """Return the end of the table of epochs."""
    return "\n Training finished.\n\n"


def final_energies(mae_train: float, rmse_train: float, mae_test: float, rmse_test: float) -> str:
    """Return the section of SAVE_ENERGIES; errors are given in eV/atom, printed in meV/atom."""
    return (
        section("Storing final energies")
        + " Energies of training structures : energies.train.PROCESS\n"
        + " Energies of testing structures  : energies.test.PROCESS\n"
        + " (Manually concatenate the files from different processes.)\n"
        + "\n"
        + f" Final MAE of training set  = {_milli(mae_train)} meV/atom\n"
        + f" Final MAE of testing set   = {_milli(mae_test)} meV/atom\n"
        + "\n"
        + f" Final RMSE of training set = {_milli(rmse_train)} meV/atom\n"
        + f" Final RMSE of testing set  = {_milli(rmse_test)} meV/atom\n"
        + "\n"
    )


def _milli(error: float) -> str:
    """Return an error in meV/atom as F8.1."""
    return fixed(1000.0 * error, 8, 1)


def closing(now: datetime) -> str:
    """Return the end of the output."""
    return ending("Neural Network training done.", now)
