"""Numbers and envelopes as the exchange writes them."""

from __future__ import annotations

import json

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
    count = len(bars)
    if count == 0:
        return "[]"
    newest_first = [column[::-1] for column in bars.columns()]
    decimals = (0, *[coin.tick_decimals] * 4, coin.lot_decimals, coin.turnover_decimals)
    cells: list[Bytes] = []
    shown: list[Flags] = []
    for position, (column, places) in enumerate(zip(newest_first, decimals, strict=True)):
        lead = '["' if position == 0 else '","'
        digits, visible = _digits(column, places)
        cells += [_text(lead, count), digits]
        shown += [np.ones((count, len(lead)), dtype=np.bool_), visible]
    cells.append(_text('"],', count))
    shown.append(np.ones((count, 3), dtype=np.bool_))
    matrix, mask = np.concatenate(cells, axis=1), np.concatenate(shown, axis=1)
    return f"[{matrix[mask].tobytes()[:-1].decode('ascii')}]"


def _text(text: str, count: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(text.encode("ascii"), dtype=np.uint8), (count, len(text)))


def _digits(units: Int64, decimals: int) -> tuple[Bytes, Flags]:
    """Digits and point of every number in fixed places, and which of them are written."""
    if decimals < 0:
        units, decimals = units * 10**-decimals, 0
    width = max(len(str(int(units.max()))), decimals + 1)
    digits = np.empty((len(units), width), dtype=np.uint8)
    rest = units
    for place in range(width - 1, -1, -1):
        left = rest // 10
        digits[:, place] = rest - left * 10
        rest = left
    whole, fraction = digits[:, : width - decimals], digits[:, width - decimals :]
    shown_whole = np.logical_or.accumulate(whole != 0, axis=1)
    shown_whole[:, -1] = True
    if decimals == 0:
        return digits + _ZERO, shown_whole
    shown_fraction = np.logical_or.accumulate(fraction[:, ::-1] != 0, axis=1)[:, ::-1]
    point = np.full((len(units), 1), _POINT, dtype=np.uint8)
    cells = np.concatenate([whole + _ZERO, point, fraction + _ZERO], axis=1)
    return cells, np.concatenate([shown_whole, shown_fraction[:, :1], shown_fraction], axis=1)
