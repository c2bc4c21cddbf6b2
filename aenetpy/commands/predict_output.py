"""The two forms of output of ``predict``: aenet's text, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from aenetpy import __version__
from aenetpy.analysis.comparison import reference_energy
from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError
from aenetpy.inputs.predict_in import PredictInput
from aenetpy.models.committee import Uncertainty
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.range_report import Extrapolation
from aenetpy.models.ranges import OutOfRange
from aenetpy.reports import predict as report
from aenetpy.reports import predict_json as report_json
from aenetpy.reports.listener import Listener
from aenetpy.reports.relax import optimization_table

if TYPE_CHECKING:
    from aenetpy.models.relax import NotRelaxed, Relaxation


@dataclass(frozen=True, eq=False)
class Prediction:
    """A structure as given and, with RELAX, as relaxed."""

    structure: Structure
    evaluation: Evaluation
    relaxation: Relaxation | None = None
    failure: NotRelaxed | None = None
    uncertainty: Uncertainty | None = None
    too_close: str = ""

    @property
    def final_structure(self) -> Structure:
        """The relaxed structure, or the given one."""
        return self.structure if self.relaxation is None else self.relaxation.structure

    @property
    def final(self) -> Evaluation:
        """Results of the potential for the final structure."""
        return self.evaluation if self.relaxation is None else self.relaxation.evaluation

    @property
    def out_of_range(self) -> OutOfRange:
        """Values of the final structure outside of the training range."""
        assert self.final.out_of_range is not None, "predict asks for them"
        return self.final.out_of_range

    @property
    def not_converged(self) -> str:
        """Note on a relaxation that did not converge."""
        if self.failure is not None:
            return self.failure.message
        if self.relaxation is None or self.relaxation.converged:
            return ""
        return (
            f"not converged after {self.relaxation.n_steps} steps of RELAX:"
            f" largest force component {self.relaxation.largest_force:.2g} eV/Å,"
            f" last change of energy {self.relaxation.last_change:.2g} eV"
        )


@dataclass(frozen=True)
class NoNumber:
    """A structure of which there is no number."""

    name: str
    error: AenetpyError
    structure: Structure | None = None

    def __str__(self) -> str:
        return str(self.error) if self.error.file else f"{self.name}: {self.error}"


class PredictListener(Listener):
    """Receives the results of `predict`, structure by structure; a base class."""

    def begin(
        self,
        settings: PredictInput,
        potentials: Sequence[Potential],
        extrapolation: Extrapolation,
    ) -> None:
        """Receive the settings; ``extrapolation`` describes components out of range.

        There is one potential, named in the settings, or all potentials of a committee.
        """

    def write(self, number: int, prediction: Prediction) -> None:
        """Hear of one structure."""

    def fail(self, number: int, failure: NoNumber) -> None:
        """Hear of a structure that has no number, in its place."""

    def end(self, notes: list[str], errors: Mapping[str, Any]) -> None:
        """Hear that all are done: notes to the user, and errors as in `PredictResult`."""


class Collector(PredictListener):
    """Keeps all predictions."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []

    def write(self, number: int, prediction: Prediction) -> None:
        """Keep one prediction."""
        self.predictions.append(prediction)


class Writer(PredictListener):
    """Writes the predictions as text."""

    def __init__(self, out: TextIO, advance: Callable[[int], object] = lambda _: None) -> None:
        self._out, self._advance = out, advance

    def begin(
        self,
        settings: PredictInput,
        potentials: Sequence[Potential],
        extrapolation: Extrapolation,
    ) -> None:
        """Keep the settings."""
        self._settings, self._extrapolation = settings, extrapolation

    def advance(self) -> None:
        """Pass it on."""
        self._advance(1)


