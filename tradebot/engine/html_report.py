"""A result as one self-contained HTML file: no script, no network, opens in any browser, prints well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from tradebot.engine.backtest.figures.curves import chart_series
from tradebot.engine.backtest.results.analysis import (
    Grouping,
    GroupRow,
    PeriodRow,
    day_histogram,
    grouped,
    monthly,
    r_histogram,
    yearly,
)
from tradebot.engine.html_charts import Line, bar_chart, line_chart
from tradebot.engine.market.times import iso_minute
from tradebot.engine.messages import MetricView
from tradebot.engine.result_views import UNDEFINED, metric_views, trade_page

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult

MOST_TRADES = 5_000
_POINTS = 900
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GROUPINGS = (
    (Grouping.STRATEGY, "By strategy"),
    (Grouping.SYMBOL, "By symbol"),
    (Grouping.SIDE, "By side"),
    (Grouping.EXIT, "By exit"),
    (Grouping.WEEKDAY, "By weekday of the entry (UTC)"),
    (Grouping.HOUR, "By hour of the entry (UTC)"),
)
_STYLE = """
:root { --text: #1d2430; --dim: #5c6675; --page: #ffffff; --panel: #f4f6f9; --rule: #d9dee6;
  --good: #0b7a4b; --bad: #b3261e; --line: #1f5fbf; --hold: #8a6d1d; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --dim: #9aa5b4; --page: #11151b; --panel: #1a2029;
  --rule: #2c3542; --good: #46c98b; --bad: #ff8a80; --line: #6ea8ff; --hold: #d8b75a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 2rem auto;
  max-width: 1000px; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p.sub, td.dim, .note { color: var(--dim) }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .5rem }
