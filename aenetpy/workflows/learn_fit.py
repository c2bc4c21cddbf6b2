"""TEMP"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aenetpy.workflows.generate import generate
from aenetpy.workflows.train import train


@dataclass
class Fit:
    test: list[str]
    left_out: list[str]
    typical_spread: float
    data: dict

    def record(self):
        return self.data


def fit_committee(settings, train_in, learn, root, here, before, state, jobs):
    out = here.relative_to(root) / "refdata.train"
    info = generate(replace(settings, output=str(out)), root, jobs=jobs)
    for m in range(1, learn.members + 1):
        f = here / f"member-{m}"
        f.mkdir()
        if before is not None:
            for p in (before / f"member-{m}").glob("*.nn"):
                (f / p.name).write_bytes(p.read_bytes())
        r = train(
            replace(train_in, training_set="../refdata.train", seed=learn.seed + m), f, jobs=jobs
        )
    return Fit(
        [],
        [],
        0.05,
        dict(
            n_training=info.n_structures,
            n_test=0,
            energy_rmse=r.errors.test[0].rmse,
            force_rmse=None,
        ),
    )
