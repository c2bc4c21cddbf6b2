"""The state of an optimiser, ``train.restart`` (spec 7.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import ANY, COUNT, NOT_NEGATIVE, POSITIVE
from aenetpy.errors import DataError
from aenetpy.files.files import write_bytes
from aenetpy.formats.records import (
    RecordReader,
    array_record,
    decode_text,
    encode_text,
    integer_record,
    real_record,
    record,
)

REMEDY = "remove it to start the optimiser anew"

MEMORY = 20
"""Corrections that L-BFGS keeps, as in aenet."""


@dataclass(frozen=True, eq=False)
class BfgsRestart:
    """State of L-BFGS-B 3.0, by the names of its own arguments."""

    m: int
    n: int
    factr: float
    pgtol: float
    task: str
    iprint: int
    l: Float  # noqa: E741 - the name in L-BFGS-B
    u: Float
    nbd: Int
    wa: Float
    iwa: Int
    csave: str
    lsave: Int
    isave: Int
    dsave: Float


@dataclass(frozen=True, eq=False)
class EkfRestart:
    """State of the extended Kalman filter.

    Parameters
    ----------
    n_weights
        Number of all weights.
    group_size
        Of the largest group, w.
    forgetting
        The forgetting factor lambda.
    sizes_k
        Weights in each group, (k,) int32.
    covariance_kww
        Covariance P of each group, (k, w, w) float64; ``P[k, j, i]`` is the
        file's (i, j, k).
    """

    n_weights: int
    group_size: int
    forgetting: float
    sizes_k: Int
    covariance_kww: Float


Restart: TypeAlias = BfgsRestart | EkfRestart


def read_restart(path: str | Path) -> Restart:
    """Read ``train.restart`` of either method (spec 7.5)."""
    reader = RecordReader(path, "restart file", first_length=50, remedy=REMEDY)
    method = reader.text("method", 50)
    if method == "bfgs":
        restart: Restart = _read_bfgs(reader)
    elif method == "ekf":
        restart = _read_ekf(reader)
    else:
        raise reader.error(f"unknown method `{method}'", REMEDY)
    reader.finish()
    return restart


def write_restart(path: str | Path, restart: Restart) -> None:
    """Write ``train.restart`` (spec 7.5), complete or not at all."""
    write_bytes(path, encode_restart(restart))


def encode_restart(restart: Restart) -> bytes:
    """Return the content of ``train.restart`` (spec 7.5)."""
    if isinstance(restart, BfgsRestart):
        return _encode_bfgs(restart)
    return _encode_ekf(restart)


def check_restart(restart: Restart) -> None:
    """Refuse a state from which no method can go on; see `check_bfgs` and `check_ekf`."""
    if isinstance(restart, BfgsRestart):
        check_bfgs(restart)
    else:
        check_ekf(restart)


def has_ended(restart: BfgsRestart) -> bool:
    """Return whether a state waits for nothing, so that it cannot be continued."""
    return restart.task.strip() not in ("FG_START", "FG_LNSRCH")


def check_bfgs(restart: BfgsRestart) -> None:
    """Refuse a state that would lead the compiled code out of its arrays.

    One that had ended is not continued and may hold anything.
    """
    if restart.m != MEMORY:
        raise DataError(
            f"the state of L-BFGS keeps {restart.m} corrections, not {MEMORY}", hint=REMEDY
        )
    if has_ended(restart):
        return
    m, n = restart.m, restart.n
    sizes = [m * n, m * n, m * m, m * m, m * m, 4 * m * m, 4 * m * m, n, n, n, n, n]
    offsets = 1 + np.cumsum([0, *sizes])
    counters = restart.isave[26:29]  # head, number and tail of the stored corrections
    sound = (
        np.array_equal(restart.isave[:16], [m * n, m * m, 4 * m * m, *offsets])
        and counters.min() >= 0
        and counters.max() <= m
        and restart.isave[37:41].min() >= 0
        and restart.isave[37:41].max() <= n + 1
        and restart.iwa.min() >= -1
        and restart.iwa.max() <= n + 1
        and np.isfinite(restart.wa).all()
        and np.isfinite(restart.dsave).all()
    )
    if not sound:
        raise damaged("an offset, a counter or a number cannot be")


def check_ekf(restart: EkfRestart) -> None:
    """Refuse a state that makes all weights NaN; beyond its group a P may hold anything."""
    groups = zip(restart.sizes_k, restart.covariance_kww, strict=True)
    sound = all(np.isfinite(covariance_ww[:n, :n]).all() for n, covariance_ww in groups)
    if not sound:
        raise damaged("its covariance is not finite")


def damaged(what: str) -> DataError:
    """Return the error for a saved state that no method has left; the caller names its file."""
    return DataError(f"the state of the optimiser is damaged ({what})", hint=REMEDY)


def _encode_bfgs(state: BfgsRestart) -> bytes:
    return b"".join(
        [
            record(encode_text("bfgs", 50)),
            integer_record(state.m, state.n),
            real_record(state.factr, state.pgtol),
            record(encode_text(state.task, 60)),
            integer_record(state.iprint),
            record(
                np.asarray(state.l, "<f8").tobytes(),
                np.asarray(state.u, "<f8").tobytes(),
                np.asarray(state.nbd, "<i4").tobytes(),
                np.asarray(state.wa, "<f8").tobytes(),
                np.asarray(state.iwa, "<i4").tobytes(),
                encode_text(state.csave, 60),
                np.asarray(state.lsave, "<i4").tobytes(),
                np.asarray(state.isave, "<i4").tobytes(),
                np.asarray(state.dsave, "<f8").tobytes(),
            ),
        ]
    )


def _read_bfgs(reader: RecordReader) -> BfgsRestart:
    m, n = reader.integers("numbers of corrections and weights", 2, POSITIVE)
    factr, pgtol = reader.reals("tolerances", 2, NOT_NEGATIVE).tolist()
    task = reader.text("task", 60)
    iprint = reader.integer("verbosity")
    n_wa = (2 * m + 5) * n + 11 * m * m + 8 * m
    sizes = [8 * n, 8 * n, 4 * n, 8 * n_wa, 12 * n, 60, 16, 176, 232]
    pieces = _split(reader.record("state", sum(sizes)), sizes)
    lower, upper, nbd, wa, iwa, csave, lsave, isave, dsave = pieces
    return BfgsRestart(
        m=m,
        n=n,
        factr=factr,
        pgtol=pgtol,
        task=task,
        iprint=iprint,
        l=_reals(lower),
        u=_reals(upper),
        nbd=_integers(nbd),
        wa=_reals(wa),
        iwa=_integers(iwa),
        csave=decode_text(csave),
        lsave=_integers(lsave),
        isave=_integers(isave),
        dsave=_reals(dsave),
    )


def _encode_ekf(state: EkfRestart) -> bytes:
    return b"".join(
        [
            record(encode_text("ekf", 50)),
            integer_record(state.n_weights, state.group_size, len(state.sizes_k)),
            real_record(state.forgetting),
            array_record(state.sizes_k, "<i4"),
            array_record(state.covariance_kww, "<f8"),
        ]
    )


def _read_ekf(reader: RecordReader) -> EkfRestart:
    n_weights, w, k = reader.integers("numbers of weights and groups", 3, POSITIVE)
    return EkfRestart(
        n_weights=n_weights,
        group_size=w,
        forgetting=reader.real("forgetting factor", POSITIVE),
        sizes_k=reader.integer_array("group sizes", k, COUNT),
        covariance_kww=reader.reals("covariance", w * w * k, ANY).reshape(k, w, w),
    )


def _split(data: bytes, sizes: list[int]) -> tuple[bytes, ...]:
    """Cut data into pieces of the given bytes."""
    return struct.unpack("<" + "".join(f"{size}s" for size in sizes), data)


def _reals(data: bytes) -> Float:
    return np.frombuffer(data, "<f8").astype(np.float64)


def _integers(data: bytes) -> Int:
    return np.frombuffer(data, "<i4").astype(np.int32)
