"""A result taken apart: by month and year, by symbol, side, hour, weekday and exit, by excursion and distribution."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tradebot.engine.backtest.figures import trade_metrics as t
from tradebot.engine.backtest.figures.metrics import daily_equity
from tradebot.engine.backtest.figures.positions import closed_positions
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.market import DAY_MS, HOUR_MS, Float64, Int64

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_THURSDAY = 3  # 1970-01-01


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One calendar month (UTC) or, with `month` 0, one year: its return and the trades closed in it.

    `total_return` is a fraction, None where the equity was used up before; `whole` is false where the run covers only
    a part of the period.
    """

    year: int
    month: int
    total_return: float | None
    trades: int
    pnl: float
    whole: bool


class Grouping(StrEnum):
    """What trades can be grouped by; hours and weekdays are those of the entry, UTC."""

    STRATEGY = "strategy"
    SYMBOL = "symbol"
    SIDE = "side"
    HOUR = "hour"
    WEEKDAY = "weekday"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The closed trades of one group; money in the quote coin, ratios as fractions, None where undefined."""

    name: str
    trades: int
    win_rate: float | None
    pnl: float
    mean_pnl: float | None
    mean_r: float | None
    profit_factor: float | None
    fees: float
    funding: float
    slippage: float


@dataclass(frozen=True, slots=True)
class Excursions:
    """How far trades went against and for us, in R where they had a stop, else as a fraction of the entry.

    Quartiles (25 %, 50 %, 75 %) of the closed trades' worst (MAE, <= 0) and best (MFE, >= 0) excursion; None without
    trades of that kind. `given_back`: the winners' mean share of the best excursion that was lost by the exit.
    """

    winners_mae: tuple[float, float, float] | None
    losers_mae: tuple[float, float, float] | None
    winners_mfe: tuple[float, float, float] | None
    losers_mfe: tuple[float, float, float] | None
    given_back: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges (one more than counts); the last bin takes its upper edge too."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def result_days(result: BacktestResult) -> tuple[Int64, Float64]:
    """Equity at the end of each UTC day of the run, the start first: (ends in UTC ms, equity)."""
    return daily_equity(result.curve["time"], result.curve["equity"], result.settings.cash, result.start_ms)


def monthly(result: BacktestResult) -> tuple[PeriodRow, ...]:
    """Every calendar month the run touches, in order. A bar that closes at midnight belongs to the day that ends."""
    return _periods(result, 1)


def yearly(result: BacktestResult) -> tuple[PeriodRow, ...]:
    """Every calendar year the run touches, in order."""
    return _periods(result, 12)


def _periods(result: BacktestResult, months: int) -> tuple[PeriodRow, ...]:
    ends, equity = result_days(result)
    trades = closed_positions(result.trades)
    days = _month(ends[1:] - 1) // months
    exits = _month(trades["exit_time"] - 1) // months
    begin = _month(np.array([result.start_ms])) // months
    rows = []
    for period in np.unique(days).tolist():
        first, last = np.searchsorted(days, [period, period + 1]).tolist()
        before, after = float(equity[first]), float(equity[last])
        inside = exits == period
        covered = period > begin[0] or result.start_ms <= _starts_ms(period * months)
        rows.append(
            PeriodRow(
                year=1970 + period * months // 12,
                month=period % 12 + 1 if months == 1 else 0,
                total_return=after / before - 1.0 if before > 0.0 else None,
                trades=int(np.count_nonzero(inside)),
                pnl=float(trades["pnl"][inside].sum()),
                whole=bool(covered) and int(ends[last]) >= _starts_ms((period + 1) * months),
            )
        )
    return tuple(rows)


def _month(time_ms: Int64) -> Int64:
    """Months since January 1970, UTC."""
    months: Int64 = time_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return months


def _starts_ms(month: int) -> int:
    return int(np.datetime64(month, "M").astype("datetime64[ms]").astype(np.int64))


def grouped(result: BacktestResult, by: Grouping) -> tuple[GroupRow, ...]:
    """The closed trades (whole positions) by group: symbols and strategies by name, sides, hours and weekdays in their
    order, exits by how often they happened. Groups without a trade are left out."""
    trades = closed_positions(result.trades)
    names, member = _members(result, trades, by)
    rows = [_group(name, trades[member == number]) for number, name in enumerate(names)]
    rows = [row for row in rows if row.trades]
    return tuple(sorted(rows, key=lambda row: (-row.trades, row.name)) if by is Grouping.EXIT else rows)


def _members(result: BacktestResult, trades: Records, by: Grouping) -> tuple[list[str], Int64]:
    """The names of the groups, and the number of the group that each trade belongs to."""
    entry: Int64 = trades["entry_time"]
    if by in (Grouping.SYMBOL, Grouping.STRATEGY):
        of_slots = result.symbols if by is Grouping.SYMBOL else result.slot_strategies
        names = sorted(set(of_slots))
        number = np.array([names.index(name) for name in of_slots], dtype=np.int64)
        return names, number[trades["slot"]]
    if by is Grouping.SIDE:
        return ["long", "short"], (trades["side"] < 0).astype(np.int64)
    if by is Grouping.HOUR:
        return [f"{hour:02d}:00" for hour in range(24)], entry // HOUR_MS % 24
    if by is Grouping.WEEKDAY:
        return list(_WEEKDAYS), (entry // DAY_MS + _THURSDAY) % 7
    reasons = list(ExitReason)
    found = np.searchsorted([reason.value for reason in reasons], trades["exit_reason"])
    return [reason.name.lower() for reason in reasons], found.astype(np.int64)


def _group(name: str, trades: Records) -> GroupRow:
    pnl, r = np.ascontiguousarray(trades["pnl"]), trades["r"]
    return GroupRow(
        name=name,
        trades=len(trades),
        win_rate=t.win_rate(pnl),
        pnl=float(pnl.sum()),
        mean_pnl=t.mean_or_none(pnl),
        mean_r=t.mean_or_none(r[~np.isnan(r)]),
        profit_factor=t.profit_factor(pnl),
        fees=float(trades["fees"].sum()),
        funding=float(trades["funding"].sum()),
        slippage=float(trades["slippage"].sum()),
    )


def excursions(result: BacktestResult) -> Excursions:
    """How far the closed trades went against and for us before they ended."""
    trades = closed_positions(result.trades)
    won = trades["pnl"] > 0.0
    best = trades["mfe"][won]
    risk = np.abs(trades["entry_price"] - trades["initial_stop"])
    scale = np.where(np.isnan(risk), trades["entry_price"], risk)
    kept = (trades["side"] * (trades["exit_price"] - trades["entry_price"]) / scale)[won]
    share = 1.0 - kept[best > 0.0] / best[best > 0.0]
    return Excursions(
        winners_mae=_quartiles(trades["mae"][won]),
        losers_mae=_quartiles(trades["mae"][~won]),
        winners_mfe=_quartiles(best),
        losers_mfe=_quartiles(trades["mfe"][~won]),
        given_back=t.mean_or_none(share),
    )


def _quartiles(values: Float64) -> tuple[float, float, float] | None:
    if not len(values):
        return None
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return low, middle, high


def r_histogram(result: BacktestResult, bins: int = 20) -> Histogram | None:
    """The closed trades by R, from the worst to the best in equal steps; None where no trade had a stop."""
    r = closed_positions(result.trades)["r"]
    return histogram(r[~np.isnan(r)], bins)


def day_histogram(result: BacktestResult, bins: int = 20) -> Histogram | None:
    """The days by their return."""
    _, equity = result_days(result)
    alive = equity[:-1] > 0.0
    return histogram(equity[1:][alive] / equity[:-1][alive] - 1.0, bins)


def histogram(values: Float64, bins: int) -> Histogram | None:
    """Counts in at most `bins` equal steps of a round width (1, 2 or 5 times a power of ten), 0 between two of them.

    None of nothing. -1.3, 0.4 and 2.9 in six: edges -2, -1, 0, 1, 2, 3.
    """
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    width = _round_width((high - low) / bins or abs(low) / bins or 1.0, low, high, bins)
    first = math.floor(low / width)
    edges = [float(f"{n * width:.12g}") for n in range(first, max(math.ceil(high / width), first + 1) + 1)]
    counts, _ = np.histogram(values, edges)
    return Histogram(tuple(edges), tuple(counts.tolist()))


def _round_width(least: float, low: float, high: float, bins: int) -> float:
    """The narrowest round width that needs no more than `bins` steps from `low` to `high`."""
    power = math.floor(math.log10(least))
    for exponent, digit in itertools.product((power, power + 1), (1, 2, 5)):
        width = float(digit * 10.0**exponent)
        if math.ceil(high / width) - math.floor(low / width) <= bins:
            return width
    return 10.0 ** (power + 2)
