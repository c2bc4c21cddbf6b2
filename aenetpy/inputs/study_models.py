"""The model of a variant of a study, and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aenetpy.data.study_models import LABELS, MODELS, NETWORK, Value
from aenetpy.inputs.given import YamlValue
from aenetpy.inputs.lines import parse_integer, parse_real, suggest


class ModelChoice(NamedTuple):
    """Model, labels of the fit, given parameters, all keys."""

    model: str
    labels: str
    parameters: Mapping[str, Value]
    keys: Mapping[str, YamlValue]


def read_model(value: YamlValue, keys_of_all: tuple[str, ...]) -> ModelChoice:
    """Return the model of a variant."""
    model = read_word(value.mapping().get("model"), tuple(MODELS), NETWORK)
    entry = MODELS[model]
    known = [*keys_of_all, *entry.parameters]
    for key, item in value.mapping().items():
        if key not in known:
            owners = [f"model {other}" for other in MODELS if key in MODELS[other].parameters]
            if owners:
                theirs = ", ".join(entry.parameters) or "none"
                raise item.place.error(
                    f"{item.name}: model {model} has no parameter '{key}', it belongs to"
                    f" {', '.join(owners)}",
                    f"parameters of {model}: {theirs}",
                )
        elif model != NETWORK and key in ("taylor", "families", "train"):
            raise item.place.error(
                f"{item.name}: '{key}' belongs to model {NETWORK}, not to {model}",
                f"remove {key}, or 'model: {model}'",
            )
    keys = value.only(known)
    labels = read_word(keys.get("labels"), LABELS, entry.labels[0])
    if labels not in entry.labels:
        raise keys["labels"].error(
            f"is '{labels}'", f"model {model} is fitted to the energy of each structure"
        )
    parameters = {
        key: read_parameter(item, model) for key, item in keys.items() if key in entry.parameters
    }
    return ModelChoice(model, labels, parameters, keys)


def read_word(value: YamlValue | None, known: tuple[str, ...], default: str) -> str:
    """Return one of some words."""
    if value is None:
        return default
    text = value.text()
    if text not in known:
        raise value.error(f"is '{text}'", f"known are {', '.join(known)}{suggest(text, known)}")
    return text


def read_parameter(value: YamlValue, model: str) -> Value:
    """Return the value of a parameter of a model."""
    key = value.name.rpartition(".")[2]
    parameter = MODELS[model].parameters[key]
    text = value.text()
    found: Value = None
    try:
        if isinstance(parameter.default, str):
            found = text
        elif isinstance(parameter.default, int) or (
            parameter.default is None and key in ("layers", "nodes")
        ):
            found = None if text == "auto" else parse_integer(text)
        elif parameter.default is not None or text != "auto":
            found = parse_real(text)
    except ValueError as reason:
        raise value.error(f"is wrong: {reason}") from None
    objection = parameter.objection(found)
    if found is None and parameter.default is not None:
        objection = "is auto, which it cannot be"
    if objection is not None:
        raise value.error(f"{objection} ({text})" if isinstance(found, str) else objection)
    return found
