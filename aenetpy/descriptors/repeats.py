"""Structures that stand in FILES more than once, under any names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aenetpy.data.structure import Structure
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.lines import Place


class RepeatedStructures:
    """Finds structures that are equal in all but their names."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._n_repeated = 0
        self._example = ""

    def watch(self, structures: Iterable[Structure]) -> Iterator[Structure]:
        """Yield the structures as they come, each noted."""
        for structure in structures:
            self.add(structure)
            yield structure

    def add(self, structure: Structure) -> None:
        """Note a structure."""
        digest = structure.digest()
        if digest not in self.names:
            self.names[digest] = structure.name
            return
        self._n_repeated += 1
        self._example = self._example or f"'{structure.name}' equals '{self.names[digest]}'"

    def tell(self, settings: GenerateInput, consequence: str) -> None:
        """Log in one line the number of repeats, the first pair, and the consequence."""
        if self._n_repeated:
            more = ", ..." if self._n_repeated > 1 else ""
            Place(settings.path, settings.lines.get("FILES")).warn(
                f"structures repeated in FILES: {self._n_repeated} ({self._example}{more});"
                f" {consequence}"
            )
