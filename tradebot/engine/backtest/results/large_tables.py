"""The tables of a large result, read at once in columns: a million trades in seconds.

Only what is plainly as tradebot writes it is read here; anything else is left to the reader that goes line by line and
names the damaged one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import EntryReason, ExitReason, OrderKind, TradeStatus
from tradebot.engine.backtest.kernel.records import TRADE, Records
from tradebot.engine.market import Int64

LARGE_BYTES = 4_000_000
"""From here on loading pandas takes less time than it saves."""
_TIME = len("2024-05-01T12:00:00.000Z")
_FLAGS = {"true": 1, "false": 0}
_SIDES = {"long": 1, "short": -1}


def is_large(path: Path) -> bool:
    """Whether a table is worth it."""
    try:
        return path.stat().st_size >= LARGE_BYTES
    except OSError:
        return False


class LargeTable:
    """The columns of a CSV file; ValueError or KeyError where one does not hold what is asked of it."""

    def __init__(self, path: Path, names: Sequence[str], words: Sequence[str], whole: Sequence[str]) -> None:
        """`words` are the columns of words, `whole` those of whole numbers; `_time` ends the name of a time."""
        import pandas as pd  # here: small results do without it

        with path.open(encoding="utf-8") as file:
            if file.readline().rstrip("\n").split(",") != list(names):
                raise ValueError("another header")
        texts = {*words, *(name for name in names if name.endswith("_time"))}
        numbers = [name for name in names if name not in texts and name not in whole]
        options: dict[str, Any] = {}
        if tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1):
            options["float_precision"] = "round_trip"  # the default of older versions is off by a last digit
        read: Any = pd.read_csv  # its overloads do not know options that depend on the version
        self._frame = read(
            path,
            dtype={
                **dict.fromkeys(numbers, "float64"),
                **dict.fromkeys(whole, "int64"),
                **dict.fromkeys(texts, object),
            },
            index_col=False,
            keep_default_na=False,
            na_values={name: [""] for name in numbers},
            encoding="utf-8",
            **options,
        )

    def __len__(self) -> int:
        return len(self._frame)

    def numbers(self, name: str) -> Any:
        """A column of numbers; an empty cell is NaN."""
        return self._frame[name].to_numpy()

    def words(self, name: str, values: Mapping[str, int]) -> Int64:
        """What the words of a column stand for."""
        codes, present = self._different(name)
        return np.array([values[word] for word in present], dtype=np.int64)[codes]

    def pairs(self, first: str, second: str, values: Mapping[tuple[str, str], int]) -> Int64:
        """What the words of two columns together stand for."""
        (left, lefts), (right, rights) = self._different(first), self._different(second)
        present, where = np.unique(left * len(rights) + right, return_inverse=True)
        known = [values[lefts[code // len(rights)], rights[code % len(rights)]] for code in present.tolist()]
        return np.array(known, dtype=np.int64)[where]

    def _different(self, name: str) -> tuple[Int64, list[str]]:
        """The different words of a column, and for each row which of them stands there."""
        import pandas as pd

        codes, present = pd.factorize(self._frame[name])
        if len(codes) and codes.min() < 0:
            raise ValueError("an empty cell")
        return codes.astype(np.int64), [str(word) for word in present]

    def times(self, name: str) -> Int64:
        """UTC milliseconds of a column of ISO 8601 times."""
        texts = self._frame[name].to_numpy().astype(f"U{_TIME}")
        letters = texts.view("U1").reshape(-1, _TIME)
        if not (letters[:, -1] == "Z").all():
            raise ValueError("not a time as tradebot writes it")
        moments: Int64 = texts.astype(f"U{_TIME - 1}").astype("datetime64[ms]").astype(np.int64)
        return moments


def by_name(kind: type[IntEnum]) -> dict[str, int]:
    """The codes of an enumeration by the words that tables have for them."""
    return {member.name.lower(): member.value for member in kind}


def large_trades(
    path: Path, names: Sequence[str], plain: Sequence[str], slots: Mapping[tuple[str, str], int]
) -> Records:
    """The rows of a trades.csv as records TRADE; ValueError, KeyError or OSError where one is not plainly one."""
    strategies = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in slots))}
    words: dict[str, Mapping[str, int]] = {
        "strategy": strategies,
        "side": _SIDES,
        "entry_reason": by_name(EntryReason),
        "exit_reason": by_name(ExitReason),
        "ambiguous": _FLAGS,
        "status": by_name(TradeStatus),
    }
    table = LargeTable(path, names, (*words, "symbol"), ("trade_id", "bars"))
    trades: Records = np.zeros(len(table), dtype=TRADE)
    for name in ("trade_id", "bars", *plain):
        trades[name] = table.numbers(name)
    trades["quantity"] = table.numbers("qty")
    trades["slot"] = table.pairs("strategy", "symbol", slots)
    for name, values in words.items():
        trades[name] = table.words(name, values)
    for name in ("entry_time", "exit_time"):
        trades[name] = table.times(name)
    trades["initial_target"] = trades["liquidation_price"] = np.nan  # of trade_details.csv
    return trades


def large_details(path: Path, names: Sequence[str], kind: np.dtype[np.void]) -> Records:
    """The rows of a trade_details.csv as records of this kind; raises as `large_trades`."""
    orders = by_name(OrderKind)
    table = LargeTable(path, names, ("last_leg", "coarse", "entry_order"), ("trade_id", "leg", "adds"))
    details: Records = np.zeros(len(table), dtype=kind)
    for name in ("trade_id", "leg", "adds", "initial_target", "liquidation_price"):
        details[name] = table.numbers(name)
    for name in ("last_leg", "coarse"):
        details[name] = table.words(name, _FLAGS)
    details["entry_kind"] = table.words("entry_order", orders)
    details["decided_ms"] = table.times("decided_time")
    return details