.figures div { background: var(--panel); border-radius: 6px; padding: .5rem .75rem }
.figures span { display: block; color: var(--dim); font-size: .85rem }
.figures b { font-size: 1.15rem; font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th { text-align: right; color: var(--dim); font-weight: 600 } td { text-align: right }
th:first-child, td:first-child, .left { text-align: left }
th, td { padding: .2rem .5rem; border-bottom: 1px solid var(--rule); white-space: nowrap }
.wide { overflow-x: auto } .good { color: var(--good) } .bad { color: var(--bad) }
svg { width: 100%; height: auto; background: var(--panel); border-radius: 6px }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim) } svg .grid { stroke: var(--rule) }
svg polyline { fill: none; stroke-width: 1.6 } svg .line { stroke: var(--line) } svg .hold { stroke: var(--hold) }
svg .area { fill: var(--bad); opacity: .35; stroke: none } svg rect.good { fill: var(--good) }
svg rect.bad { fill: var(--bad) } pre { background: var(--panel); padding: 1rem; overflow-x: auto; border-radius: 6px }
li { margin: .2rem 0 } @media print { body { margin: 0 } }
"""


def html_report(result: BacktestResult, remarks: Sequence[tuple[str, str]] = ()) -> str:
    """The report as the text of an HTML file. `remarks` are (tone, sentence) of a reality check: ok, warning or bad.

    A result without trades has its figures, curves and counts as far as there are any.
    """
    title = f"{result.strategy}: backtest"
    symbols = ", ".join(result.symbols[:12]) + (" and others" if len(result.symbols) > 12 else "")
    sub = (
        f"{symbols} · {result.timeframe.value} · {iso_minute(result.start_ms)} to {iso_minute(result.end_ms)} UTC · "
        f"run {iso_minute(result.created_ms)} UTC · {result.result_id}"
    )
    body = [
        f'<h1>{escape(result.strategy)}</h1><p class="sub">{escape(sub)}</p>',
        _figures(metric_views(result.metrics.to_dict())),
        _curves(result),
        _section("What to know about this run", _list(_remarks(result, remarks))),
        _section("Months", _months(monthly(result), yearly(result))),
        _section("Distribution", _distributions(result)),
        *(
            _section(heading, _group_table(grouped(result, by)))
            for by, heading in _GROUPINGS
            if by is not Grouping.STRATEGY or len(result.parts) > 1
        ),
        _section("Refused and changed", _counts(result)),
        _section(_trades_heading(result), _trades(result)),
        _section("Data", _files(result)),
        *(_section(heading, f"<pre>{escape(toml)}</pre>") for heading, toml in _strategies(result)),
        f'<p class="note">{escape(_versions(result))}</p>',
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _strategies(result: BacktestResult) -> list[tuple[str, str]]:
    """The texts that ran, each below its heading."""
    if len(result.parts) < 2:
        return [("Strategy", result.strategy_toml)]
    return [(f"Strategy {part.name}", part.toml) for part in result.parts]


def _section(heading: str, content: str) -> str:
    return f"<h2>{escape(heading)}</h2>{content}" if content else ""


def _figures(views: Iterable[MetricView]) -> str:
    cells = (
        f'<div title="{escape(view.help)}"><span>{escape(view.label)}</span>'
        f'<b class="{"" if view.tone == "plain" else escape(view.tone)}">{escape(view.text)}</b></div>'
        for view in views
    )
    return f'<div class="figures">{"".join(cells)}</div>'


def _curves(result: BacktestResult) -> str:
    series = chart_series(result.curve, _POINTS)
    equity = line_chart(
        series.times_ms,
        [Line("buy and hold", "hold", series.buy_hold), Line("equity", "line", series.equity)],
        320,
    )
    drawdown = line_chart(series.times_ms, [Line("drawdown", "bad", series.drawdown)], 140, "%", fill=True)
    if not equity:
        return ""
    told = "Blue: equity. Yellow: the same cash held in equal parts, without costs. Below: drawdown."
    legend = f'<p class="note">{told}</p>'
    return _section("Equity", equity + drawdown + legend)


def _remarks(result: BacktestResult, remarks: Sequence[tuple[str, str]]) -> list[str]:
    told = {"ok": "ok", "warning": "!", "bad": "×"}
    said = {sentence for _, sentence in remarks}
    lines = [f"× This result is invalid. {error}" for error in result.errors if error not in said]
    lines += [f"{told.get(tone, '!')} {sentence}" for tone, sentence in remarks]
    return lines + [f"! {sentence}" for sentence in result.warnings]


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _months(months: Sequence[PeriodRow], years: Sequence[PeriodRow]) -> str:
    if not months:
        return ""
    found = {(row.year, row.month): row for row in months}
    head = "".join(f"<th>{name}</th>" for name in (*_MONTHS, "Year"))
    rows = []
    for year in years:
        cells = "".join(_return_cell(found.get((year.year, month))) for month in range(1, 13))
        rows.append(f"<tr><td>{year.year}</td>{cells}{_return_cell(year)}</tr>")
    return (
        _table(f"<th></th>{head}", rows) + '<p class="note">* the run covers a part of the period only.</p>'
    )


def _return_cell(row: PeriodRow | None) -> str:
    if row is None:
        return '<td class="dim">-</td>'
    if row.total_return is None:
        return f'<td class="dim">{UNDEFINED}</td>'
    tone = "good" if row.total_return > 0 else "bad" if row.total_return < 0 else ""
    part = "" if row.whole else "*"
    return f'<td class="{tone}" title="{row.trades:,} trades">{row.total_return * 100:+.1f}{part}</td>'


def _distributions(result: BacktestResult) -> str:
    parts = []
    for told, found, unit in (
        ("Days by their return", day_histogram(result), "%"),
        ("Trades by R, the profit in units of the risk to the stop", r_histogram(result), ""),
    ):
        chart = bar_chart(found.edges, found.counts, 170, unit) if found is not None else ""
        if chart:
            parts.append(f'<p class="note">{told}</p>{chart}')
    return "".join(parts)


def _group_table(rows: Sequence[GroupRow]) -> str:
    if not rows:
        return ""
    head = "".join(
        f"<th>{name}</th>"
        for name in ("", "trades", "won", "profit", "a trade", "R", "factor", "fees", "slippage", "funding")
    )
    lines = [
        f"<tr><td>{escape(row.name)}</td><td>{row.trades:,}</td><td>{_share(row.win_rate)}</td>{_money_cell(row.pnl)}"
        f"<td>{_number(row.mean_pnl)}</td><td>{_number(row.mean_r)}</td><td>{_number(row.profit_factor)}</td>"
        f"<td>{row.fees:,.2f}</td><td>{row.slippage:,.2f}</td><td>{row.funding:+,.2f}</td></tr>"
        for row in rows
    ]
    return _table(head, lines)


def _trades_heading(result: BacktestResult) -> str:
    total = len(result.trades)
    return f"Trades: the last {MOST_TRADES:,} of {total:,}" if total > MOST_TRADES else f"Trades: {total:,}"


def _trades(result: BacktestResult) -> str:
    page = trade_page(result, 0, MOST_TRADES)
    if not page.rows:
        return ""
    names = (
        "#",
        "symbol",
        "side",
        "entry (UTC)",
        "price",
        "exit (UTC)",
        "price",
        "quantity",
        "profit",
        "R",
        "why",
    )
    lines = [
        f"<tr><td>{row.trade_id}</td><td>{escape(row.symbol)}</td><td>{row.side}</td>"
        f"<td>{iso_minute(row.entry_ms)}</td><td>{row.entry_price}</td><td>{iso_minute(row.exit_ms)}</td>"
        f"<td>{row.exit_price}</td><td>{row.quantity}</td>{_money_cell(row.pnl)}<td>{_number(row.r)}</td>"
        f"<td>{escape(row.exit_reason)}{'' if row.status == 'closed' else ' (' + escape(row.status) + ')'}</td></tr>"
        for row in page.rows
    ]
    return _table("".join(f"<th>{name}</th>" for name in names), lines)


def _counts(result: BacktestResult) -> str:
    counted = [
        *result.refusals.items(),
        *result.interventions.items(),
        ("both sides supported: no decision", result.conflicts),
        ("stop and target in one bar: the stop was taken", result.metrics.ambiguous_trades),
    ]
    lines = [
        f"<tr><td>{escape(reason.replace('_', ' '))}</td><td>{count:,}</td></tr>"
        for reason, count in counted
        if count
    ]
    return _table("<th>what</th><th>times</th>", lines) if lines else ""


def _files(result: BacktestResult) -> str:
    lines = [
        f"<tr><td>{escape(str(file.key))}</td><td>{file.rows:,}</td><td>{iso_minute(file.first_ms)}</td>"
        f"<td>{iso_minute(file.last_ms)}</td><td>{file.missing_bars:,}</td>"
        f'<td class="left">{escape(file.note)}</td><td class="dim">{escape(file.content_hash[:16])}</td></tr>'
        for file in result.files
    ]
    names = ("dataset", "rows", "first", "last", "missing bars", "note", "SHA-256")
    return _table("".join(f"<th>{name}</th>" for name in names), lines)


def _versions(result: BacktestResult) -> str:
    return "Made by " + ", ".join(f"{name} {number}" for name, number in result.versions.items()) + "."


def _table(head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _money_cell(value: float) -> str:
    tone = "good" if value > 0 else "bad" if value < 0 else ""
    return f'<td class="{tone}">{value:+,.2f}</td>'


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:+,.2f}"


def _share(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value * 100:.0f}%"
