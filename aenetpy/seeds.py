"""Random numbers: seeds, and the generator of gfortran."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.arrays import Int

N_WORDS = 8
"""Length of the seed of gfortran since version 7; older ones have 12 or 33."""

_MASKS = (0xBD0C5B6E50C2DF49, 0xD46061CD46E1DF38, 0xBB4F4D4ED6103544, 0x114A583D0756AD39)
_64_BITS = 2**64 - 1


def fresh_seed() -> int:
    """Return a seed that was never used, for runs without one."""
    return int(np.random.SeedSequence().generate_state(1)[0])


class GfortranRandom:
    """The random numbers of gfortran: xoshiro256** (spec 3.6).

    The state s is four 64-bit words: the seed reversed, joined in pairs with
    the low word first, exclusive-or'ed with fixed masks. One number is

        r = (rotl(5 s_1, 7) * 9 >> 11) * 2**-53
    """

    def __init__(self, words: Int | Sequence[int]) -> None:
        assert len(words) == N_WORDS
        state = np.ascontiguousarray(np.asarray(words, "<i4")[::-1]).view("<u8").tolist()
        self._state = [word ^ mask for word, mask in zip(state, _MASKS, strict=True)]

    @classmethod
    def from_seed(cls, seed: int) -> GfortranRandom:
        """Return a stream of its own for each seed."""
        return cls(np.random.SeedSequence(seed).generate_state(N_WORDS, np.uint32).view(np.int32))

    def random(self) -> float:
        """Return the next number, 0 <= r < 1."""
        a, b, c, d = self._state
        output = _rotated(b * 5 & _64_BITS, 7) * 9 & _64_BITS
        c ^= a
        d ^= b
        self._state = [a ^ d, b ^ c, c ^ (b << 17 & _64_BITS), _rotated(d, 45)]
        return (output >> 11) * 2.0**-53

    def state_words(self) -> Int:
        """Return the seed from which the stream goes on, (8,) int32."""
        state = [word ^ mask for word, mask in zip(self._state, _MASKS, strict=True)]
        return np.array(state, "<u8").view("<i4")[::-1].astype(np.int32)


def _rotated(word: int, bits: int) -> int:
    """Rotate 64 bits to the left."""
    return (word << bits | word >> 64 - bits) & _64_BITS
