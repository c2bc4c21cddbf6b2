"""L-BFGS-B 3.0 as a method of one step, driven by hand (spec 3.3, method bfgs)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from aenetpy.arrays import Float, Index
from aenetpy.errors import NumericalError
from aenetpy.formats.restart import MEMORY, BfgsRestart, Restart, check_bfgs, has_ended
from aenetpy.training.methods.base import State, fits
from aenetpy.training.objective import Loss, Objective

try:
    from scipy.linalg.lapack import HAS_ILP64
    from scipy.optimize import _lbfgsb
except ImportError:  # reported below, as any other unknown interface
    _lbfgsb = None

Integers = NDArray[np.integer[Any]]

FACTR = 0.0
PGTOL = 1e-6
LINE_SEARCH_STEPS = 20

TESTED = "scipy>=1.15,<1.19"
"""As in pyproject.toml: these declare one of the interfaces below."""

C_INTERFACE = "setulb(m,x,l,u,nbd,f,g,factr,pgtol,wa,iwa,task,lsave,isave,dsave,maxls,ln_task)"
C_INTERFACE_SINCE_1_18 = C_INTERFACE.replace(",", ", ")


class LBFGS:
    """Limited-memory BFGS, one evaluation of the objective per step.

    The method is L-BFGS-B 3.0 without bounds, with the settings of aenet: 20
    corrections, ``factr = 0``, ``pgtol = 1e-6``. The first step only initialises and
    returns the weights unchanged, which is why epoch 1 of aenet repeats epoch 0. A
    later step may be a trial point of the line search.

    Notes
    -----
    Spec 3.3. ``scipy.optimize.minimize`` cannot be used: it hides where one
    evaluation ends and the next begins, and its state cannot be saved.
    """

    uses_gradient = True

    def __init__(self, n_weights: int, parameters: Mapping[str, float] | None = None) -> None:
        self._state = _new_state(n_weights)
        self._weights_w = np.zeros(n_weights)
        self.converged = False
        self.note: str | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is remembered yet, as after ``load`` of a state that had ended."""
        return self._state.task == "START"

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights at which the objective is to be evaluated next.

        They are the best weights found once ``converged`` or ``note`` is set.
        """
        return self.advance(weights_w, loss.value, loss.gradient_w)

    def advance(self, weights_w: Float, value: float, gradient_w: Float) -> Float:
        """Return where to go from here, given value and gradient, (w,) float64."""
        self._weights_w[:] = weights_w
        gradient_w = gradient_w.copy()  # the library restores it after a failed search
        self._state.advance(self._weights_w, value, gradient_w)
        while self._state.task == "NEW_X":
            self._state.advance(self._weights_w, value, gradient_w)
        self.converged = self._state.task.startswith("CONVERGENCE")
        if not self.converged and not self._state.task.startswith("FG"):
            self.note = f"L-BFGS found no better weights ({self._state.task.lower()})"
        return self._weights_w.copy()

    def state(self) -> State:
        """Return the fields of ``to_restart``."""
        return {name: np.asarray(value) for name, value in vars(self.to_restart()).items()}

    def restore(self, state: State) -> bool:
        """Go on from a saved state; False if it has other dimensions."""
        if not fits(state, self.state()):
            return False
        fields: dict[str, Any] = {
            name: value.item() if value.ndim == 0 else value for name, value in state.items()
        }
        return self.load(BfgsRestart(**fields))

    def to_restart(self) -> BfgsRestart:
        """Return the state as aenet saves it after every epoch; weights are not part of it.

        Notes
        -----
        Spec 7.5.
        """
        return self._state.save()

    def accepts(self, restart: Restart) -> bool:
        """Return whether a saved state is one of this method."""
        return isinstance(restart, BfgsRestart)

    def load(self, restart: BfgsRestart) -> bool:
        """Go on from a state of aenet or of ``to_restart``; False if it has other dimensions.

        A state that had ended (converged, no better weights) starts anew. To be
        continued with the weights of that epoch.

        Notes
        -----
        Spec 7.5 and 3.7.
        """
        if restart.n != self._weights_w.size:
            return False
        check_bfgs(restart)
        if not has_ended(restart):
            self._state.load(restart)
        return True


TASKS = {
    (1, 0): "NEW_X",
    (3, 301): "FG_START",
    (3, 302): "FG_LNSRCH",
    (4, 401): "CONVERGENCE: NORM_OF_PROJECTED_GRADIENT_<=_PGTOL",
    (4, 402): "CONVERGENCE: REL_REDUCTION_OF_F_<=_FACTR*EPSMCH",
    (8, 0): "ABNORMAL_TERMINATION_IN_LNSRCH",
}
"""Numbers of the C translation and strings of the Fortran original."""


class _State:
    """The arrays in which L-BFGS-B keeps its state; ``task`` names the next step.

    In the C translation of SciPy tasks are numbers, and indices count from 0.
    """

    task = "START"

    def __init__(self, n: int, integer: type[np.integer[Any]] = np.int32) -> None:
        m = MEMORY
        self.n = n
        self.bound_w = np.zeros(n)  # lower and upper, unused
        self.nbd_w: Integers = np.zeros(n, dtype=integer)
        self.wa = np.zeros((2 * m + 5) * n + 11 * m * m + 8 * m)
        self.iwa: Integers = np.zeros(3 * n, dtype=integer)
        self.lsave: Integers = np.zeros(4, dtype=integer)
        self.isave: Integers = np.zeros(44, dtype=integer)
        self.dsave = np.zeros(29)
        self._task = np.zeros(2, dtype=integer)
        self._search_task = np.zeros(2, dtype=integer)

    def advance(self, weights_w: Float, value: float, gradient_w: Float) -> None:
        """Call L-BFGS-B once: it changes the weights and ``task``."""
        _lbfgsb.setulb(
            MEMORY, weights_w, self.bound_w, self.bound_w, self.nbd_w, value, gradient_w,
            FACTR, PGTOL, self.wa, self.iwa, self._task, self.lsave, self.isave, self.dsave,
            LINE_SEARCH_STEPS, self._search_task,
        )  # fmt: skip
        kind, reason = self._task.tolist()
        self.task = TASKS.get((kind, reason)) or TASKS.get((kind, 0), f"ERROR: {kind} {reason}")

    def save(self) -> BfgsRestart:
        """Return the state in the form of the Fortran original."""
        restart = BfgsRestart(
            m=MEMORY,
            n=self.n,
            factr=FACTR,
            pgtol=PGTOL,
            task=self.task,
            iprint=-1,
            l=self.bound_w.copy(),
            u=self.bound_w.copy(),
            nbd=self.nbd_w.astype(np.int32),
            wa=self.wa.copy(),
            iwa=self.iwa.astype(np.int32),
            # while it waits for an evaluation, so does the line search
            csave="FG" if self.task == "FG_LNSRCH" else "",
            lsave=self.lsave.astype(np.int32),
            isave=self.isave.astype(np.int32),
            dsave=self.dsave.copy(),
        )
        _shift_indices(restart.iwa, restart.isave, self.n, 1)
        restart.dsave[4] = np.finfo(float).eps  # the original keeps it there, C as a constant
        return restart

    def load(self, restart: BfgsRestart) -> None:
        """Take over a state in the form of the Fortran original."""
        self.task = restart.task.strip()
        self.wa[:] = restart.wa
        self.iwa[:] = restart.iwa
        self.lsave[:] = restart.lsave != 0
        self.isave[:] = restart.isave
        self.dsave[:] = restart.dsave
        _shift_indices(self.iwa, self.isave, self.n, -1)
        self._task[:] = next(numbers for numbers, text in TASKS.items() if text == self.task)
        self._search_task[:] = (3, 0) if self.task == "FG_LNSRCH" else (0, 0)


class _StateLikeLapack(_State):
    """The same since SciPy 1.18: its integers are as long as in its LAPACK."""

    def __init__(self, n: int) -> None:
        super().__init__(n, np.int64 if HAS_ILP64 else np.int32)


OFFSETS, HEAD, TAIL, N_UPDATES, LEAVING = slice(3, 16), 26, 28, 30, 39
"""Where ``isave`` keeps indices: parts of ``wa``, first and last correction, leaving variables."""


def _shift_indices(iwa: Integers, isave: Integers, n: int, by: int) -> None:
    """Turn indices that count from 0 into ones that count from 1 (``by`` = 1) or back (-1)."""
    iwa[:n] += by  # free variables
    iwa[2 * n :] += by  # variables that enter or leave
    isave[OFFSETS] += by
    isave[HEAD] += by
    if isave[N_UPDATES] > 0:  # else there is no last correction
        isave[TAIL] += by
    if isave[LEAVING] > 0:  # else no variables were counted yet
        isave[LEAVING] += by


def choose_interface() -> Callable[[int], _State]:
    """Return the class of the state, tried on a parabola.

    The compiled function is private to SciPy. It is known by the signature that it
    declares itself.
    """
    declared = (getattr(getattr(_lbfgsb, "setulb", None), "__doc__", None) or "").split("\n")[0]
    known: dict[str, Callable[[int], _State]] = {
        C_INTERFACE: _State,
        C_INTERFACE_SINCE_1_18: _StateLikeLapack,
    }
    make = known.get(declared.strip())
    if make is None or not _finds_minimum(make):
        raise NumericalError(
            f"the L-BFGS-B of SciPy {scipy.__version__} has an interface"
            " that aenetpy does not know",
            hint=f"pip install '{TESTED}', or use another METHOD",
        )
    return make


def _finds_minimum(make: Callable[[int], _State]) -> bool:
    """Return whether the minimum of w^2 / 2 is found within a few calls."""
    state, weights_w = make(2), np.array([3.0, -4.0])
    for _ in range(20):
        state.advance(weights_w, 0.5 * float(weights_w @ weights_w), weights_w.copy())
        if state.task.startswith("CONVERGENCE"):
            return bool(np.abs(weights_w).max() <= PGTOL)
    return False


_new_state = choose_interface()
