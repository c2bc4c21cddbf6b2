"""The calculator of reference: found by its name and made from its keywords."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from aenetpy.errors import ReferenceFailed
from aenetpy.inputs.lines import suggest
from aenetpy.inputs.reference import Reference

# Of all calculators these are known to pass over keywords that they do not know.
_PASS_OVER = (
    "ase.calculators.emt",
    "ase.calculators.lj",
    "ase.calculators.morse",
    "tblite.ase",
)
_MAKERS: dict[str, str] = {"tblite": "tblite.ase:TBLite"}
"""Calculators that are called by one word though ASE does not have them."""


def make_calculator(reference: Reference) -> Any:
    """Return a new ASE calculator."""
    factory = find_factory(reference.calculator)
    try:
        calculator = _made(factory, dict(reference.kwargs), reference.calculator)
        is_calculator = callable(getattr(calculator, "get_property", None))
    except ReferenceFailed:
        raise
    except BaseException as error:  # their code may raise anything, SystemExit too
        raise ReferenceFailed(
            f"calculator '{reference.calculator}' cannot be made: {words_of(error)}",
            hint="see kwargs",
        ) from error
    if not is_calculator:
        raise ReferenceFailed(
            f"'{reference.calculator}' makes no ASE calculator",
            hint="name a class with get_property(name, atoms)",
        )
    return calculator


def _made(factory: Any, kwargs: dict[str, Any], name: str) -> Any:
    """Return the calculator of a factory, whose program has to be there."""
    _check_keywords(factory, kwargs, name)
    if name.lower() == "espresso":
        _ask_for_forces(kwargs)
    if isinstance(kwargs.get("profile"), Mapping):
        kwargs["profile"] = _profile(factory, kwargs["profile"], name)
    calculator = factory(**kwargs)
    _check_command(calculator)
    return calculator


def find_factory(name: str) -> Any:
    """Return the factory of calculators of a name."""
    name = _MAKERS.get(name.lower(), name)
    module, _, attribute = name.partition(":")
    try:
        if attribute:
            if "" not in sys.path:
                sys.path.insert(0, "")  # modules of the user's own, as with python -m
            found = import_module(module)
            if not hasattr(found, attribute):
                raise ReferenceFailed(f"module '{module}' has no '{attribute}'")
            return getattr(found, attribute)
        from ase.calculators.calculator import get_calculator_class, names

        if name.lower() not in names:
            known = [*names, *_MAKERS]
            raise ReferenceFailed(
                f"unknown calculator '{name}'{suggest(name, known)}",
                hint="write a name of ASE's (https://ase-lib.org/ase/calculators/calculators.html)"
                " or module:Class",
            )
        return get_calculator_class(name.lower())
    except ReferenceFailed:
        raise
    except BaseException as error:  # their code may raise anything, SystemExit too
        is_missing = isinstance(error, ImportError)
        raise ReferenceFailed(
            f"calculator '{name}' cannot be imported: {words_of(error)}",
            hint="install what it needs" if is_missing else "see its module",
        ) from error


def words_of(error: BaseException) -> str:
    """Return the text of an error, in one line, or its name."""
    try:
        lines = " ".join(str(error).split()).encode("utf-8", "backslashreplace").decode()
    except Exception:  # its __str__ is theirs, too
        lines = ""
    return lines[:300] if lines else type(error).__name__


def _check_keywords(factory: Any, kwargs: Mapping[str, Any], name: str) -> None:
    if getattr(factory, "__module__", None) not in _PASS_OVER:
        return
    known = tuple(factory.default_parameters)
    for key in kwargs:
        if key not in known:
            raise ReferenceFailed(
                f"calculator '{name}' takes no '{key}'",
                hint=f"known are {', '.join(known)}{suggest(key, known)}",
            )


def _ask_for_forces(kwargs: dict[str, Any]) -> None:
    """Let pw.x print forces and stress, for which ASE does not ask."""
    given = repr(kwargs).lower()
    for key in ("tprnfor", "tstress"):
        if key not in given:
            kwargs[key] = True


def _profile(factory: Any, given: Mapping[str, Any], name: str) -> Any:
    """Return the profile that starts an external code; its files are seen from here."""
    from ase.calculators.genericfileio import BaseProfile

    module = import_module(factory.__module__)
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, BaseProfile) and item is not BaseProfile
    ]
    if len(classes) != 1:
        raise ReferenceFailed(
            f"calculator '{name}' has no profile", hint="see how ASE starts this code"
        )
    seen = {key: _absolute(value) for key, value in given.items()}
    if "command" in given:
        program, *arguments = str(given["command"]).split(" ", 1)
        seen["command"] = " ".join([_absolute(program) if "/" in program else program, *arguments])
    return classes[0](**seen)


def _absolute(value: Any) -> Any:
    """Return an existing path as seen from everywhere."""
    if not isinstance(value, str):
        return value
    path = os.path.expanduser(value)
    return os.path.abspath(path) if os.path.exists(path) else value


def _check_command(calculator: Any) -> None:
    """Refuse a program that is not there, before anything is run."""
    words = getattr(getattr(calculator, "profile", None), "_split_command", None)
    if words and shutil.which(words[0]) is None:
        raise ReferenceFailed(
            f"program '{words[0]}' not found", hint="see the command of the calculator's profile"
        )
