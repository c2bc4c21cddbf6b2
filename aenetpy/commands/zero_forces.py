"""Structures of FILES whose forces nobody calculated: all of them exactly zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aenetpy.data.structure import Structure
from aenetpy.descriptors.zero_forces import has_placeholder_forces, has_zero_forces
from aenetpy.errors import DataError
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.lines import Place, times


class ZeroForces:
    """Finds forces that are exactly zero although symmetry does not demand it."""

    def __init__(self) -> None:
        self._n_placeholders = 0
        self._example = ""
        self._others = False

    def watch(self, structures: Iterable[Structure]) -> Iterator[Structure]:
        """Yield the structures as they come, each looked at."""
        for structure in structures:
            if structure.forces_nc is not None and not has_zero_forces(structure):
                self._others = True
            elif has_placeholder_forces(structure):
                self._n_placeholders += 1
                self._example = self._example or structure.name
            yield structure

    def tell(self, settings: GenerateInput) -> None:
        """Warn of them in one line."""
        if self._n_placeholders:
            whose = "of all" if not self._others else "of"
            Place(settings.path, settings.lines.get("FILES")).warn(
                f"the forces {whose} {times(self._n_placeholders, 'structure')}"
                f" ('{self._example}', ...) are exactly zero although symmetry does not demand it:"
                " were they calculated? Without them, FORCES_OPTIONAL takes the energies alone"
            )

    def refuse(self) -> None:
        """Refuse a set of which no other forces are known."""
        if self._n_placeholders and not self._others:
            raise DataError(
                "all forces of all structures are exactly zero, although symmetry does not demand"
                " it: copies would all have the energy of their structure",
                file=self._example,
                hint="calculate the forces, or do without copies",
            )
