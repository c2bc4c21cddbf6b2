"""Calculators that go wrong, each in its own way."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, SCFError, all_changes
from ase.calculators.emt import EMT


class Toy(Calculator):
    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, energy=-1.0, force=0.1, **kwargs):
        super().__init__(**kwargs)
        self.numbers = (energy, force)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy, force = self.numbers
        self.results = {"energy": energy, "forces": np.full((len(atoms), 3), force)}


class Crashing(Toy):
    def calculate(self, *arguments):
        os.abort()


class Exiting(Toy):
    def calculate(self, *arguments):
        os._exit(7)


class Hanging(Toy):
    """With a program of its own, whose number it writes down."""

    def calculate(self, *arguments):
        with subprocess.Popen(["sleep", "300"]) as program:
            Path("pid").write_text(str(program.pid))
            time.sleep(300)


class Stubborn(Toy):
    """Its program does not end when it is asked to."""

    def calculate(self, *arguments):
        command = "trap '' TERM; echo $$ > pid; while true; do sleep 0.1; done"
        subprocess.run(["sh", "-c", command], check=True)


class Leaving(Toy):
    """Dies of a program that lives on and keeps all pipes open."""

    def calculate(self, *arguments):
        os.system("sleep 300 & echo $! > pid")
        os._exit(3)


class NotConverging(Toy):
    def calculate(self, *arguments):
        raise SCFError("60 steps were not enough")


class Flagging(Toy):
    """Only says so."""

    converged = False


class Printing(Toy):
    """Ends as if all were well, and has written that it is not."""

    def calculate(self, *arguments):
        super().calculate(*arguments)
        Path("pw.out").write_text("\n  convergence NOT achieved after   1 iterations: stopping\n")


class Permuting(EMT):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms[::-1], properties, system_changes)


class Losing(Toy):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = self.results["forces"][1:]


class OnlyEnergy(Toy):
    implemented_properties = ["energy"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        del self.results["forces"]


class Talking(Toy):
    def calculate(self, *arguments):
        print("hello")
        os.system("echo code")
        super().calculate(*arguments)


class Giving(Toy):
    """Gives whatever it is made with."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, **results):
        Calculator.__init__(self)
        self.given = results

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        Calculator.calculate(self, atoms, properties, system_changes)
        usual = {"energy": -1.0, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}
        self.results = usual | self.given


class Asking(Toy):
    @property
    def converged(self):
        raise RuntimeError("nobody\nknows \ud800")


class Stretching(Toy):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        atoms.set_cell(1.1 * atoms.cell.array)


class Wandering(Toy):
    """Goes to the root of all files, and has written that all is not well."""

    def calculate(self, *arguments):
        super().calculate(*arguments)
        Path("pw.out").write_text("\n  convergence NOT achieved after   1 iterations: stopping\n")
        os.chdir("/")


class Quitting(Toy):
    def calculate(self, *arguments):
        raise SystemExit("enough")


class NotMade(Toy):
    def __init__(self, **kwargs):
        raise KeyboardInterrupt
