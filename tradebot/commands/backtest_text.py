"""A backtest's result as text for a page of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.commands.columns import (
    UNDEFINED,
    money,
    percent,
    ratio,
    share,
    shortened,
    table,
    wrapped,
)
from tradebot.commands.reasons import meaning
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.analysis import GroupRow, PeriodRow
    from tradebot.engine.backtest.results.result import BacktestResult

Pair = tuple[str, str]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GROUP_HEAD = ("trades", "won", "profit", "a trade", "R", "factor", "costs")
_LABEL, _VALUE = 20, 17
_MOST_GROUPS = 12
_MARKS = {"ok": "  ok  ", "warning": "  !   ", "bad": "  X   "}


def summary(result: BacktestResult, folder: Path | None) -> str:
    """Figures, tables, counts and warnings of a result as lines for a person."""
    lines = [
        *_head(result),
        *(line for error in result.errors for line in wrapped(error, "INVALID: ")),
        *(line for sentence in _first(result) for line in wrapped(sentence, "! ")),
        "",
        *_side_by_side(("Return", _return(result)), ("Risk", _risk(result))),
        "",
        *_side_by_side(("Trades", _trades(result)), (f"Money, {_coin(result)}", _money(result))),
        *_periods(result),
        *_groups(result),
        *_counts("Entry decisions that opened nothing", result.refusals),
        *_counts("Orders changed and limits reached", result.interventions),
        *_reality(result),
        *_notes(result),
    ]
    if folder is not None:
        lines += ["", f"Stored in {folder}"]
    return "\n".join(lines)


def _head(result: BacktestResult) -> list[str]:
    from tradebot.engine.market.times import iso_minute  # here, so that --help does not wait for numpy

    symbols = sorted(set(result.symbols))
    named = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")
    span = f"{iso_minute(result.start_ms)} to {iso_minute(result.end_ms)} UTC"
    return [
        *wrapped(f"{result.strategy}: {named}, {result.timeframe.value} bars"),
        *wrapped(f"{span}, {counted(result.metrics.days, 'day')}, {counted(result.bars, 'bar')}"),
    ]


def _coin(result: BacktestResult) -> str:
    from tradebot.engine.backtest.inputs.universe import quote_coin

    return (
        quote_coin(result.symbols[0], None)
        if result.symbols and quote_coin(result.symbols[0], None)
        else "quote coin"
    )


# ---- the figures


def _return(result: BacktestResult) -> list[Pair]:
    m = result.metrics
    return [
        ("Total return", percent(m.total_return)),
        ("Buy and hold", percent(m.buy_hold_return)),
        ("CAGR", percent(m.cagr)),
        ("Sharpe", ratio(m.sharpe)),
        ("Sortino", ratio(m.sortino)),
        ("Calmar", ratio(m.calmar)),
        ("P(true Sharpe > 0)", share(m.psr)),
        ("Time in the market", share(m.exposure)),
        ("Turnover a year", UNDEFINED if m.turnover is None else f"{ratio(m.turnover)} x"),
    ]


def _risk(result: BacktestResult) -> list[Pair]:
    m = result.metrics
    days = UNDEFINED if m.max_drawdown_days is None else f"{m.max_drawdown_days:,} d"
    return [
        ("Max drawdown, daily", percent(m.max_drawdown)),
        ("... at bar closes", percent(m.max_drawdown_bars)),
        ("... within bars", percent(m.max_drawdown_intrabar)),
        (
            "Longest drawdown",
            days if m.max_drawdown_recovered or not m.max_drawdown_days else f"{days}, lasting",
        ),
        ("Volatility a year", share(m.volatility)),
        ("Ulcer index", share(m.ulcer)),
        ("VaR 95 % of a day", percent(m.var_95, 2)),
        ("CVaR 95 % of a day", percent(m.cvar_95, 2)),
        ("Largest exposure", share(m.max_gross_exposure)),
    ]


def _trades(result: BacktestResult) -> list[Pair]:
    m = result.metrics
    held = UNDEFINED if m.average_hours is None else _hours(m.average_hours)
    return [
        ("Closed", f"{m.trades:,}"),
        ("Still open", f"{m.open_trades:,}"),
        ("Win rate", share(m.win_rate)),
        ("... 95 % interval", _interval(m.win_rate_low, m.win_rate_high)),
        ("Profit factor", ratio(m.profit_factor)),
        ("Payoff", ratio(m.payoff)),
        ("Mean profit", money(m.expectancy, signed=True)),
        ("Mean profit in R", ratio(m.expectancy_r)),
        ("SQN", ratio(m.sqn)),
        ("Held on average", held),
        ("Losers in a row", f"{m.longest_losing_run:,}"),
    ]


def _money(result: BacktestResult) -> list[Pair]:
    from tradebot.engine.backtest.figures.books import split_profit

    m, parts = result.metrics, split_profit(result.trades)
    liquidated = [("Liquidations", money(parts.liquidation, signed=True))] if m.liquidations else []
    return [
        ("Start", money(result.settings.cash)),
        ("Price moves", money(parts.price, signed=True)),
        *liquidated,
        ("Fees", money(parts.fees, signed=True)),
        ("Slippage", money(parts.slippage, signed=True)),
        ("Funding", money(parts.funding, signed=True)),
        ("Net profit", money(parts.total, signed=True)),
        ("End", money(m.final_equity)),
        ("Costs, of gross", share(m.cost_ratio)),
        (
            "Break-even costs",
            f"{ratio(m.break_even_bps)} bp" if (m.break_even_bps or 0.0) > 0.0 else UNDEFINED,
        ),
    ]


def _interval(low: float | None, high: float | None) -> str:
    return UNDEFINED if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f}%"


def _hours(hours: float) -> str:
    if hours < 1.0:
        return f"{hours * 60:.0f} min"
    return f"{hours:,.1f} h" if hours < 72.0 else f"{hours / 24:,.1f} d"


def _side_by_side(left: tuple[str, list[Pair]], right: tuple[str, list[Pair]]) -> list[str]:
    """Two lists of figures beside each other, their values aligned."""
    rows = max(len(left[1]), len(right[1]))
    lines = [f"{left[0]:<{_LABEL + _VALUE + 2}}  {right[0]}"]
    for row in range(rows):
        cells = [
            f"  {pairs[row][0]:<{_LABEL}}{pairs[row][1]:>{_VALUE}}"
            if row < len(pairs)
            else " " * (_LABEL + _VALUE + 2)
            for pairs in (left[1], right[1])
        ]
        lines.append(f"{cells[0]}  {cells[1]}".rstrip())
    return lines


# ---- months and groups


def _periods(result: BacktestResult) -> list[str]:
    from tradebot.engine.backtest.results.analysis import monthly, yearly

    months = monthly(result)
    if len(months) < 2:
        return []
    found = {(row.year, row.month): row for row in months}
    parted = (
        " (the first and the last are covered in part)" if not (months[0].whole and months[-1].whole) else ""
    )
    lines = ["", f"Return by month in %{parted}"]
    lines.append("  " + " " * 4 + "".join(f"{name:>5}" for name in _MONTHS) + f"{'Year':>8}")
    for year in yearly(result):
        cells = "".join(_month_cell(found.get((year.year, month))) for month in range(1, 13))
        total = UNDEFINED if year.total_return is None else percent(year.total_return).rstrip("%")
        lines.append(f"{year.year:>6}{cells}{total:>8}")
    return lines


def _month_cell(row: PeriodRow | None) -> str:
    """A return in five characters: with a decimal below ten percent."""
    if row is None:
        return " " * 5
    if row.total_return is None:
        return f"{UNDEFINED:>5}"
    value = row.total_return * 100
    text = "0.0" if abs(value) < 0.05 else f"{value:+.1f}" if abs(value) < 9.95 else f"{value:+.0f}"
    return (text if len(text) < 5 else ">999" if value > 0 else "<-999").rjust(5)


def _groups(result: BacktestResult) -> list[str]:
    """Tables of the closed trades by strategy, symbol, side and exit, one below the other in the same columns."""
    from tradebot.engine.backtest.results.analysis import Grouping, grouped

    cells: list[tuple[str, ...]] = []
    for by, title, least in (
        (Grouping.STRATEGY, "By strategy", 2),
        (Grouping.SYMBOL, "By symbol", 2),
        (Grouping.SIDE, "By side", 2),
        (Grouping.EXIT, "By exit", 1),
    ):
        rows = grouped(result, by)
        if len(rows) >= least:
            cells += [("",) * 8, (title, *_GROUP_HEAD), *_group_cells(rows, by is Grouping.EXIT)]
    return table(cells[0], cells[1:], indent="") if cells else []


def _group_cells(rows: Sequence[GroupRow], spaced: bool) -> list[tuple[str, ...]]:
    """The cells of groups; of many those with the most profit and the most loss. `spaced`: their names are reasons."""
    shown, between = list(rows), 0
    if len(rows) > _MOST_GROUPS:
        ranked = sorted(rows, key=lambda row: (-row.pnl, row.name))
        shown = [*ranked[: _MOST_GROUPS // 2], *ranked[-_MOST_GROUPS // 2 :]]
        between = len(rows) - len(shown)
    cells: list[tuple[str, ...]] = [
        (
            "  " + shortened(row.name.replace("_", " ") if spaced else row.name, 20),
            f"{row.trades:,}",
            share(row.win_rate),
            money(row.pnl, signed=True),
            money(row.mean_pnl, signed=True),
            ratio(row.mean_r),
            ratio(row.profit_factor),
            money(row.fees + row.slippage - row.funding),
        )
        for row in shown
    ]
    if between:
        cells.insert(_MOST_GROUPS // 2, (f"  {between} more between", *("",) * 7))
    return cells


# ---- what was refused, changed and found


def _counts(title: str, counts: Mapping[str, int]) -> list[str]:
    found = sorted(
        ((count, reason) for reason, count in counts.items() if count), key=lambda pair: (-pair[0], pair[1])
    )
    if not found:
        return []
    return [
        "",
        title,
        *(f"  {count:>9,}  {reason.replace('_', ' '):<20}  {meaning(reason)}" for count, reason in found),
    ]


def _reality(result: BacktestResult) -> list[str]:
    """The findings: those that speak against the result in full, the others in a few words."""
    if result.reality is None or not result.reality.findings:
        return []
    lines = ["", "Reality check"]
    for finding in result.reality.findings:
        text = finding.short if finding.tone.value == "ok" else finding.text
        lines += wrapped(text, _MARKS[finding.tone.value])
    return lines


def _first(result: BacktestResult) -> list[str]:
    """What a person must know before any figure: the account was used up, nothing was traded."""
    return list(result.warnings[:1]) if {"bankrupt", "no_trades"} & set(result.flags) else []


def _notes(result: BacktestResult) -> list[str]:
    rest = result.warnings[len(_first(result)) :]
    lines = [line for sentence in rest for line in wrapped(sentence, "  !   ")]
    if result.conflicts:
        lines += wrapped(
            f"Both sides were supported on {counted(result.conflicts, 'bar')}: no decision there.", "      "
        )
    return ["", "To know", *lines] if lines else []
