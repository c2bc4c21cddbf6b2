"""Draw parity.png: energies and forces of the fit against those of the force field.

    python parity.py      in the folder of energies.train.0, energies.test.0 and predict.out

The forces are those of predict.in: the fit has seen neither these structures nor any force.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from aenetpy.io.energies import read_energies
from aenetpy.io.xsf import read_xsf

GREY, BLUE, ORANGE, TEAL = "#9aa0a6", "#0b4f8a", "#d9660a", "#1b7f6b"
ATOM_ROW = re.compile(r" [A-Z][a-z]?\s+(?:-?\d+\.\d{6}\s+){5}-?\d+\.\d{6}")


def read_forces(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return reference and predicted forces of a predict.out, each (n, 3) in eV/Å."""
    reference, predicted = [], []
    for line in path.read_text().splitlines():
        if line.startswith(" File name         : ") and line.endswith(".xsf"):
            reference.append(read_xsf(line.partition(":")[2].strip()).forces_nc)
        elif ATOM_ROW.match(line):
            predicted.append([float(token) for token in line.split()[4:7]])
    return np.vstack(reference), np.array(predicted)


def errors(difference: np.ndarray) -> tuple[float, float]:
    """Return RMSE and MAE."""
    return float(np.sqrt(np.mean(difference**2))), float(np.mean(np.abs(difference)))


def frame(axes: Axes, values: np.ndarray, title: str, quantity: str, unit: str) -> None:
    """Draw the diagonal on equal axes that hold all values, and label them."""
    margin = 0.05 * np.ptp(values)
    limits = values.min() - margin, values.max() + margin
    axes.plot(limits, limits, color="black", linewidth=0.8, zorder=1)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xticks([t for t in axes.get_yticks() if limits[0] <= t <= limits[1]])
    axes.set_yticks(axes.get_xticks())
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(f"{quantity} of the force field ({unit})")
    axes.set_ylabel(f"{quantity} of the network ({unit})")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(direction="in")


def write_corner(axes: Axes, lines: list[tuple[str, str]]) -> None:
    """Write coloured lines into the lower right corner, the first one uppermost."""
    for k, (text, colour) in enumerate(reversed(lines)):
        axes.text(0.97, 0.04 + 0.055 * k, text, color=colour, ha="right", transform=axes.transAxes)


def draw_energies(axes: Axes) -> None:
    """Draw the energies per atom of training and test set."""
    sets = {"train": ("o", GREY, 12), "test": ("D", ORANGE, 20)}
    corner, everything = [], []
    for name, (marker, colour, size) in sets.items():
        table = read_energies(f"energies.{name}.0")
        reference, predicted = table.reference_per_atom_s, table.predicted_per_atom_s
        style = {"marker": marker, "s": size, "color": colour, "linewidth": 0, "alpha": 0.85}
        axes.scatter(reference, predicted, zorder=2, **style)
        rmse, mae = (1000 * error for error in errors(table.error_s))
        text = f"{name} ({len(reference)}): RMSE {rmse:.1f}, MAE {mae:.1f} meV/atom"
        corner.append((text, "#5f6368" if colour == GREY else colour))
        everything += [reference, predicted]
    frame(axes, np.concatenate(everything), "Energies", "Energy", "eV/atom")
    write_corner(axes, corner)


def draw_forces(axes: Axes) -> None:
    """Draw the force components of the predicted structures."""
    reference_nc, predicted_nc = read_forces(Path("predict.out"))
    style = {"marker": "o", "s": 9, "linewidth": 0, "alpha": 0.45}
    axes.scatter(reference_nc.ravel(), predicted_nc.ravel(), color=BLUE, zorder=2, **style)
    rmse, mae = errors(predicted_nc - reference_nc)
    frame(axes, np.vstack([reference_nc, predicted_nc]), "Forces, never fitted", "Force", "eV/Å")
    text = f"{reference_nc.size} components: RMSE {rmse:.2f}, MAE {mae:.2f} eV/Å"
    write_corner(axes, [(text, BLUE)])


def main() -> None:
    """Draw both panels and save them."""
    plt.rcParams.update({"font.size": 9, "axes.linewidth": 0.8})
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.6), layout="constrained")
    draw_energies(left)
    draw_forces(right)
    figure.savefig("parity.png", dpi=200)


if __name__ == "__main__":
    main()
