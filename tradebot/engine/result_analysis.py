"""A result taken apart, compared and explained, as plain values ready to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from tradebot.engine.backtest.results import analysis as a
from tradebot.engine.backtest.results.runs import compare
from tradebot.engine.market.times import iso_date, iso_minute
from tradebot.engine.messages import (
    ComparedCurve,
    ComparedRow,
    ComparisonView,
    ConfigLine,
    DecisionFacts,
    FindingView,
    GroupTable,
    GroupView,
    HistogramView,
    MemberFact,
    PeriodView,
    ResultAnalysis,
    TradeWhy,
    ValueFact,
)
from tradebot.engine.result_views import UNDEFINED, delta_texts, metric_views

if TYPE_CHECKING:
    from tradebot.engine.backtest.checks.why_trade import DecisionView, TradeReason
    from tradebot.engine.backtest.results.result import BacktestResult

_GROUPINGS = (
    (a.Grouping.SYMBOL, "symbol"),
    (a.Grouping.SIDE, "side"),
    (a.Grouping.EXIT, "exit"),
    (a.Grouping.WEEKDAY, "weekday of the entry, UTC"),
    (a.Grouping.HOUR, "hour of the entry, UTC"),
)


def result_analysis(result: BacktestResult) -> ResultAnalysis:
    """Everything the tabs show beside the figures: periods, groups, distributions, reality check, configuration."""
    groupings: tuple[tuple[a.Grouping, str], ...] = _GROUPINGS
    if len(result.parts) > 1:
        groupings = ((a.Grouping.STRATEGY, "strategy"), *_GROUPINGS)
    findings = result.reality.findings if result.reality is not None else ()
    return ResultAnalysis(
        result_id=result.result_id,
        months=_periods(a.monthly(result)),
        years=_periods(a.yearly(result)),
        groups=tuple(_group_table(title, a.grouped(result, by)) for by, title in groupings),
        r=_histogram(a.r_histogram(result)),
        days=_histogram(a.day_histogram(result)),
        excursions=_excursions(a.excursions(result)),
        reality=tuple(FindingView(each.tone.value, each.short, each.text) for each in findings),
        errors=result.errors,
        config=tuple(_config(result)),
    )


def _periods(rows: Sequence[a.PeriodRow]) -> tuple[PeriodView, ...]:
    return tuple(
        PeriodView(row.year, row.month, row.total_return, row.trades, row.pnl, row.whole) for row in rows
    )


def _group_table(title: str, rows: Sequence[a.GroupRow]) -> GroupTable:
    return GroupTable(
        title,
        tuple(
            GroupView(
                name=row.name,
                trades=row.trades,
                win_rate=row.win_rate,
                pnl=row.pnl,
                mean_r=row.mean_r,
                profit_factor=row.profit_factor,
                costs=row.fees + row.slippage + max(0.0, -row.funding),
            )
            for row in rows
        ),
    )


def _histogram(found: a.Histogram | None) -> HistogramView | None:
    return None if found is None else HistogramView(found.edges, found.counts)


def _excursions(found: a.Excursions) -> tuple[tuple[str, str], ...]:
    rows = (
        ("winners against us", found.winners_mae),
        ("losers against us", found.losers_mae),
        ("winners for us", found.winners_mfe),
        ("losers for us", found.losers_mfe),
    )
    lines = [(label, "  ".join(f"{value:+.2f}" for value in row)) for label, row in rows if row is not None]
    if found.given_back is not None:
        lines.append(("winners gave back", f"{found.given_back:.0%} of their best"))
    return tuple(lines)


# ---- how it came about


def _config(result: BacktestResult) -> list[ConfigLine]:
    costs = result.settings.costs
    lines = [
        ConfigLine(
            "Run",
            "span",
            f"{iso_minute(result.start_ms)} to {iso_minute(result.end_ms)} UTC, {result.bars:,} bars",
        ),
        ConfigLine("Run", "symbols", ", ".join(result.symbols)),
        ConfigLine("Run", "starting cash", f"{result.settings.cash:,.2f}"),
        ConfigLine("Run", "made", f"{iso_minute(result.created_ms)} UTC"),
        ConfigLine("Run", "look-ahead check", result.look_ahead or "not made"),
        *(
            ConfigLine(
                "Costs", field.name.removesuffix("_percent").replace("_", " "), _cost(field.name, costs)
            )
            for field in fields(costs)
        ),
    ]
    lines += [
        ConfigLine("Refused entries", _words(name), f"{count:,}") for name, count in result.refusals.items()
    ]
    lines += [
        ConfigLine("Changed or stopped", _words(name), f"{count:,}")
        for name, count in result.interventions.items()
    ]
    lines += [
        ConfigLine(
            "Data",
            file.key.name,
            f"{file.rows:,} rows, {iso_date(file.first_ms)} to {iso_date(file.last_ms)}"
            + (f", {file.missing_bars:,} bars missing" if file.missing_bars else "")
            + (f", hash {file.content_hash[:8]}" if file.content_hash else ""),
        )
        for file in result.files
    ]
    return lines + [ConfigLine("Versions", name, text) for name, text in result.versions.items()]


def _cost(name: str, costs: object) -> str:
    value = getattr(costs, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g} %" if name.endswith("_percent") else f"{value:g}"


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


# ---- one trade


def trade_why(reason: TradeReason, decimals: int) -> TradeWhy:
    """Why a trade was made, in words and ready figures; prices with the instrument's decimals."""
    side = "long" if reason.entry.side > 0 else "short"
    leave = reason.exit
    return TradeWhy(
        reason.trade_id,
        reason.strategy,
        _facts(reason.entry, f"enter {side}", decimals),
        None if leave is None else _facts(leave, _left(leave), decimals),
        reason.note,
    )


