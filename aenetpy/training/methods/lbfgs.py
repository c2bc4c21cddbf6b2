"""L-BFGS-B 3.0 as a method of one step, driven by hand (spec 3.3, method bfgs)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.optimize import _lbfgsb

from aenetpy.errors import NumericalError

Float = NDArray[np.float64]

MEMORY = 20
FACTR = 0.0
PGTOL = 1e-6
LINE_SEARCH_STEPS = 20

C_INTERFACE = "setulb(m,x,l,u,nbd,f,g,factr,pgtol,wa,iwa,task,lsave,isave,dsave,maxls,ln_task)"
FORTRAN_INTERFACE = (
    "setulb(m,x,l,u,nbd,f,g,factr,pgtol,wa,iwa,task,iprint,csave,lsave,isave,dsave,maxls,[n])"
)


class LBFGS:
    """Limited-memory BFGS, one evaluation of the objective per step.

    The method is L-BFGS-B 3.0 without bounds, with the settings of aenet: 20
    corrections, ``factr = 0``, ``pgtol = 1e-6``. The first step only initialises and
    returns the weights unchanged, which is why epoch 1 of aenet repeats epoch 0. A
    later step may be a trial point of the line search.

    Parameters
    ----------
    n_weights
        Number of weights of all networks together.

    Raises
    ------
    NumericalError
        If this SciPy offers another interface than the two that are known.

    Notes
    -----
    Spec 3.3. ``scipy.optimize.minimize`` cannot be used: it hides where one
    evaluation ends and the next begins, and it cannot be interrupted and continued.
    """

    def __init__(self, n_weights: int) -> None:
        self._backend = _make_backend(n_weights)
        self._weights_w = np.zeros(n_weights)
        self.converged = False
        self.note: str | None = None

    def step(self, weights_w: Float, value: float, gradient_w: Float) -> Float:
        """Return the weights at which the objective is to be evaluated next.

        Parameters
        ----------
        weights_w
            Where value and gradient were taken, (w,) float64.
        value, gradient_w
            The objective there, and its gradient, (w,) float64.

        Returns
        -------
        weights_w
            A new array; the best weights found once ``converged`` or ``note`` is set.
        """
        self._weights_w[:] = weights_w
        gradient_w = gradient_w.copy()  # the library restores it after a failed search
        task = "NEW_X"
        while task.startswith("NEW_X"):
            task = self._backend.advance(self._weights_w, value, gradient_w)
        self.converged = task.startswith("CONV")
        if not self.converged and not task.startswith("FG"):
            self.note = f"L-BFGS cannot improve the weights any further ({task.lower()})"
        return self._weights_w.copy()


class _State:
    """The arrays in which L-BFGS-B keeps its state between calls."""

    def __init__(self, n: int, integer: type[np.signedinteger[Any]]) -> None:
        m = MEMORY
        self.bound_w = np.zeros(n)  # lower and upper, unused
        self.nbd_w = np.zeros(n, dtype=integer)
        self.wa = np.zeros((2 * m + 5) * n + 11 * m * m + 8 * m)
        self.iwa = np.zeros(3 * n, dtype=integer)
        self.lsave = np.zeros(4, dtype=integer)
        self.isave = np.zeros(44, dtype=integer)
        self.dsave = np.zeros(29)


class _Translated(_State):
    """The C translation in SciPy 1.15 and later: tasks are numbers."""

    tasks = ("START", "NEW_X", "RESTART", "FG", "CONV", "STOP", "WARNING", "ERROR", "ABNORMAL")

    def __init__(self, n: int) -> None:
        super().__init__(n, np.int32)
        self.task = np.zeros(2, dtype=np.int32)
        self.search_task = np.zeros(2, dtype=np.int32)

    def advance(self, weights_w: Float, value: float, gradient_w: Float) -> str:
        _lbfgsb.setulb(
            MEMORY, weights_w, self.bound_w, self.bound_w, self.nbd_w, value, gradient_w,
            FACTR, PGTOL, self.wa, self.iwa, self.task, self.lsave, self.isave, self.dsave,
            LINE_SEARCH_STEPS, self.search_task,
        )  # fmt: skip
        return self.tasks[self.task[0]]


class _Original(_State):
    """The Fortran original in SciPy before 1.15: tasks are strings."""

    def __init__(self, n: int) -> None:
        super().__init__(n, _lbfgsb.types.intvar.dtype.type)
        self.task = np.array(b"START", dtype="S60")
        self.csave = np.array(b"", dtype="S60")

    def advance(self, weights_w: Float, value: float, gradient_w: Float) -> str:
        silent = -1
        _lbfgsb.setulb(
            MEMORY, weights_w, self.bound_w, self.bound_w, self.nbd_w, value, gradient_w,
            FACTR, PGTOL, self.wa, self.iwa, self.task, silent, self.csave, self.lsave,
            self.isave, self.dsave, LINE_SEARCH_STEPS,
        )  # fmt: skip
        return self.task.tobytes().decode("ascii").strip(" \0")


def _make_backend(n_weights: int) -> _Translated | _Original:
    """Choose by the signature that the compiled function itself declares."""
    declared = (_lbfgsb.setulb.__doc__ or "").split("\n")[0].strip()
    if declared == C_INTERFACE:
        return _Translated(n_weights)
    if declared == FORTRAN_INTERFACE:
        return _Original(n_weights)
    raise NumericalError(
        f"the L-BFGS-B of SciPy {scipy.__version__} has an interface that aenetpy does not know",
        hint="install another SciPy, for instance 1.16",
    )
