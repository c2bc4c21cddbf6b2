"""The keys of a variant in ``study.yaml``."""

from __future__ import annotations

from aenetpy.data.study_models import LABELS, MODELS, NETWORK, TARGETS
from aenetpy.inputs.spec import Item
from aenetpy.inputs.taylor import TAYLOR_KEYS

FAMILIES = ("together", "mixed")
COPY_KEYS = tuple(item for item in TAYLOR_KEYS if item.name != "seed")
TRAIN_KEYS = (
    *("iterations", "testpercent", "maxenergy", "method", "sampling", "networks", "test_copies"),
    *("batchsize", "regularization", "forces", "forcespercent", "maxforces", "stress"),
)
VARIANT_KEYS = (
    Item(
        "taylor",
        "lines",
        "displaced copies; `potential` names another variant, whose networks of the same size and"
        " seed are used",
        form="the keys of TAYLOR in generate.in but `seed`",
        keys=COPY_KEYS,
    ),
    Item(
        "families",
        "word",
        "`mixed`, with `pyita`: copies of a structure on both sides of TESTPERCENT",
        default="together",
        choices=FAMILIES,
    ),
    Item(
        "train",
        "lines",
        "where it differs from train.in",
        default_text="as in `train.in`",
        form="`iterations`, `testpercent`, `maxenergy`, `method` (one line: `adam mu=0.003`),"
        ' `sampling`, `networks` (a list of lines: `["Ti Ti.nn 1 9:tanh", "O O.nn 1 9:tanh"]`),'
        " `test_copies`, `batchsize`, `regularization`, `forces` (one line: `alpha=0.5`),"
        " `forcespercent`, `maxforces`, `stress`",
    ),
    Item(
        "model",
        "word",
        "what is fitted; its parameters stand beside it, see below; all but `network` know energies"
        " alone, and neither `taylor`, `families` nor `train`",
        default=NETWORK,
        choices=tuple(MODELS),
        keys=tuple(
            Item(
                entry.name,
                "lines",
                entry.title
                + (f"; needs `pip install aenetpy[{entry.extra}]`" if entry.extra else "")
                + "".join(f"; `{key}`: {one.sentence}" for key, one in entry.parameters.items()),
                form=", ".join(
                    f"`{key}: {'auto' if one.default is None else one.default}`"
                    for key, one in entry.parameters.items()
                )
                or "no parameters",
            )
            for entry in MODELS.values()
        ),
    ),
    Item(
        "targets",
        "word",
        "energies that are fitted: less the atomic energies of TYPES, total, or less those that fit"
        " the training structures best",
        default="atomic",
        choices=TARGETS,
    ),
    Item(
        "labels",
        "word",
        "fitted to the energy of a structure, or to the same share of it for each atom",
        default_text="the first that the model has",
        choices=LABELS,
    ),
    Item(
        "setups",
        "lines",
        "other fingerprints",
        default_text="as in `generate.in`",
        form="`{Ti: Ti.stp, O: O.stp}`",
    ),
    Item(
        "grid",
        "lines",
        "a variant for each combination of the values, named after them",
        form="`{layers: [2, 4], train.method: [lm, bfgs]}`: keys of the variant and lists",
    ),
    Item(
        "search",
        "lines",
        "only so many points of the grid, drawn at random",
        default_text="all points",
        form="`{points: 10, seed: 1}`",
    ),
)
