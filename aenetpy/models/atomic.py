"""The energy of one atom of a species: fingerprint, network and scaling (spec 9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.descriptors.base import Descriptor, make_descriptor
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.errors import DataError
from aenetpy.models.network import Network
from aenetpy.models.ranges import Ranges
from aenetpy.models.scaling import Noise, feature_scaling


@dataclass(frozen=True, eq=False)
class AtomicPotential:
    """Energy of one atom of a species from its fingerprint (spec 9.3).

    ε = y(x) / scale + shift + E_atom with x_g = (G_g - mean_g) / σ_g. Inputs that are nothing
    but ``noise`` add to energies as in aenet, and not to forces.
    """

    descriptor: Descriptor
    network: Network
    mean_g: Float
    inverse_sigma_g: Float
    scale: float
    shift: float
    atomic_energy: float
    ranges: Ranges
    noise: Noise | None

    @classmethod
    def from_file(
        cls,
        file: SpeciesPotential,
        species: Sequence[str],
        cosine_convention: CosineConvention,
        effective: Setup,
    ) -> AtomicPotential:
        """Build from a potential file, for structures made of ``species``."""
        setup = file.setup
        assert setup.statistics is not None, "a potential file always has statistics"
        mean_g, inverse_sigma_g = feature_scaling(setup.statistics)
        return cls(
            descriptor=make_descriptor(setup, species, cosine_convention, effective),
            network=Network(file.nodes_l, file.activations, file.weights_w),
            mean_g=mean_g,
            inverse_sigma_g=inverse_sigma_g,
            scale=file.scale,
            shift=file.shift,
            atomic_energy=float(file.atomic_energies_t[file.species.index(setup.species)]),
            ranges=Ranges.of(setup.statistics),
            noise=Noise.of(setup.statistics),
        )

    def _inputs(self, features_ng: Float) -> Float:
        x_ng = (features_ng - self.mean_g) * self.inverse_sigma_g
        if self.noise is not None:
            self.noise.put(features_ng, x_ng)
        return x_ng

    def energies(self, features_ng: Float) -> Float:
        """Return the energy of each atom without its atomic energy, eV, (n,)."""
        y_n = self.network.forward(self._inputs(features_ng))
        return y_n / self.scale + self.shift

    def energies_and_gradient(self, features_ng: Float) -> tuple[Float, Float]:
        """Return the energies (n,) and dε/dG (n, g), eV."""
        y_n, dydx_ng = self.network.gradient(self._inputs(features_ng))
        return y_n / self.scale + self.shift, dydx_ng * (self.inverse_sigma_g / self.scale)


def check_network(symbol: str, file: SpeciesPotential, path: str | Path | None = None) -> None:
    """Require that a network can be used for a species; aenet uses crossed files in silence."""
    if file.setup.species != symbol:
        raise DataError(
            f"the network given for {symbol} belongs to {file.setup.species}",
            file=path,
            hint="put the file of each species on its own line of NETWORKS",
        )
    if symbol not in file.species:
        raise DataError(
            f"the network of {symbol} has no atomic energy of it, only of {' '.join(file.species)}",
            file=path,
            hint="the file is damaged; train the network again",
        )