class TextWriter(Writer):
    """Writes the layout of ``predict.x`` (spec 10.4)."""

    def begin(
        self,
        settings: PredictInput,
        potentials: Sequence[Potential],
        extrapolation: Extrapolation,
    ) -> None:
        """Write the sections on the potentials."""
        super().begin(settings, potentials, extrapolation)
        self._verbose = settings.verbosity != "low"
        if not self._verbose:
            return
        self._out.write(report.opening(datetime.now(), __version__))
        for potential in potentials:
            for symbol, file in potential.files.items():
                name = _file_name(settings, potentials, potential, symbol)
                self._out.write(report.potential_report(symbol, name, file))
        self._out.write(report.evaluation_opening())

    def write(self, number: int, prediction: Prediction) -> None:
        """Write one structure."""
        self._open(number, prediction.structure)
        which = "input"
        if prediction.relaxation is not None:
            self._write_relaxation(prediction, prediction.relaxation)
            which = "optimized" if prediction.relaxation.is_optimized else "input"
        final = prediction.final
        self._out.write(
            report.structure_report(
                as_printed(prediction.final_structure),
                final.cohesive_energy,
                final.energy,
                final.forces_nc,
                self._atomic_energies(final),
                which,
            )
        )
        if (spread := prediction.uncertainty) is not None:
            self._out.write(
                report.spread_lines(
                    spread.energy,
                    spread.forces_nc,
                    spread.energy_is_calibrated,
                    spread.forces_are_calibrated,
                )
            )

    def fail(self, number: int, failure: NoNumber) -> None:
        """Write why a structure has no number."""
        self._open(number, failure.structure, failure.name)
        self._out.write(report.failure_line(str(failure)))

    def _open(self, number: int, structure: Structure | None, name: str = "") -> None:
        if number > 1:
            self._out.write(report.separator())
        if not self._verbose:
            return
        if structure is None:
            self._out.write(report.unread_opening(number, name))
        else:
            self._out.write(report.structure_opening(number, structure))

    def end(self, notes: list[str], errors: Mapping[str, Any]) -> None:
        """Write the closing lines; notes and errors are on standard error."""
        if self._verbose:
            self._out.write(report.closing(datetime.now()))

    def _write_relaxation(self, prediction: Prediction, relaxation: Relaxation) -> None:
        start = prediction.evaluation
        structure = as_printed(prediction.structure)
        self._out.write(
            report.coordinates_table(structure, start.forces_nc, self._atomic_energies(start))
        )
        if self._verbose:
            self._out.write(
                optimization_table(
                    relaxation.energies_k, relaxation.rms_forces_k, relaxation.converged
                )
            )
        assert self._settings.relax is not None
        if self._settings.relax.cell:
            self._out.write(report.lattice_vectors(relaxation.structure, "optimized, "))

    def _atomic_energies(self, evaluation: Evaluation) -> Float | None:
        return evaluation.atomic_energies_n if self._settings.print_atomic_energies else None


class JsonWriter(Writer):
    """Writes one JSON object in the end."""

    def begin(
        self,
        settings: PredictInput,
        potentials: Sequence[Potential],
        extrapolation: Extrapolation,
    ) -> None:
        """Remember the potentials."""
        super().begin(settings, potentials, extrapolation)
        self._structures: list[dict[str, Any]] = []
        self._members = [
            {symbol: self._described(potentials, one, symbol) for symbol in one.files}
            for one in potentials
        ]

    def _described(
        self, potentials: Sequence[Potential], potential: Potential, symbol: str
    ) -> dict[str, Any]:
        family = potential.files[symbol].setup.family
        convention = potential.cosine_conventions[symbol] if family.has_cosine_convention else None
        name = _file_name(self._settings, potentials, potential, symbol)
        return {"file": name, "chebyshev_domain": convention}

    def write(self, number: int, prediction: Prediction) -> None:
        """Remember one structure."""
        final, relaxation = prediction.final, prediction.relaxation
        content = report_json.structure_object(
            as_printed(prediction.final_structure),
            final.cohesive_energy,
            final.energy,
            final.forces_nc,
            final.virial_cc,
            final.atomic_energies_n if self._settings.print_atomic_energies else None,
        )
        given = prediction.structure
        content["reference"] = report_json.reference_object(
            reference_energy(given, prediction.evaluation), given.forces_nc
        )
        if relaxation is not None:
            content["relaxation"] = {
                "converged": relaxation.converged,
                "steps": relaxation.n_steps,
                "cohesive_energies": relaxation.energies_k,
                "rms_forces": relaxation.rms_forces_k,
            }
        if (spread := prediction.uncertainty) is not None:
            content["uncertainty"] = {
                "energy": spread.energy,
                "energy_is_calibrated": spread.energy_is_calibrated,
                "forces": None if spread.forces_nc is None else spread.forces_nc.tolist(),
                "forces_are_calibrated": spread.forces_are_calibrated,
            }
        structure, out_of_range = prediction.final_structure, prediction.out_of_range
        content["extrapolation"] = self._extrapolation.listed(structure, out_of_range)
        content["warnings"] = [
            *filter(None, [prediction.not_converged, prediction.too_close]),
            *self._extrapolation.warnings(structure, out_of_range),
        ]
        self._structures.append(content)

    def fail(self, number: int, failure: NoNumber) -> None:
        """Remember one structure without numbers."""
        self._structures.append({"name": failure.name, "error": str(failure)})

    def end(self, notes: list[str], errors: Mapping[str, Any]) -> None:
        """Write everything."""
        self._out.write(
            report_json.document(
                __version__,
                self._members[0],
                self._structures,
                errors,
                notes,
                self._members if len(self._members) > 1 else None,
            )
        )


def _file_name(
    settings: PredictInput, potentials: Sequence[Potential], potential: Potential, symbol: str
) -> str:
    """Return where a network is: as NETWORKS says or, of a committee, in the member's folder."""
    return settings.networks[symbol].text if len(potentials) == 1 else potential.paths[symbol]


def as_printed(structure: Structure) -> Structure:
    """Return the structure with its coordinates wrapped into the cell (spec 5.2)."""
    if structure.is_isolated:
        return structure
    return replace(structure, positions_nc=structure.positions_in_cell())
