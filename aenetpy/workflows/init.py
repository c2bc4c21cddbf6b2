"""``init``: commented input files to start from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from string import Template

from aenetpy.errors import UsageError
from aenetpy.io.files import check_new, read_text, write_text

ETAS_PAIR = (0.003, 0.036, 0.071, 0.125, 0.214, 0.357, 0.714, 1.428)
ETAS_TRIPLE = (0.0004, 0.03, 0.09)
ZETAS = (1.0, 2.0, 4.0)
CUTOFF = 6.5


def template_folder() -> Path:
    """Return where the templates are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def write_inputs(species: Sequence[str], basis: str = "chebyshev") -> list[str]:
    """Fill the templates for some species and write them into the working directory.

    Parameters
    ----------
    species
        Symbols in TYPES order.
    basis
        ``chebyshev`` or ``behler2011``.

    Returns
    -------
    names
        The files written, those included that were there with the same content.

    Raises
    ------
    UsageError
        If a symbol is given twice or has more than two letters.
    DataError
        If there is another file of one of the names; none is written then.
    """
    for symbol in species:
        if not symbol.isalnum() or len(symbol) > 2 or list(species).count(symbol) > 1:
            raise UsageError(
                f"species '{symbol}' is no symbol of one or two letters, or given twice",
                hint="write for instance: aenetpy init -s Ti -s O",
            )
    contents = {
        name: _filled(name, _general_words(species))
        for name in ("generate.in", "train.in", "predict.in")
    }
    for symbol in species:
        contents[f"{symbol}.fingerprint.stp"] = _filled(
            f"{basis}.stp", _setup_words(symbol, species)
        )
    # What an earlier call has written may stay: it may have been killed half way.
    missing = [name for name, text in contents.items() if not _holds(name, text)]
    for name in missing:
        check_new(name, "remove it, or use another folder")
    for name in missing:
        write_text(name, contents[name])
    return list(contents)


def _holds(name: str, text: str) -> bool:
    return os.path.isfile(name) and read_text(name) == text


def _filled(name: str, words: dict[str, str]) -> str:
    return Template(read_text(template_folder() / name)).substitute(words)


def _general_words(species: Sequence[str]) -> dict[str, str]:
    def lines(form: str) -> str:
        return "\n".join(form.format(symbol) for symbol in species)

    return {
        "training_set": f"{''.join(species)}.train",
        "n_species": str(len(species)),
        "species_list": lines("{}"),
        "types": lines("{} 0.0"),
        "setups": lines("{0} {0}.fingerprint.stp"),
        "networks": lines("{0} {0}.nn 2 15:tanh 15:tanh"),
        "network_files": lines("{0} {0}.nn"),
        "n_files": "1",
        "files": "structures.xyz@:",
    }


def _setup_words(symbol: str, species: Sequence[str]) -> dict[str, str]:
    pairs = [
        f"G=2 type2={other} eta={eta} Rs=0.0 Rc={CUTOFF}" for other in species for eta in ETAS_PAIR
    ]
    triples = [
        f"G=4 type2={one} type3={other} eta={eta} lambda={sign} zeta={zeta} Rc={CUTOFF}"
        for one, other in combinations_with_replacement(species, 2)
        for zeta in ZETAS
        for sign in (-1.0, 1.0)
        for eta in ETAS_TRIPLE
    ]
    return {
        "species": symbol,
        "n_species": str(len(species)),
        "species_list": "\n".join(species),
        "rmin": "1.0",
        "n_functions": str(len(pairs) + len(triples)),
        "functions": "\n".join(pairs + triples),
    }
