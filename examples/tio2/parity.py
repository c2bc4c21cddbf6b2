"""Draw parity.png: energies and forces of the fit against those of the force field.

    python parity.py      in the folder of energies.train.0, energies.test.0 and predict.in

The forces are those of predict.in, whose structures the fit has never seen. `aenetpy parity
predict.in` draws a figure like this one for any potential.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import aenetpy
from aenetpy.analysis.parity import Compared, ParityGroup, energy_panel, force_panel, parity_figure
from aenetpy.inputs.predict_in import read_predict_in


def energies(name: str) -> ParityGroup:
    """Return the energies per atom of training or test set."""
    columns_ks = np.loadtxt(f"energies.{name}.0", skiprows=1, usecols=(3, 4), ndmin=2).T
    return ParityGroup(name, *columns_ks)


def forces() -> ParityGroup:
    """Return the forces of the structures in predict.in."""
    settings = read_predict_in(Path("predict.in"))
    potential = aenetpy.read_potential({s: e.text for s, e in settings.networks.items()})
    compared = Compared()
    for entry in settings.files:
        structure = aenetpy.read_xsf(entry.text)
        compared.add(structure, potential.evaluate(structure))
    _, panel = compared.panels()
    return panel.groups[0]


def main() -> None:
    """Draw both panels and save them."""
    panels = [
        energy_panel([energies("train"), energies("test")], "Energies"),
        force_panel([forces()], "Forces on structures never seen"),
    ]
    parity_figure(panels).savefig("parity.png", dpi=200)


if __name__ == "__main__":
    main()
