"""Learning on the fly, from the files of a user to the labels and networks that he gets."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write

from aenetpy import Calculator, CommitteeCalculator, read_committee
from aenetpy.analysis.properties import measure
from aenetpy.cli.main import run
from aenetpy.errors import DataError, InputError, ReferenceFailed, Stopped
from aenetpy.inputs.learn import WalkInput, read_learn
from aenetpy.inputs.md_json import Ensemble
from aenetpy.learning import learn as module
from aenetpy.learning.dynamics import Dynamics, DynamicsState
from aenetpy.learning.fit import LearningSplit
from aenetpy.learning.learn import learn
from aenetpy.learning.state import read_state, write_state
from aenetpy.processes import Processes
from tests.learning.project import LEARN, TRAIN, make_project, outcome

RUN = Processes.run
ENSEMBLES = {
    "ramp": (Ensemble("nvt", 300.0), 900.0),
    "chain": (Ensemble("nvt", 300.0, "nose-hoover"), 300.0),
    "nve": (Ensemble("nve", 300.0), 300.0),
    "scaled": (Ensemble("npt", 300.0, pressure=1.0), 300.0),
    "free": (Ensemble("npt", 300.0, cell="free"), 300.0),
}


class Killed(BaseException):
    """Stands for kill -9."""


@pytest.fixture(autouse=True, scope="module")
def in_this_process() -> Iterator[None]:
    """Fit and label without starting processes: they have tests in test_reference."""

    def run(self: Processes, function: Callable, *arguments: object, timeout: float = 0.0):
        here = Path.cwd()
        try:
            return function(*arguments)
        finally:
            os.chdir(here)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Processes, "run", run)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """Return the folder of a project that has learned without interruption."""
    folder = make_project(tmp_path_factory.mktemp("undisturbed"))
    learn(read_learn(folder / "learn.yaml"), folder)
    return folder


@pytest.fixture(scope="module")
def one_label(tmp_path_factory) -> Path:
    """Return the folder of a project that has learned one label."""
    folder = make_project(tmp_path_factory.mktemp("one"), LEARN.replace("labels: 4", "labels: 1"))
    learn(read_learn(folder / "learn.yaml"), folder)
    return folder


def settings_of(folder: Path, /, **changes: str):
    """Return the settings of a project with some lines replaced."""
    text = (folder / "learn.yaml").read_text()
    if "explore" in changes:
        text = text[: text.index("explore:")]
    lines = [line for line in text.splitlines() if line.split(":")[0] not in changes]
    lines += [f"{key}: {value}" for key, value in changes.items()]
    (folder / "learn.yaml").write_text("\n".join(lines) + "\n")
    return read_learn(folder / "learn.yaml")


@pytest.mark.parametrize("name", ENSEMBLES)
def test_walk_goes_on_bit_by_bit(undisturbed, name):
    ensemble, last = ENSEMBLES[name]
    settings = WalkInput(
        "w", "x", steps=40, time_step=2.0, ensemble=ensemble, last_temperature=last
    )
    committee = read_committee(undisturbed / "learn" / "cycle-000")

    def new_dynamics() -> Dynamics:
        calculator = CommitteeCalculator(committee)
        return Dynamics(settings, bulk("Au", cubic=True) * (2, 1, 1), calculator, "max", 3, 1.0)

    dynamics = new_dynamics()
    dynamics.run_steps(5, math.inf)
    point = json.loads(json.dumps(dynamics.state().as_json()))
    expected = [frame for _ in range(3) for frame in dynamics.run_steps(5, math.inf)]
    other = new_dynamics()
    other.go_to(DynamicsState.from_json(point))
    found = [frame for _ in range(3) for frame in other.run_steps(5, math.inf)]
    assert [frame.step for frame in found] == list(range(6, 21))
    assert [frame.gamma for frame in found] == [frame.gamma for frame in expected]
    last_found, last_expected = found[-1].structure, expected[-1].structure
    assert np.array_equal(last_found.positions_nc, last_expected.positions_nc)
    assert np.array_equal(last_found.cell_cc, last_expected.cell_cc)
    assert not np.array_equal(last_found.positions_nc, expected[0].structure.positions_nc)


def test_labels_are_those_of_the_reference(undisturbed):
    labels = read(undisturbed / "learn" / "labels.xyz", ":")
    assert len(labels) == read_state(undisturbed / "learn" / "state.json").n_labels == 4
    for label in labels:
        copy = label.copy()
        copy.calc = EMT()
        assert copy.get_potential_energy() == pytest.approx(label.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(copy.get_forces(), label.get_forces(), atol=1e-6)


def test_a_walk_goes_back_to_where_it_was_trusted(undisturbed):
    results = undisturbed / "learn"
    for record in read_state(results / "state.json").cycles[:-1]:
        rows = (results / f"cycle-{record.number:03d}" / "gamma.csv").read_text().splitlines()
        rows = [row.split(",") for row in rows[1:]]
        for step, gamma in zip(record.steps, record.gammas, strict=True):
            assert [record.walk, str(step), f"{gamma:.6g}"] in rows
            assert step == 0 or record.lower < gamma <= record.upper


@pytest.mark.parametrize("moment", [2, 3, 5, 8, 10])
def test_killed_at_any_stage(undisturbed, tmp_path, monkeypatch, moment):
    """Before a state, after a fit, before frames, after labels, before the state of a cycle."""
    folder = make_project(tmp_path)
    settings = read_learn(folder / "learn.yaml")
    left = [moment]

    def fatal(function, before):
        def wrapped(*arguments, **keywords):
            left[0] -= 1
            if left[0] == 0 and before:
                raise Killed
            value = function(*arguments, **keywords)
            if left[0] == 0:
                raise Killed
            return value

        return wrapped

    with monkeypatch.context() as patched:
        for k, name in enumerate(("write_state", "write_xyz", "fit_committee", "label")):
            before = (moment + k) % 2 == 0
            patched.setattr(module, name, fatal(getattr(module, name), before))
        with pytest.raises(Killed):
            learn(settings, folder)
    learn(settings, folder)
    assert outcome(folder / "learn") == outcome(undisturbed / "learn")


def test_labels_are_divided_over_walks_and_time(tmp_path):
    """A committee that always disagrees: lower is next to nothing."""
    text = LEARN.replace("lower: 0.1", "lower: 1e-9").replace("labels: 4", "labels: 6")
    text = text.replace("upper: 5", "upper: 1e6").replace("check: 4", "check: 2")
    state = learn(read_learn(make_project(tmp_path, text) / "learn.yaml"), tmp_path)
    slab, bulk = state.labelled["slab"], state.labelled["bulk"]
    assert len(slab) == len(bulk) == 3
    assert max(slab) > 6
    assert max(bulk) > 4


def test_what_never_ran_is_said(tmp_path, monkeypatch, capsys):
    explore = "".join(f"  w{k}: {{start: slab.xyz, steps: 4}}\n" for k in range(3))
    text = LEARN[: LEARN.index("explore")].replace("labels: 4", "labels: 1")
    monkeypatch.chdir(make_project(tmp_path, f"{text}explore:\n{explore}"))
    assert run(["learn"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "never ran: w1, w2" in last
    assert "learn/cycle-001" in last
    assert run(["learn", "status"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("never ran: w1, w2")
    opening = Path("learn/report.md").read_text().split("## ")[0]
    assert "read_committee('learn/cycle-001')" in opening
    assert "- `w2` never ran" in opening


def test_begins_with_a_committee(undisturbed, tmp_path, capsys):
    folder = make_project(tmp_path)
    given = undisturbed / "learn" / "cycle-004"
    settings = settings_of(folder, committee=str(given))
    state = learn(settings, folder)
    assert state.cycles[0].n_training == 0
    own = folder / "learn" / "cycle-000" / "member-1" / "Au.nn"
    assert own.read_bytes() == (given / "member-1" / "Au.nn").read_bytes()
    assert state.n_labels > 0
    assert state.cycles[1].held_out is not None
    with pytest.raises(InputError, match="committee has 2 members, and members is 3"):
        learn(settings_of(folder, members="3"), folder)
    (folder / "Au.stp").write_text((folder / "Au.stp").read_text().replace("Rc=5.0", "Rc=5.5"))
    with pytest.raises(DataError, match="was made for another fingerprint of Au"):
        learn(settings_of(folder, members="2"), folder)


def test_one_trajectory_of_all_cycles(undisturbed):
    results = undisturbed / "learn"
    joined = read(results / "trajectory.xyz", ":")
    parts = [
        read(path, ":")
        for path in sorted(results.glob("cycle-*/trajectory.xyz"))
        if path.stat().st_size
    ]
    assert [a.info for a in joined] == [a.info for part in parts for a in part]
    assert {a.info["walk"] for a in joined} <= {"slab", "bulk"}
    assert all(a.info["step"] > 0 for a in joined)


def test_all_data(tmp_path):
    fcc = "{kind: bulk, symbol: Au, lattice: fcc, a: 4.08, value: {a: 4.06, V: 17, E: 0, B: 170}}"
    folder = make_project(tmp_path, LEARN.replace("labels: 4", "labels: 1"))
    assert learn(settings_of(folder, properties=f"{{fcc: {fcc}}}"), folder).full is None
    state = learn(settings_of(folder, all_data="yes"), folder)
    committee = read_committee(folder / "learn" / "all-data-1")
    found = [Calculator(one) for one in committee.potentials]
    lengths = [measure(settings_of(folder).properties, one).values["fcc: a (Å)"] for one in found]
    assert state.full["spread"]["fcc: a (Å)"] == pytest.approx(np.std(lengths), rel=1e-6)
    assert state.full["values"]["fcc: a (Å)"] == pytest.approx(np.mean(lengths), abs=0.05)
    assert f" ± {np.std(lengths):.2g} |" in (folder / "learn" / "report.md").read_text()
    assert (folder / "learn" / "properties.png").exists()


def test_more_labels_later(undisturbed, tmp_path):
    folder = make_project(tmp_path, LEARN.replace("labels: 4", "labels: 2"))
    assert learn(read_learn(folder / "learn.yaml"), folder).n_labels == 2
    assert learn(settings_of(folder, labels="4"), folder).n_labels == 4


def test_results_elsewhere(undisturbed, tmp_path):
    folder = make_project(tmp_path / "project")
    learn(settings_of(folder, folder=str(tmp_path / "results")), folder)
    assert outcome(tmp_path / "results").keys() == outcome(undisturbed / "learn").keys()
    assert (tmp_path / "results" / "labels.xyz").read_bytes() == (
        undisturbed / "learn" / "labels.xyz"
    ).read_bytes()


def test_neither_wall_time_nor_jobs_matter(undisturbed, tmp_path):
    folder = make_project(tmp_path)
    with pytest.raises(Stopped, match="wall_time"):
        learn(settings_of(folder, wall_time="0.001"), folder)
    learn(settings_of(folder, wall_time="1000"), folder, jobs=2)
    assert outcome(folder / "learn") == outcome(undisturbed / "learn")


def test_stop_file(tmp_path, monkeypatch):
    folder = make_project(tmp_path)
    settings = read_learn(folder / "learn.yaml")

    def stopping(*arguments):
        (folder / "learn" / "STOP").touch()
        return fit(*arguments)

    fit = module.fit_committee
    monkeypatch.setattr(module, "fit_committee", stopping)
    with pytest.raises(Stopped, match="learning halted"):
        learn(settings, folder)
    assert len(read_state(folder / "learn" / "state.json").cycles) == 1


def test_foreign_folder(tmp_path):
    folder = make_project(tmp_path)
    (folder / "learn").mkdir()
    (folder / "learn" / "notes.txt").touch()
    with pytest.raises(DataError, match=r"holds no state of learning, but notes\.txt"):
        learn(read_learn(folder / "learn.yaml"), folder)


@pytest.mark.parametrize("select", ["random", "uniform"])
def test_selection_without_committee(tmp_path, caplog, select):
    folder = make_project(tmp_path, f"select: {select}\n{LEARN}")
    state = learn(read_learn(folder / "learn.yaml"), folder)
    for key in ("lower", "upper"):
        assert f"{key} has no meaning with select {select}; ignored" in caplog.text
    assert state.n_labels == 4
    if select == "uniform":
        assert state.labelled == {"slab": [6, 12], "bulk": [4, 8]}
    else:
        assert [len(steps) for steps in state.labelled.values()] == [2, 2]


def test_selection_from_a_trajectory(tmp_path):
    explore = "explore:\n  run: {trajectory: 'run.xyz@:'}\n"
    folder = make_project(tmp_path, LEARN[: LEARN.index("explore")] + explore)
    frames = []
    for k in range(6):
        atoms = bulk("Au", cubic=True, a=4.1)
        atoms.rattle(0.02 * k, seed=k)
        frames.append(atoms)
    write(folder / "run.xyz", frames)
    state = learn(settings_of(folder, labels="1", lower="0.001"), folder)
    rows = (folder / "learn" / "cycle-000" / "gamma.csv").read_text().splitlines()[1:]
    gammas = [float(row.split(",")[2]) for row in rows]
    assert len(gammas) == 6
    assert state.labelled == {"run": [1 + int(np.argmax(gammas))]}


@pytest.mark.parametrize(
    ("toy", "words"),
    [("Losing", "forces"), ("NotConverging", "did not converge"), ("Crashing", "signal|status")],
)
def test_a_reference_that_fails(tmp_path, monkeypatch, toy, words):
    monkeypatch.setattr(Processes, "run", RUN)  # it may end its process
    folder = make_project(tmp_path)
    settings = settings_of(folder, reference=f"{{calculator: 'tests.learning.toys:{toy}'}}")
    with pytest.raises(ReferenceFailed, match=words):
        learn(settings, folder)
    state = read_state(folder / "learn" / "state.json")
    assert state.n_labels == 0
    assert len(state.failures) == 3
    assert not (folder / "learn" / "labels.xyz").exists()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("state.json", '"cycle": 1', '"cycle": "x"'),
        ("state.json", '"digest": ', '"digest": null, "x": '),
        ("state.json", '"failed": 0', '"failed": NaN'),
        ("cycle-001/fit.json", '"calibration": ', '"calibration": -'),
        ("cycle-001/fit.json", "{", "["),
        ("cycle-000/gamma.csv", "slab,0,", "slab,,"),
    ],
)
def test_damaged_files_of_its_own(one_label, tmp_path, monkeypatch, capsys, file, old, new):
    folder = shutil.copytree(one_label, tmp_path / "copy")
    monkeypatch.chdir(folder)
    if "fit" in file:  # as if it had been killed after it
        state = read_state("learn/state.json")
        state.stage = "train"
        write_state("learn/state.json", state)
    path = folder / "learn" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    capsys.readouterr()
    assert run(["learn"]) == 4
    told = capsys.readouterr().err
    assert told.startswith(f"aenetpy: error: learn/{file}:")
    assert told.count("\n") == 1


def test_held_out_structures_stay_held_out():
    own = [f"a-{k}.xsf" for k in range(10)]
    labels = [f"run/cycle-{k:03d}/labels.xyz@{j}" for k in range(30) for j in range(2)]
    tested: set[str] = set()
    for n in range(0, len(labels) + 1, 2):
        names = own + labels[:n]
        split = LearningSplit("run/cycle-", 20.0, 3, False)
        train_s, test_s = split(names)
        assert sorted([*train_s, *test_s]) == list(range(len(names)))
        now = {names[s] for s in test_s}
        assert tested <= now
        assert tested == now & {*own, *labels[: n - 2]} or n == 0
        for label in labels[:n:2]:  # a family is on one side
            assert (label in now) == (label[:-1] + "1" in now)
        tested = now
    assert 0.17 < len(tested) / 70 <= 0.2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lowr": "1"}, "unknown key 'lowr'; known are .*labels"),
        ({"lower": "-1"}, "lower is -1; it must be a positive number"),
        ({"upper": "0.05"}, "upper is 0.05; it must be above lower, 0.1"),
        ({"lower": "auto"}, "upper is a number, and lower is auto"),
        ({"members": "1"}, "members is 1; it must be at least 2"),
        ({"frames": "4"}, "frames is 4, and 4 steps of check have no room"),
        ({"measure": "maximum"}, "measure is 'maximum'; write max or norm"),
        (
            {"explore": "{a: {start: slab.xyz, pressure: 1}}"},
            ":7: explore.a: pressure has no meaning",
        ),
        (
            {"explore": "{a: {start: slab.xyz, ensemble: npt, thermostat: langevin}}"},
            "thermostat has no meaning in the ensemble npt",
        ),
        (
            {"explore": "{a: {start: slab.xyz, thermostat_time: 2, time_step: 2}}"},
            "thermostat_time is 2; it must be longer than time_step",
        ),
        (
            {"explore": "{a: {start: slab.xyz, time_step: 200}}"},
            "time_step is 200; it must be shorter than thermostat_time, which is 100 fs",
        ),
        (
            {"explore": "{a: {start: isolated.xyz, ensemble: npt}}"},
            "a: a structure that is not per",
        ),
        ({"explore": r'{"a\nb": {start: slab.xyz}}'}, r"key 'a\\nb' cannot be printed"),
        ({"generate": r'"a\ud800"'}, "generate holds half a character"),
        ({"explore": "{}"}, "explore is empty"),
        ({"explore": "{a: {steps: 3}}"}, "explore.a needs either start or trajectory"),
        ({"explore": "{a: {start: nothing.xyz}}"}, "nothing.xyz"),
        (
            {"explore": "{a: {start: slab.xyz, thermostat: nose-hoover, temperature: [1, 2]}}"},
            "is a ramp, which nvt with this thermostat cannot follow",
        ),
        ({"retrain": "{networks: 3}"}, "unknown key 'retrain.networks'"),
    ],
)
def test_bad_input(tmp_path, capsys, monkeypatch, change, words):
    folder = make_project(tmp_path)
    monkeypatch.chdir(folder)
    write(folder / "isolated.xyz", bulk("Au", cubic=True) * 2)
    (folder / "isolated.xyz").write_text(
        (folder / "isolated.xyz").read_text().replace('pbc="T T T"', 'pbc="F F F"')
    )
    with pytest.raises(Exception, match=words) as caught:
        learn(settings_of(folder, **change), folder)
    assert "\n" not in str(caught.value)


def test_changed_settings(one_label, tmp_path):
    folder = shutil.copytree(one_label, tmp_path / "copy")
    with pytest.raises(InputError, match="the settings have changed"):
        learn(settings_of(folder, seed="2"), folder)


def test_auto_needs_held_out_structures(tmp_path):
    folder = make_project(
        tmp_path,
        LEARN.replace("lower: 0.1\nupper: 5\n", ""),
        TRAIN.replace("TESTPERCENT 25", "TESTPERCENT 0"),
    )
    with pytest.raises(InputError, match="lower is auto, which needs forces"):
        learn(read_learn(folder / "learn.yaml"), folder)


def test_report(undisturbed):
    text = (undisturbed / "learn" / "report.md").read_text()
    state = read_state(undisturbed / "learn" / "state.json")
    rows = [line for line in text.splitlines() if line.startswith("| 3 |")]
    cells = [cell.strip() for cell in rows[0].split("|")[1:-1]]
    assert cells[1:3] == [state.cycles[3].walk, str(state.cycles[3].steps[-1])]
    assert float(cells[9]) == pytest.approx(state.cycles[3].held_out.energy_rmse, rel=1e-2)
    for name in ("gamma.png", "gamma-error.png", "parity-start.png", "parity-end.png"):
        assert f"({name})" in text
        assert (undisturbed / "learn" / name).stat().st_size > 5000
    assert (undisturbed / "learn" / "report.html").read_text().count("data:image/png") == 4


def test_held_out_errors_are_those_of_single_members(undisturbed):
    state = read_state(undisturbed / "learn" / "state.json")
    errors = []
    committee = read_committee(undisturbed / "learn" / "cycle-004")
    for name in state.test:
        atoms = next(iter(read(undisturbed / name.split("@")[0], ":")[int(name.split("@")[1]) :]))
        forces = np.mean([one.evaluate(atoms).forces_nc for one in committee.potentials], axis=0)
        errors.append(forces - atoms.get_forces())
    rmse = np.sqrt(np.mean(np.concatenate(errors) ** 2))
    assert state.cycles[4].held_out.force_rmse == pytest.approx(rmse, rel=1e-9)


def test_command(undisturbed, monkeypatch, capsys):
    monkeypatch.chdir(undisturbed)
    assert run(["learn", "learn.yaml"]) == 0  # nothing is left to do
    assert capsys.readouterr().out.startswith("done after 5 fits and 4 labels")
    assert run(["learn", "status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["cycle", "walk", "step", "gamma"]
    assert len(lines) == 2 + 5
    assert lines[-1] == "done: all labels are used"
