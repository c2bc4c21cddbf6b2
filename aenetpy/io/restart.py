"""The state of an optimiser, ``train.restart`` (spec 7.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import ANY, COUNT, NOT_NEGATIVE, POSITIVE
from aenetpy.io.files import write_bytes
from aenetpy.io.fortran import (
    RecordReader,
    array_record,
    decode_text,
    encode_text,
    integer_record,
    real_record,
    record,
)

REMEDY = "remove it to start the optimiser anew"


@dataclass(frozen=True, eq=False)
class BfgsRestart:
    """State of L-BFGS-B 3.0, by the names of its own arguments.

    Parameters
    ----------
    m, n
        Corrections kept (20 in aenet), number of all weights.
    factr, pgtol
        Tolerances.
    task, csave
        Where it stands, 60 characters.
    iprint
        Verbosity.
    l, u, nbd
        Bounds and their kind, (n,) float64, float64, int32.
    wa, iwa
        Workspace, ((2m+5)n + 11m² + 8m,) float64 and (3n,) int32.
    lsave, isave, dsave
        (4,) and (44,) int32, (29,) float64.
    """

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


def read_restart(path: str | Path) -> BfgsRestart | EkfRestart:
    """Read ``train.restart`` of either method (spec 7.5).

    Parameters
    ----------
    path
        The binary file.

    Raises
    ------
    DataError
        Not found, foreign, big-endian, truncated, damaged, of an unknown
        method, or larger than one Fortran record.
    """
    reader = RecordReader(path, "restart file", first_length=50, remedy=REMEDY)
    method = reader.text("method", 50)
    if method == "bfgs":
        restart: BfgsRestart | EkfRestart = _read_bfgs(reader)
    elif method == "ekf":
        restart = _read_ekf(reader)
    else:
        raise reader.error(f"unknown method `{method}'", REMEDY)
    reader.finish()
    return restart


def write_restart(path: str | Path, restart: BfgsRestart | EkfRestart) -> None:
    """Write ``train.restart`` (spec 7.5), complete or not at all.

    Parameters
    ----------
    path
        The file to make or replace.
    restart
        The state.

    Raises
    ------
    DataError
        The file cannot be written, or its state exceeds one Fortran record.
    """
    write_bytes(path, encode_restart(restart))


def encode_restart(restart: BfgsRestart | EkfRestart) -> bytes:
    """Return the content of ``train.restart`` (spec 7.5)."""
    if isinstance(restart, BfgsRestart):
        return _encode_bfgs(restart)
    return _encode_ekf(restart)


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
