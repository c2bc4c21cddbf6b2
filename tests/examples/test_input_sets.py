"""The input files that ship: templates/, inputs/ and examples/."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

import numpy as np
import pytest

from aenetpy.data.setup import Setup
from aenetpy.inputs.generate_in import GENERATE_IN, read_generate_in
from aenetpy.inputs.predict_in import PREDICT_IN, read_predict_in
from aenetpy.inputs.stp import STP, read_stp
from aenetpy.inputs.train_in import TRAIN_IN, read_train_in
from aenetpy.structures.reading import iter_structures

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
SETS = [ROOT / "examples" / "tio2", *(path.parent for path in ROOT.glob("inputs/*/generate.in"))]

KEYWORDS = {
    "generate.in": set(GENERATE_IN.names) - {"DERIVATIVES"},  # TAYLOR as others write it
    "train.in": set(TRAIN_IN.names),
    "predict.in": set(PREDICT_IN.names),
    "chebyshev.stp": set(STP.names) - {"FUNCTIONS"},
    "behler2011.stp": set(STP.names) - {"BASIS"},
}

VALUES = {
    "training_set": "TiO.train",
    "n_species": "2",
    "species_list": "Ti\nO",
    "types": "Ti -1604.6\nO -432.5",
    "setups": "Ti Ti.fingerprint.stp\nO O.fingerprint.stp",
    "networks": "Ti Ti.nn 2 15:tanh 15:tanh\nO O.nn 1 10:twist",
    "network_files": "Ti Ti.nn\nO O.nn",
    "n_files": "2",
    "files": "a.xsf\nb.xyz@:",
    "species": "Ti",
    "rmin": "1.0",
    "radial_cutoff": "6.5",
    "angular_cutoff": "4.5",
    "radial_order": "16",
    "angular_order": "4",
    "energies_alone": "! ",
    "no_stress": "! ",
    "alpha": "0.99",
    "method": "bfgs",
    "iterations": "500",
    "regularization": "! REGULARIZATION 0.000001",
    "n_functions": "2",
    "functions": "G=2 type2=O eta=0.1 Rs=0.0 Rc=6.5\n"
    "G=4 type2=O type3=Ti eta=0.01 lambda=1.0 zeta=2.0 Rc=6.5",
}


def filled(name: str, folder: Path, edit=lambda text: text) -> Path:
    path = folder / name
    path.write_text(edit(Template((TEMPLATES / name).read_text()).substitute(VALUES)))
    return path


def uncommented(text: str) -> str:
    """Switch on every keyword that stands behind a comment sign."""
    words = "|".join(sorted(set().union(*KEYWORDS.values())))
    text = re.sub(rf"^! (?=({words})( [\w.]+)?$)", "", text, flags=re.MULTILINE)
    return text.replace("! method=", "method=").replace("! strategy=", "strategy=")


@pytest.mark.parametrize("name", KEYWORDS)
def test_templates_show_every_keyword(name, tmp_path):
    text = uncommented(filled(name, tmp_path).read_text())
    first_words = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert KEYWORDS[name] <= first_words


@pytest.mark.parametrize("edit", [lambda text: text, uncommented])
def test_filled_templates_can_be_read(tmp_path, edit):
    generate = read_generate_in(filled("generate.in", tmp_path, edit))
    assert generate.species == ("Ti", "O")
    assert [entry.text for entry in generate.files] == ["a.xsf", "b.xyz@:"]
    train = read_train_in(filled("train.in", tmp_path, edit))
    assert train.seed == 1
    assert train.method.name == "bfgs"
    assert [network.nodes for network in train.networks] == [(15, 15), (10,)]
    predict = read_predict_in(filled("predict.in", tmp_path, edit))
    assert predict.forces
    assert (predict.relax is not None) == (edit is uncommented)


def test_filled_setups_can_be_read(tmp_path):
    chebyshev = read_stp(filled("chebyshev.stp", tmp_path))
    assert chebyshev.n_features == 2 * (17 + 5)
    behler = read_stp(filled("behler2011.stp", tmp_path))
    assert behler.n_features == 2


def test_placeholders_are_documented():
    table = (TEMPLATES / "README.md").read_text()
    for name in KEYWORDS:
        for word in re.findall(r"\$(\w+)", (TEMPLATES / name).read_text()):
            assert f"`{word}`" in table


@pytest.mark.parametrize("folder", SETS, ids=lambda path: path.name)
def test_input_sets_fit_together(folder, monkeypatch):
    monkeypatch.chdir(folder)
    generate, train = read_generate_in("generate.in"), read_train_in("train.in")
    predict = read_predict_in("predict.in")
    assert generate.output == train.training_set
    assert generate.species == predict.species == tuple(n.species for n in train.networks)
    assert {n.species: n.file for n in train.networks} == {
        species: entry.text for species, entry in predict.networks.items()
    }
    for species, entry in generate.setups.items():
        setup = read_stp(entry.text)
        assert setup.species == species
        assert tuple(setup.environment) == generate.species
    for entry in (*generate.files, *predict.files):
        for structure in iter_structures(entry.text):
            assert structure.energy is not None
            assert structure.forces_nc is not None
            assert set(structure.species) <= set(generate.species)


def test_nothing_predicted_in_the_example_was_fitted(monkeypatch):
    monkeypatch.chdir(SETS[0])
    fitted = {entry.text for entry in read_generate_in("generate.in").files}
    predicted = {entry.text for entry in read_predict_in("predict.in").files}
    assert not fitted & predicted
    assert fitted | predicted == {f"xsf/{path.name}" for path in Path("xsf").iterdir()}


def test_seventy_functions_are_those_of_the_paper(golden):
    for species in ("Ti", "O"):
        ours = read_stp(ROOT / "inputs" / "tio2-behler2011" / f"{species}.fingerprint.stp")
        theirs = read_stp(golden / "02-generate-behler2011" / f"{species}.fingerprint.stp")
        assert ours.n_features == 70
        assert same_values(ours, theirs)


def same_values(a: Setup, b: Setup) -> bool:
    """Compare the functions in the order of their values: by partners, then as in the file."""
    tables = []
    for setup in (a, b):
        table = np.column_stack([setup.partners_g2, setup.functions_g, setup.parameters_gp])
        tables.append(table[np.lexsort((table[:, 1], table[:, 0]))])
    return np.array_equal(*tables)
