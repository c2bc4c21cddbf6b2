"""The state of an optimiser, ``train.restart`` (spec 7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import ANY, COUNT, NOT_NEGATIVE, POSITIVE
from aenetpy.errors import DataError
from aenetpy.formats.layout import RECORDS, Field, build, read_fields, write_fields
from aenetpy.formats.records import RecordReader, decode_text, encode_text, record

REMEDY = "remove it to start the optimiser anew"

MEMORY = 20
"""Corrections that L-BFGS keeps, as in aenet."""

METHOD = Field("method", "text", "method", (50,))
BFGS = (
    Field("m n", "integers", "numbers of corrections and weights", limit=POSITIVE),
    Field("factr pgtol", "reals", "tolerances", limit=NOT_NEGATIVE),
    Field("task", "text", "task", (60,)),
    Field("iprint", "integers", "verbosity", limit=ANY),
)
EKF = (
    Field(
        "n_weights group_size n_groups", "integers", "numbers of weights and groups", (), POSITIVE
    ),
    Field("forgetting", "reals", "forgetting factor", limit=POSITIVE),
    Field("sizes_k", "integers", "group sizes", ("n_groups",), COUNT),
    Field("covariance_kww", "reals", "covariance", ("n_groups", "group_size", "group_size"), ANY),
)


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
    method = read_fields(reader, [METHOD])["method"]
    if method == "bfgs":
        restart: Restart = _read_bfgs(reader)
    elif method == "ekf":
        restart = _read_ekf(reader)
    else:
        raise reader.error(f"unknown method `{method}'", REMEDY)
    reader.finish()
    return restart


def encode_restart(restart: Restart) -> bytes:
    """Return the content of ``train.restart`` (spec 7.5)."""
    values: dict[str, Any] = dict(vars(restart))
    if isinstance(restart, BfgsRestart):
        records = write_fields(RECORDS, (METHOD, *BFGS), {"method": "bfgs", **values})
        values["csave"] = encode_text(restart.csave, 60)
        parts = _bfgs_state(restart.m, restart.n)
        records.append(record(*(np.asarray(values[k], kind).tobytes() for k, kind, _ in parts)))
    else:
        values |= {"method": "ekf", "n_groups": len(restart.sizes_k)}
        records = write_fields(RECORDS, (METHOD, *EKF), values)
    return b"".join(records)


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


def _read_bfgs(reader: RecordReader) -> BfgsRestart:
    values = read_fields(reader, BFGS)
    parts = _bfgs_state(values["m"], values["n"])
    size = sum(np.dtype(kind).itemsize * prod(shape) for _, kind, shape in parts)
    state = np.frombuffer(reader.record("state", size), parts)[0]
    values |= {name: state[name].copy() for name, _, _ in parts}
    values["csave"] = decode_text(state["csave"].tobytes())
    return build(BfgsRestart, values)


def _bfgs_state(m: int, n: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return name, type and shape of each part of the last record of L-BFGS-B."""
    return [
        ("l", "<f8", (n,)),
        ("u", "<f8", (n,)),
        ("nbd", "<i4", (n,)),
        ("wa", "<f8", ((2 * m + 5) * n + 11 * m * m + 8 * m,)),
        ("iwa", "<i4", (3 * n,)),
        ("csave", "V60", ()),
        ("lsave", "<i4", (4,)),
        ("isave", "<i4", (44,)),
        ("dsave", "<f8", (29,)),
    ]


def _read_ekf(reader: RecordReader) -> EkfRestart:
    values = read_fields(reader, EKF)
    values["sizes_k"] = np.array(values["sizes_k"], np.int32)
    return build(EkfRestart, values)