def _left(view: DecisionView) -> str:
    if view.side:
        return f"enter {'long' if view.side > 0 else 'short'}, against the position"
    sides = [name for name, left in (("long", view.exit_long), ("short", view.exit_short)) if left]
    return f"leave {' and '.join(sides)}" if sides else "leave"


def _facts(view: DecisionView, decided: str, decimals: int) -> DecisionFacts:
    values = [ValueFact(each.reference, each.label, _value(each.value, decimals)) for each in view.indicators]
    values += [
        ValueFact(key.replace(":", " "), "level", _value(level, decimals))
        for key, level in view.levels.items()
    ]
    members = tuple(
        MemberFact(
            each.path.partition(".")[2],
            " and ".join(name for name, on in (("long", each.long), ("short", each.short)) if on),
            each.in_entry,
            each.in_exit,
        )
        for each in view.members
    )
    return DecisionFacts(view.time_ms, f"{view.close:,.{decimals}f}", decided, tuple(values), members)


def _value(value: float | None, decimals: int) -> str:
    if value is None:
        return UNDEFINED
    size = abs(value)
    return (
        f"{value:,.{decimals}f}"
        if size >= 1000
        else f"{value:,.{max(2, decimals)}f}"
        if size >= 0.01
        else f"{value:.4g}"
    )


# ---- side by side


def comparison_view(results: Sequence[BacktestResult], points: int) -> ComparisonView:
    """Two to four results side by side. InputError for another number of them."""
    found = compare(results)
    views = [{view.name: view for view in metric_views(result.metrics.to_dict())} for result in results]
    figures = []
    for figure in found.figures:
        if figure.name in views[0]:
            texts = tuple(view[figure.name].text for view in views)
            deltas = delta_texts(figure.name, [getattr(result.metrics, figure.name) for result in results])
            label, differs = views[0][figure.name].label, len(set(texts)) > 1
            figures.append(ComparedRow(label, texts, figure.best, differs, deltas))
    times = _common_times(results, max(2, points))
    return ComparisonView(
        found.result_ids,
        tuple(result.strategy for result in results),
        tuple(figures),
        _settings(results),
        tuple(times.tolist()),
        tuple(ComparedCurve(result.result_id, _gain(result, times)) for result in results),
        found.remarks,
    )


def _settings(results: Sequence[BacktestResult]) -> tuple[ComparedRow, ...]:
    """What was set, and every setting of the strategies in which they differ."""
    rows = [
        ("Symbols", [", ".join(each.symbols) for each in results]),
        ("Timeframe", [each.timeframe.value for each in results]),
        ("From", [iso_date(each.start_ms) for each in results]),
        ("To", [iso_date(each.end_ms) for each in results]),
        ("Cash", [f"{each.settings.cash:,.0f}" for each in results]),
        ("Taker fee", [f"{each.settings.costs.taker_fee_percent:g} %" for each in results]),
    ]
    documents = [_leaves(result.strategy_toml) for result in results]
    paths = list(dict.fromkeys(path for document in documents for path in document))
    rows += [(path, [document.get(path, "-") for document in documents]) for path in paths]
    kept = [
        (label, tuple(texts))
        for number, (label, texts) in enumerate(rows)
        if number < 6 or len(set(texts)) > 1
    ]
    return tuple(ComparedRow(label, texts, None, len(set(texts)) > 1) for label, texts in kept)


def _leaves(toml: str) -> dict[str, str]:
    """Every value of a strategy by its path: `risk.stop_loss.percent` is `3.0`."""
    import tomllib

    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{path}.{name}" if path else name, inner)
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            for number, inner in enumerate(value, start=1):
                walk(f"{path}.{number}", inner)
        else:
            found[path] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    walk("", tomllib.loads(toml))
    return found


def _common_times(
    results: Sequence[BacktestResult], points: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    start = min(result.start_ms for result in results)
    end = max(result.end_ms for result in results)
    return np.unique(np.linspace(start, end, points).astype(np.int64))


def _gain(result: BacktestResult, times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[float, ...]:
    """Equity as known at each time over the start cash, minus one: 0 before the run, its end after it."""
    curve = result.curve
    if not len(curve):
        return (0.0,) * len(times)
    at = np.searchsorted(curve["time"], times, side="right") - 1
    equity = np.where(at >= 0, curve["equity"][np.maximum(at, 0)], result.settings.cash)
    return tuple((equity / result.settings.cash - 1.0).tolist())
