"""Eight numbers side by side: a vector type for kernels.

LLVM may not reorder a sum under IEEE arithmetic, so sums over neighbours stay
scalar unless the kernel itself says how they are split. A ``Lanes`` value does:
lane k sums the neighbours k, k + 8, k + 16, ... on every machine, for any
width of its vector unit, so that results do not depend on the processor.

Kernels use ``+ - * /`` between lanes (or a float and lanes) and the functions below.
"""

# mypy: ignore-errors

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from aenetpy.kernels._numba import (
    COMPILES,
    ConcreteTemplate,
    cgutils,
    infer_global,
    intrinsic,
    ir,
    lower_builtin,
    models,
    register_model,
    signature,
    types,
)

WIDTH = 8


class Lanes(types.Type):
    """Numba type of eight float64 in one vector register (or two, or four)."""

    def __init__(self):
        super().__init__(name="Lanes8")


lanes = Lanes()
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_ROW = types.Array(types.float64, 1, "C")


def _function(python: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function for kernels out of one that writes LLVM code.

    With compilation switched off, lanes are arrays of eight numbers and it is ``python``.
    """

    def make(code: Callable[..., Any]) -> Callable[..., Any]:
        return intrinsic(code) if COMPILES else python

    return make


def _set(array, start, value):
    array[start : start + WIDTH] = value


def _sum_by_halves(value):
    while value.size > 1:
        value = value[: value.size // 2] + value[value.size // 2 :]
    return value[0]


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, _VECTOR)


def _splat(builder, value):
    one = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _define(function, instruction):
    """Give one arithmetic operator its meaning for lanes."""

    @infer_global(function)
    class _Template(ConcreteTemplate):
        cases = [  # noqa: RUF012
            signature(lanes, lanes, lanes),
            signature(lanes, types.float64, lanes),
        ]

    @lower_builtin(function, Lanes, Lanes)
    def _lanes_lanes(context, builder, sig, args):
        return getattr(builder, instruction)(*args)

    @lower_builtin(function, types.Float, Lanes)
    def _float_lanes(context, builder, sig, args):
        return getattr(builder, instruction)(_splat(builder, args[0]), args[1])


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")


def _address(context, builder, array_type, array, index):
    """Pointer to eight consecutive numbers of a contiguous array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@_function(lambda array, start: array[start : start + WIDTH].copy())
def load(typingctx, array, start):
    """Return ``array[start : start + 8]`` as lanes; the array is 1-D and contiguous.

    One of single precision is converted.
    """
    if array.dtype == types.float32:

        def code(context, builder, sig, args):
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            eight = ir.VectorType(ir.FloatType(), WIDTH)
            address = builder.bitcast(builder.gep(data, [args[1]]), eight.as_pointer())
            return builder.fpext(builder.load(address, align=4), _VECTOR)

        return signature(lanes, types.Array(types.float32, 1, "C"), types.intp), code

    def code(context, builder, sig, args):
        return builder.load(_address(context, builder, sig.args[0], *args), align=8)

    return signature(lanes, _ROW, types.intp), code


@_function(_set)
def store(typingctx, array, start, value):
    """Do ``array[start : start + 8] = value``."""

    def code(context, builder, sig, args):
        address = _address(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], address, align=8)
        return context.get_dummy_value()

    return signature(types.void, _ROW, types.intp, lanes), code


@_function(lambda value: np.full(WIDTH, value))
def splat(typingctx, value):
    """Return the same number in all lanes."""

    def code(context, builder, sig, args):
        return _splat(builder, args[0])

    return signature(lanes, types.float64), code


@_function(np.sqrt)
def square_root(typingctx, value):
    """Return the square roots, correctly rounded."""

    def code(context, builder, sig, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.sqrt.v{WIDTH}f64"
        )
        return builder.call(function, args)

    return signature(lanes, lanes), code


@_function(lambda value: np.where(value > 0.0, value, 0.0))
def positive_part(typingctx, value):
    """Return the numbers above zero, and zero for all others and for NaN."""

    def code(context, builder, sig, args):
        zero = ir.Constant(_VECTOR, [0.0] * WIDTH)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[0], zero)

    return signature(lanes, lanes), code


@_function(_sum_by_halves)
def total(typingctx, value):
    """Return the sum of the lanes, halves first: ((0+4)+(2+6)) + ((1+5)+(3+7))."""

    def code(context, builder, sig, args):
        numbers = [
            builder.extract_element(args[0], ir.Constant(ir.IntType(32), k)) for k in range(WIDTH)
        ]
        while len(numbers) > 1:
            half = len(numbers) // 2
            numbers = [builder.fadd(numbers[k], numbers[k + half]) for k in range(half)]
        return numbers[0]

    return signature(types.float64, lanes), code
