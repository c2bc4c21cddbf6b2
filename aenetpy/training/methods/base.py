"""The interface of a method of optimisation, and code that several methods share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from aenetpy.arrays import Float, Index
from aenetpy.data.limits import FINITE
from aenetpy.data.training_methods import count_batches
from aenetpy.formats.restart import Restart, damaged
from aenetpy.training.objective import Loss, Objective

State = dict[str, NDArray[Any]]
"""Memory of a method between two epochs, by name."""


class Method(Protocol):
    """An optimiser whose one step is one epoch, made for a number of weights and parameters.

    Parameters
    ----------
    uses_gradient
        Whether the step needs the gradient over all structures.
    converged
        True once there is nothing left to gain.
    note
        Why no further step is possible, in one line; None while it goes on.
    """

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None: ...

    @property
    def uses_gradient(self) -> bool:
        """Whether the step needs the gradient over all structures."""
        ...

    @property
    def converged(self) -> bool:
        """True once the method has converged."""
        ...

    @property
    def note(self) -> str | None:
        """Why the method cannot go on, although not converged; None while it can."""
        ...

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after one epoch, as a new array.

        Parameters
        ----------
        weights_w
            Of all networks, (w,) float64.
        loss
            The objective at these weights, with its gradient if ``uses_gradient``.
        objective
            Over all training structures; ``objective.batch`` is the one over a few.
        sample_v
            Positions of the structures in the order in which to visit them.
        """
        ...

    def state(self) -> State:
        """Return the memory that makes a continued run equal, bit for bit, to a whole one."""
        ...

    def restore(self, state: State) -> bool:
        """Go on from a saved state; False, and nothing changed, if it has other dimensions.

        Raises
        ------
        DataError
            If this method cannot have saved it.
        """
        ...


@runtime_checkable
class Restarted(Method, Protocol):
    """A method that aenet saves in ``train.restart`` and goes on from there (spec 7.5).

    Parameters
    ----------
    is_fresh
        Whether nothing is remembered yet, as after ``load`` of a state that had ended.
    """

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is remembered yet."""
        ...

    def to_restart(self) -> Restart:
        """Return the state as aenet saves it after every epoch; weights are not part of it."""
        ...

    def accepts(self, restart: Restart) -> bool:
        """Return whether a saved state is of this method."""
        ...

    def load(self, restart: Any) -> bool:
        """Go on from a state that it accepts; False if it has other dimensions.

        Raises
        ------
        DataError
            If it is damaged, or was made with other settings.
        """
        ...


def fits(state: State, own: State, *, free: str = "") -> bool:
    """Return whether a saved state has the dimensions of a method's own."""
    for name, array in own.items():
        saved = state.get(name)
        is_real = array.dtype.kind == "f"
        if (
            saved is None
            or saved.ndim != array.ndim
            or saved.dtype.kind != array.dtype.kind
            or (is_real and saved.dtype != array.dtype)
        ):
            raise damaged(f"{name} is of another kind")
        reason = FINITE.objection(saved) if is_real else None
        if reason is not None:
            raise damaged(f"{name}: {reason}")
    if set(state) != set(own):
        raise damaged(f"{min(set(state) - set(own))} is not of this method")
    return all(state[name].shape == array.shape for name, array in own.items() if name != free)


def batches(sample_v: Index, size: int) -> Iterator[Index]:
    """Yield ``size`` visits at a time; the last ones may be fewer."""
    for start in range(0, len(sample_v), size):
        yield sample_v[start : start + size]


def whole_batches(sample_v: Index, size: int) -> Iterator[Index]:
    """Yield ``size`` visits at a time as aenet: the last wrap round, or are left out (spec 3.3)."""
    size = min(size, len(sample_v))
    for batch in range(count_batches(len(sample_v), size)):
        yield sample_v.take(range(batch * size, (batch + 1) * size), mode="wrap")
