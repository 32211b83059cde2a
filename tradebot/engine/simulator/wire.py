"""Numbers and envelopes as the exchange writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Int64
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.listing import Coin

_ZERO, _POINT = ord("0"), ord(".")
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def fixed(units: int, decimals: int) -> str:
    """Units of 10**-decimals as text with exactly that many decimals: `fixed(285507, 1)` -> "28550.7"."""
    if decimals <= 0:
        return str(units * 10**-decimals)
    sign, whole = ("-", -units) if units < 0 else ("", units)
    return f"{sign}{whole // 10**decimals}.{whole % 10**decimals:0{decimals}d}"


def trimmed(units: int, decimals: int) -> str:
    """Units of 10**-decimals without trailing zeros, as in klines: `trimmed(285500, 1)` -> "28550"."""
    text = fixed(units, decimals)
    return text.rstrip("0").rstrip(".") if decimals > 0 else text


def padded(units: int, decimals: int, scale: int) -> str:
    """Units of 10**-decimals with at least `scale` decimals: `padded(285507, 1, 2)` -> "28550.70"."""
    return fixed(units * 10 ** max(0, scale - decimals), max(scale, decimals))


def envelope(result: str, now_ms: int) -> str:
    """A successful reply around a result that is JSON text already."""
    return f'{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},"time":{now_ms}}}'


def refusal(code: int, message: str, now_ms: int) -> str:
    """A reply that refuses a request; the HTTP status stays 200."""
    return (
        f'{{"retCode":{code},"retMsg":{json.dumps(message)},"result":{{}},"retExtInfo":{{}},"time":{now_ms}}}'
    )


def kline_rows(bars: Bars, coin: Coin) -> str:
    """Bars as the exchange's list of rows of strings, newest first, JSON text.

    All digits of a page are laid out in one byte matrix and the unneeded ones dropped at once, which is several
    times quicker than formatting each number.
    """
    decimals = (0, *[coin.tick_decimals] * 4, coin.lot_decimals, coin.turnover_decimals)
    return _rows(bars.columns(), decimals)


def price_rows(bars: Bars, tick_decimals: int) -> str:
    """As `kline_rows`, without volume and turnover: mark and index prices; premiums, which may be negative."""
    columns = bars.columns()[:5]
    if len(bars) and int(bars.low.min()) < 0:
        rows = (
            f'["{time}",{",".join(_quoted(value, tick_decimals) for value in values)}]'
            for time, *values in zip(*(column[::-1].tolist() for column in columns), strict=True)
        )
        return f"[{','.join(rows)}]"
    return _rows(columns, (0, *[tick_decimals] * 4))


def _quoted(units: int, decimals: int) -> str:
    return f'"{trimmed(units, decimals)}"'


def _rows(columns: Sequence[Int64], decimals: Sequence[int]) -> str:
    count = len(columns[0])
    if count == 0:
        return "[]"
    cells = [_Cells(column[::-1], places) for column, places in zip(columns, decimals, strict=True)]
    leads = ['["', *['","'] * (len(cells) - 1)]
    width = sum(cell.width for cell in cells) + sum(map(len, leads)) + len(_ROW_END)
    matrix = np.empty((count, width), dtype=np.uint8)
    shown = np.ones((count, width), dtype=np.bool_)
    at = 0
    for lead, cell in zip(leads, cells, strict=True):
        matrix[:, at : at + len(lead)] = _bytes(lead)
        at += len(lead)
        cell.write(matrix[:, at : at + cell.width], shown[:, at : at + cell.width])
        at += cell.width
    matrix[:, at:] = _bytes(_ROW_END)
    text = np.compress(shown.ravel(), matrix.ravel()).tobytes()
    return f"[{text[:-1].decode('ascii')}]"


def _bytes(text: str) -> Bytes:
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


_ROW_END = '"],'
# Four digits at a time: the text of every number below 10,000, packed into 32 bits.
_GROUPS = np.frombuffer("".join(f"{n:04d}" for n in range(10_000)).encode("ascii"), dtype=np.uint32)
_POWERS = 10 ** np.arange(1, 19, dtype=np.int64)


class _Cells:
    """One column of numbers as digits in fixed places, and which of them are written."""

    def __init__(self, units: Int64, decimals: int) -> None:
        self._units = units * 10**-decimals if decimals < 0 else np.ascontiguousarray(units)
        self._decimals = max(0, decimals)
        digits = max(len(str(int(self._units.max()))), self._decimals + 1)
        self._groups = -(-digits // 4)
        self.width = 4 * self._groups + (self._decimals > 0)

    def write(self, matrix: Bytes, shown: Flags) -> None:
        """Fill the column's places of a page."""
        rest = self._units
        packed = np.empty((len(rest), self._groups), dtype=np.uint32)
        for group in range(self._groups - 1, 0, -1):
            left = rest // 10_000
            packed[:, group] = _GROUPS[rest - left * 10_000]
            rest = left
        packed[:, 0] = _GROUPS[rest]
        digits = packed.view(np.uint8)
        whole = 4 * self._groups - self._decimals
        written = np.searchsorted(_POWERS, self._units, side="right") + 1
        first = np.minimum(4 * self._groups - written, whole - 1)
        matrix[:, :whole] = digits[:, :whole]
        shown[:, :whole] = np.arange(whole) >= first[:, None]
        if self._decimals:
            fraction = digits[:, whole:]
            matrix[:, whole] = _POINT
            matrix[:, whole + 1 :] = fraction
            # A digit is written where it or one behind it is not 0; the point where any is.
            needed = np.logical_or.accumulate(fraction[:, ::-1] != _ZERO, axis=1)[:, ::-1]
            shown[:, whole + 1 :] = needed
            shown[:, whole] = needed[:, 0]
