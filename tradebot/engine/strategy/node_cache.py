"""Columns of nodes kept between runs: a variation of a strategy computes only what it changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Columns = tuple[npt.NDArray[Any], ...]
"""What a node computes: float columns of an indicator, bool columns of a signal."""


@dataclass(frozen=True, slots=True)
class NodeCacheState:
    """What a cache holds and how it fared since it was made."""

    nodes: int
    held_bytes: int
    hits: int
    misses: int
    evicted: int


class NodeCache:
    """Columns by (data hash, node hash), within a budget of bytes; what was not used for longest goes first.

    Columns that went in are read-only from then on. Thread-safe; two threads that miss the same node both compute it.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._nodes: OrderedDict[str, tuple[Columns, int]] = OrderedDict()
        self._bytes = self._hits = self._misses = self._evicted = 0

    def get(self, key: str, compute: Callable[[], Columns]) -> Columns:
        """The columns of this key, computed where they are not held. A node larger than the budget is not kept."""
        with self._lock:
            held = self._nodes.get(key)
            if held is not None:
                self._hits += 1
                self._nodes.move_to_end(key)
                return held[0]
            self._misses += 1
        columns = compute()
        size = sum(column.nbytes for column in {id(column): column for column in columns}.values())
        for column in columns:
            column.flags.writeable = False
        with self._lock:
            if key not in self._nodes and size <= self._budget:
                self._nodes[key] = (columns, size)
                self._bytes += size
                self._make_room()
        return columns

    def _make_room(self) -> None:
        while self._bytes > self._budget:
            _key, (_columns, size) = self._nodes.popitem(last=False)
            self._bytes -= size
            self._evicted += 1

    def clear(self) -> None:
        """Let go of everything that is held."""
        with self._lock:
            self._nodes.clear()
            self._bytes = 0

    @property
    def state(self) -> NodeCacheState:
        """What is held now, and the counts since the beginning."""
        with self._lock:
            return NodeCacheState(len(self._nodes), self._bytes, self._hits, self._misses, self._evicted)
