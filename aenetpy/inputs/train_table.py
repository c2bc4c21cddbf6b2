"""The keywords of ``train.in``."""

from __future__ import annotations

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.training_methods import METHODS
from aenetpy.inputs.keywords import RULES, SEED
from aenetpy.inputs.spec import Bounds, Item, Table, in_digits
from aenetpy.inputs.train_forces import CACHE, FORCES, STRESS

SAMPLINGS = ("sequential", "random", "shuffled", "weighted", "energy")
"""Orders in which structures are visited (spec 3.4)."""


def _method_item(name: str) -> Item:
    """Return a method and its parameters with their defaults, as METHOD may name it."""
    method = METHODS[name]
    given = " ".join(f"{key}={in_digits(value)}" for key, value in method.defaults.items())
    sentence = f"{method.title}; {method.remark}" if method.remark else method.title
    return Item(
        name,
        "lines",
        sentence if name == method.names[0] else f"another name of `{method.names[0]}`",
        form=f"`{given}`" if given else "no parameters",
    )


TRAIN_IN = Table(
    "train.in",
    "What `aenetpy train` reads: a training set, and how the networks are fitted to it.",
    (
        Item(
            "TRAININGSET",
            "file",
            "training set that `generate` has written, or its text (`trainbin2ascii`)",
            required=True,
            field="training_set",
        ),
        Item(
            "NETWORKS",
            "lines",
            f"activations {' '.join(f'`{name}`' for name in ACTIVATIONS)}"
            f" (or `{' '.join(one.short_name for one in ACTIVATIONS.values())}`);"
            " a file that exists is continued",
            required=True,
            form="then `<symbol> <file> <hidden layers> <nodes>:<activation> ...` each",
        ),
        Item(
            "TESTPERCENT",
            "number",
            "share of test structures",
            default=10.0,
            bounds=Bounds(0, below=100),
            unit="%",
            field="test_percent",
        ),
        Item("ITERATIONS", "integer", "epochs; 0 only evaluates", default=10),
        Item(
            "ITERWRITE",
            "integer",
            "keep the networks of every so many epochs, 0: of none (the table tells every epoch; in"
            " aenet-PyTorch this keyword thins the table)",
            default=1,
            told="1, as aenet",
            bounds=Bounds(0),
            hint="0 keeps the networks of no epoch",
        ),
        Item(
            "MAXENERGY",
            "number",
            "leave out structures above, atomic energies subtracted",
            unit="eV/atom",
            field="max_energy",
        ),
        FORCES,
        Item(
            "FORCESPERCENT",
            "number",
            "share of the structures with forces whose forces are used",
            default=100.0,
            bounds=Bounds(0, 100),
            unit="%",
            field="forces_percent",
        ),
        Item(
            "MAXFORCES",
            "number",
            "do not use the forces of structures with a force component of this size or more; their"
            " energies count, as in aenet-PyTorch",
            bounds=Bounds(1e-6, 1e9),
            unit="eV/Å",
            field="max_forces",
        ),
        STRESS,
        CACHE,
        Item(
            "METHOD",
            "lines",
            "how the weights are found, see below",
            told="`bfgs`",
            form="next line the name and `key=value` parameters; also `method=adamw lr=0.0001`, as"
            " in aenet-PyTorch",
            keys=tuple(_method_item(name) for name in METHODS),
        ),
        Item(
            "BATCHSIZE",
            "integer",
            "structures of a batch, the same as `batchsize` of METHOD",
            told="that of METHOD",
            bounds=Bounds(1),
        ),
        Item(
            "REGULARIZATION",
            "number",
            "add this times the sum of all squared weights to half the mean squared error of the"
            " scaled energies, with FORCES to `L` in the same unit; adamw: `weight_decay`",
            default=0.0,
            bounds=Bounds(0, 1e6),
        ),
        Item(
            "PATIENCE",
            "integer",
            "end when the test error has not become smaller for so many epochs",
            bounds=Bounds(1),
        ),
        Item(
            "SAMPLING",
            "word",
            "order of the structures for all methods but bfgs; `shuffled` (not in aenet): each"
            " once, `random`: by chance, `weighted`: large errors first, `energy`: low energies"
            " first",
            told="`sequential`; adam `random`, adamw `shuffled`",
            choices=SAMPLINGS,
        ),
        Item(
            "TEST_COPIES",
            "flag",
            "displaced copies of test structures are tested too, instead of left out",
        ),
        Item("SAVE_ENERGIES", "flag", "write `energies.train.0`, `energies.test.0`"),
        Item("SAVE_FORCES", "flag", "write `forces.train.0`, `forces.test.0`"),
        SEED,
        Item(
            "NPSEED",
            "integer",
            "of test set and order of the structures, without SEED",
            told="SEED",
            bounds=Bounds(0),
        ),
        Item(
            "PHSEED",
            "integer",
            "of first weights, without SEED",
            told="SEED, or as NPSEED",
            bounds=Bounds(0),
        ),
        Item("TIMING", "flag", "write `train.time`"),
        Item("DEBUG", "flag", "an empty file `train.debug0`"),
        Item("VERBOSITY", "word", "read, no effect", default="normal"),
        Item(
            "MODE",
            "word",
            "of aenet-PyTorch, whose other modes are not there",
            told="`train`",
            choices=("train",),
        ),
        Item(
            "MEMORY_MODE",
            "word",
            "of aenet-PyTorch: read, no effect",
            choices=("cpu", "gpu", "disk"),
        ),
        Item("VERBOSE", "flag", "of aenet-PyTorch: read, no effect"),
    ),
    rules=RULES,
)
