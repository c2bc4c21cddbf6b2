"""Neural-network potentials in the file formats of aenet.

The names below are imported when they are first used, since their modules take time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "AenetpyError": "aenetpy.errors",
    "AugmentTask": "aenetpy.workflows.augment",
    "Calculator": "aenetpy.calculators",
    "Committee": "aenetpy.models.committee",
    "CommitteeCalculator": "aenetpy.calculators",
    "Listener": "aenetpy.reports.listener",
    "Potential": "aenetpy.models.potential",
    "Setup": "aenetpy.data.setup",
    "Structure": "aenetpy.data.structure",
    "TaylorInput": "aenetpy.io.taylor_in",
    "TextListener": "aenetpy.reports.listener",
    "TrainingSet": "aenetpy.data.training_set",
    "augment": "aenetpy.workflows.augment",
    "explore": "aenetpy.workflows.explore",
    "fingerprints": "aenetpy.descriptors.table",
    "generate": "aenetpy.workflows.generate",
    "learn": "aenetpy.workflows.learn",
    "predict": "aenetpy.workflows.predict",
    "read_committee": "aenetpy.models.committee",
    "read_generate_in": "aenetpy.io.generate_in",
    "read_learn": "aenetpy.io.learn_in",
    "read_network": "aenetpy.io.network",
    "read_potential": "aenetpy.models.reading",
    "read_predict_in": "aenetpy.io.predict_in",
    "read_stp": "aenetpy.io.stp",
    "read_study": "aenetpy.io.study_in",
    "read_train_in": "aenetpy.io.train_in",
    "read_trainset": "aenetpy.io.trainset",
    "read_xsf": "aenetpy.io.xsf",
    "study": "aenetpy.workflows.study",
    "train": "aenetpy.workflows.train",
    "train_members": "aenetpy.workflows.train_members",
    "write_generate_in": "aenetpy.io.generate_in",
    "write_network": "aenetpy.io.network",
    "write_predict_in": "aenetpy.io.predict_in",
    "write_stp": "aenetpy.io.stp",
    "write_train_in": "aenetpy.io.train_in",
    "write_trainset": "aenetpy.io.trainset",
    "write_xsf": "aenetpy.io.xsf",
}

__all__ = [
    "AenetpyError",
    "AugmentTask",
    "Calculator",
    "Committee",
    "CommitteeCalculator",
    "Listener",
    "Potential",
    "Setup",
    "Structure",
    "TaylorInput",
    "TextListener",
    "TrainingSet",
    "augment",
    "explore",
    "fingerprints",
    "generate",
    "learn",
    "predict",
    "read_committee",
    "read_generate_in",
    "read_learn",
    "read_network",
    "read_potential",
    "read_predict_in",
    "read_stp",
    "read_study",
    "read_train_in",
    "read_trainset",
    "read_xsf",
    "study",
    "train",
    "train_members",
    "write_generate_in",
    "write_network",
    "write_predict_in",
    "write_stp",
    "write_train_in",
    "write_trainset",
    "write_xsf",
]

if TYPE_CHECKING:
    from aenetpy.calculators import Calculator as Calculator
    from aenetpy.calculators import CommitteeCalculator as CommitteeCalculator
    from aenetpy.data.setup import Setup as Setup
    from aenetpy.data.structure import Structure as Structure
    from aenetpy.data.training_set import TrainingSet as TrainingSet
    from aenetpy.descriptors.table import fingerprints as fingerprints
    from aenetpy.errors import AenetpyError as AenetpyError
    from aenetpy.io.generate_in import read_generate_in as read_generate_in
    from aenetpy.io.generate_in import write_generate_in as write_generate_in
    from aenetpy.io.learn_in import read_learn as read_learn
    from aenetpy.io.network import read_network as read_network
    from aenetpy.io.network import write_network as write_network
    from aenetpy.io.predict_in import read_predict_in as read_predict_in
    from aenetpy.io.predict_in import write_predict_in as write_predict_in
    from aenetpy.io.stp import read_stp as read_stp
    from aenetpy.io.stp import write_stp as write_stp
    from aenetpy.io.study_in import read_study as read_study
    from aenetpy.io.taylor_in import TaylorInput as TaylorInput
    from aenetpy.io.train_in import read_train_in as read_train_in
    from aenetpy.io.train_in import write_train_in as write_train_in
    from aenetpy.io.trainset import read_trainset as read_trainset
    from aenetpy.io.trainset import write_trainset as write_trainset
    from aenetpy.io.xsf import read_xsf as read_xsf
    from aenetpy.io.xsf import write_xsf as write_xsf
    from aenetpy.models.committee import Committee as Committee
    from aenetpy.models.committee import read_committee as read_committee
    from aenetpy.models.potential import Potential as Potential
    from aenetpy.models.reading import read_potential as read_potential
    from aenetpy.reports.listener import Listener as Listener
    from aenetpy.reports.listener import TextListener as TextListener
    from aenetpy.workflows.augment import AugmentTask as AugmentTask
    from aenetpy.workflows.augment import augment as augment
    from aenetpy.workflows.explore import explore as explore
    from aenetpy.workflows.generate import generate as generate
    from aenetpy.workflows.learn import learn as learn
    from aenetpy.workflows.predict import predict as predict
    from aenetpy.workflows.study import study as study
    from aenetpy.workflows.train import train as train
    from aenetpy.workflows.train_members import train_members as train_members


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aenetpy' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
