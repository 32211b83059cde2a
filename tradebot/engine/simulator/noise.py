"""Randomness as a pure function: numbers that depend on a key and a counter only, never on the order of asking.

The generator is written out here (splitmix64, Steele et al. 2014) instead of taken from numpy, because numpy may
change its random streams between versions, and a data folder that names a simulator seed must stay extendable.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64, Int64

UInt64 = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MASK_16 = np.uint64(0xFFFF)
_MEAN_OF_FOUR = 4 * 65535 / 2
_DEVIATION_OF_FOUR = 65536 / np.sqrt(3.0)


def key_of(*parts: object) -> int:
    """A 64-bit key from names and numbers: `key_of(seed, "BTCUSDT", "volume")`."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")


def hashed(key: int, counters: npt.NDArray[Any]) -> UInt64:
    """One well-mixed 64-bit number for each counter (splitmix64); counters may be negative."""
    x = counters.astype(np.uint64)
    x *= _GOLDEN
    x += np.uint64(key)
    x ^= x >> np.uint64(30)
    x *= _FIRST
    x ^= x >> np.uint64(27)
    x *= _SECOND
    x ^= x >> np.uint64(31)
    return x


def bits(values: UInt64, shift: int, count: int) -> Int64:
    """`count` bits of each hashed number, from bit `shift` up, as integers 0 .. 2**count - 1."""
    return ((values >> np.uint64(shift)) & np.uint64((1 << count) - 1)).astype(np.int64)


def uniform_16(values: UInt64, shift: int) -> Float64:
    """A uniform number in (0, 1) out of 16 bits of each hashed number."""
    return (((values >> np.uint64(shift)) & _MASK_16).astype(np.float64) + 0.5) / 65536.0


def bell(values: UInt64) -> Float64:
    """A near-normal number (mean 0, deviation 1, within +-3.5) out of each hashed number: four uniforms summed."""
    total = values & _MASK_16
    total += (values >> np.uint64(16)) & _MASK_16
    total += (values >> np.uint64(32)) & _MASK_16
    total += values >> np.uint64(48)
    result: Float64 = (total.astype(np.float64) - _MEAN_OF_FOUR) / _DEVIATION_OF_FOUR
    return result


def normal(values: UInt64) -> Float64:
    """A normal number out of each hashed number, tails included (Box and Muller)."""
    first = ((values >> np.uint64(32)).astype(np.float64) + 0.5) / 4294967296.0
    second = (values & np.uint64(0xFFFFFFFF)).astype(np.float64) / 4294967296.0
    result: Float64 = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
    return result


def value_noise(key: int, positions: Int64, spacing: int) -> Float64:
    """Smooth noise: near-normal values at every multiple of `spacing`, straight lines between them."""
    knots = positions // spacing
    share = (positions - knots * spacing) / spacing
    result: Float64 = bell(hashed(key, knots)) * (1.0 - share) + bell(hashed(key, knots + 1)) * share
    return result
