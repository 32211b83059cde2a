"""Results side by side as text for a page of 80 columns, and their differences as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradebot.commands.columns import (
    UNDEFINED,
    WIDTH,
    money,
    percent,
    ratio,
    share,
    shortened,
    table,
    wrapped,
)

if TYPE_CHECKING:
    from tradebot.engine.backtest.batch import BatchOutcome
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.backtest.results.runs import Comparison

_LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class _Row:
    """How a figure is written, and its difference."""

    name: str
    label: str
    write: Callable[[float | None], str]
    difference: Callable[[float], str]


def _points(value: float) -> str:
    """Percentage points."""
    return f"{value * 100:+,.1f}" if abs(value) < 10.0 else _whole(value * 100)


def _plain(value: float) -> str:
    return f"{value:+,.2f}" if abs(value) < 1e3 else _whole(value)


def _whole(value: float) -> str:
    """In seven characters: `+12,345`, `+123k`, `+12.3M`, `+5e+11`."""
    if abs(value) < 99_999.5:
        return f"{value:+,.0f}"
    if abs(value) < 999_500:
        return f"{value / 1e3:+,.0f}k"
    return f"{value / 1e6:+,.1f}M" if abs(value) < 999.95e6 else f"{value:+.0e}"


def _amount(value: float | None) -> str:
    """Money in nine characters: cents up to ten thousand."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if abs(value) < 9_999.995:
        return money(value)
    return f"{value:,.0f}" if abs(value) < 9_999_999.5 else f"{value:.3g}"


def _count(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:,.0f}"


_ROWS = (
    _Row("total_return", "Total return", percent, _points),
    _Row("buy_hold_return", "Buy and hold", percent, _points),
    _Row("cagr", "CAGR", percent, _points),
    _Row("sharpe", "Sharpe", ratio, _plain),
    _Row("sortino", "Sortino", ratio, _plain),
    _Row("calmar", "Calmar", ratio, _plain),
    _Row("max_drawdown", "Max drawdown", percent, _points),
    _Row("max_drawdown_days", "Drawdown, days", _count, _whole),
    _Row("volatility", "Volatility", share, _points),
    _Row("ulcer", "Ulcer index", share, _points),
    _Row("trades", "Trades", _count, _whole),
    _Row("win_rate", "Win rate", share, _points),
    _Row("profit_factor", "Profit factor", ratio, _plain),
    _Row("payoff", "Payoff", ratio, _plain),
    _Row("expectancy", "Mean profit", _amount, _plain),
    _Row("sqn", "SQN", ratio, _plain),
    _Row("exposure", "In the market", share, _points),
    _Row("turnover", "Turnover, year", ratio, _plain),
    _Row("fees", "Fees", _amount, _plain),
    _Row("slippage_cost", "Slippage", _amount, _plain),
    _Row("funding", "Funding", _amount, _plain),
    _Row("final_equity", "Final equity", _amount, _plain),
)


def comparison_text(comparison: Comparison, results: Sequence[BacktestResult]) -> str:
    """Figures as a table, the best one of a row marked with `*`, remarks below."""
    best = {figure.name: figure.best for figure in comparison.figures}
    metrics = [result.metrics.to_dict() for result in results]
    letters = _LETTERS[: len(results)]
    rows = [
        (
            row.label,
            *(
                row.write(each[row.name]) + ("*" if best.get(row.name) == position else " ")
                for position, each in enumerate(metrics)
            ),
        )
        for row in _ROWS
    ]
    return "\n".join(
        [
            *_legend(dict(zip(letters, results, strict=False))),
            "",
            *table(("", *(f"{letter} " for letter in letters)), rows),
            *_remarks(comparison.remarks),
        ]
    )


def beside_text(comparison: Comparison, new: BacktestResult, stored: Sequence[BacktestResult]) -> str:
    """The new run beside stored ones, with what it has more (+) or less (-) than each."""
    letters = _LETTERS[: len(stored)]
    own, others = new.metrics.to_dict(), [result.metrics.to_dict() for result in stored]
    rows = [
        (
            row.label,
            row.write(own[row.name]),
            *(
                cell
                for other in others
                for cell in (row.write(other[row.name]), _difference(row, own[row.name], other[row.name]))
            ),
        )
        for row in _ROWS
    ]
    head = ("", "this run", *(cell for letter in letters for cell in (letter, f"less {letter}")))
    return "\n".join(
        [
            *_legend(dict(zip(letters, stored, strict=False))),
            "",
            *table(head, rows, indent="", gap=1 if len(stored) > 2 else 2),
            "",
            *wrapped("less A: what this run has more than A; of percentages in points."),
            *_remarks(comparison.remarks),
        ]
    )


def _difference(row: _Row, own: float | None, other: float | None) -> str:
    return "" if own is None or other is None else row.difference(own - other)


def _legend(results: Mapping[str, BacktestResult]) -> list[str]:
    return [f"{letter}  {result.result_id}" for letter, result in results.items()]


def _remarks(remarks: Sequence[str]) -> list[str]:
    lines = [line for remark in remarks for line in wrapped(remark, "! ")]
    return ["", *lines] if lines else []


def compared_document(new: BacktestResult, stored: Sequence[BacktestResult]) -> list[dict[str, Any]]:
    """For each stored run its figures and what the new one has more; a difference of an undefined figure is null."""
    own = new.metrics.to_dict()
    entries = []
    for result in stored:
        figures = result.metrics.to_dict()
        entries.append(
            {
                "id": result.result_id,
                "strategy": result.strategy,
                "metrics": figures,
                "differences": {
                    name: None
                    if value is None or figures[name] is None or isinstance(value, bool)
                    else value - (figures[name] or 0.0)
                    for name, value in own.items()
                },
            }
        )
    return entries


def batch_text(outcomes: Sequence[BatchOutcome]) -> str:
    """A row for each run in the order given; below the table what could not run."""
    rows = []
    for outcome in outcomes:
        run, document = outcome.run, outcome.document
        names = (shortened(run.name, 16), shortened(run.symbols, 14))
        if document is None:
            rows.append((*names, "not run", "", "", "", "", ""))
            continue
        m = document["metrics"]
        rows.append(
            (
                *names,
                percent(m["total_return"]),
                percent(m["max_drawdown"]),
                ratio(m["sharpe"]),
                ratio(m["profit_factor"]),
                share(m["win_rate"]),
                f"{m['trades']:,}" + ("" if document["valid"] else "!"),
            )
        )
    head = ("", "", "return", "drawdown", "Sharpe", "factor", "won", "trades")
    lines = table(head, rows, indent="", left=2)
    if max(map(len, lines)) > WIDTH:
        lines = table(head, rows, indent="", left=2, gap=1)
    for outcome in outcomes:
        if outcome.document is None:
            lines += wrapped(outcome.problem, "! ")
        elif not outcome.document["valid"]:
            lines += wrapped(outcome.document["errors"][0], "! ")
    return "\n".join(lines)
