"""How a result taken apart is drawn: plain functions from the engine's answer to lines. No widgets here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise, zip_longest

from tradebot.engine.messages import (
    ConfigLine,
    DecisionFacts,
    GroupTable,
    GroupView,
    HistogramView,
    PeriodView,
    ResultAnalysis,
    TradeWhy,
)
from tradebot.screens import formats
from tradebot.screens.widgets.bar_chart import Bar
from tradebot.screens.widgets.palette import Line, Part, line_length, wrap

__all__ = [
    "beside",
    "config_lines",
    "group_lines",
    "histogram_bars",
    "histogram_lines",
    "month_list",
    "month_table",
    "months_summary",
    "why_lines",
]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WHOLE_YEAR_WIDTH = 92
_HALF_YEAR_WIDTH = 33
_SIDE_BY_SIDE = 100
_GAP = 3


def beside(blocks: Sequence[Sequence[Line]], width: int) -> list[Line]:
    """Blocks of lines in two columns of about equal height where there is room, else one below the other."""
    if width < _SIDE_BY_SIDE or len(blocks) < 2:
        return [
            line
            for number, block in enumerate(blocks)
            for line in ((() if number else None), *block)
            if line is not None
        ]
    half = sum(len(block) + 1 for block in blocks) / 2
    left: list[Line] = []
    right: list[Line] = []
    for block in blocks:
        column = left if not right and len(left) + len(block) / 2 < half else right
        column.extend([(), *block] if column else block)
    room = (width - _GAP) // 2
    return [
        (*one, (" " * max(1, room + _GAP - line_length(one)), ""), *other)
        for one, other in zip_longest(left, right, fillvalue=())
    ]


# ---- months


def _return_text(period: PeriodView, room: int = 6) -> tuple[str, str]:
    """A return in `room` cells at most, `*` where the run covers only a part of the period; and its tone."""
    if period.total_return is None:
        return "n/a ", "dim"
    percent = period.total_return * 100
    if not period.trades and not round(percent, 1):
        return "0" + ("*" if not period.whole else " "), "dim"
    text = f"{percent:+.1f}" if abs(percent) < 9.95 and room > 4 else f"{percent:+.0f}"
    return text + (" " if period.whole else "*"), formats.tone_of(round(percent, 1))


def month_table(analysis: ResultAnalysis, width: int) -> list[Line]:
    """Returns in percent by year and month: a line a year where there is room, else two blocks of half years."""
    if width >= _WHOLE_YEAR_WIDTH:
        return _months_block(analysis, range(1, 13), 6, years=True)
    room = 4 if width < _HALF_YEAR_WIDTH else 5 if width < 44 else 6
    first = _months_block(analysis, range(1, 7), room, years=False)
    second = _months_block(analysis, range(7, 13), room, years=False)
    return [*first, (), *second]


def _months_block(analysis: ResultAnalysis, months: range, room: int, *, years: bool) -> list[Line]:
    known = {(period.year, period.month): period for period in analysis.months}
    heading = "".join(f"{_MONTHS[month - 1][:3]:>{room - 1}} " for month in months)
    lines: list[Line] = [
        ((f"{'':<5}" if years else f"{'':<3}", ""), (heading, "head"), ("    Year" if years else "", "head"))
    ]
    for year in analysis.years:
        parts: list[Part] = [(f"{year.year:<5}" if years else f"{year.year % 100:02d} ", "bold")]
        for month in months:
            period = known.get((year.year, month))
            text, tone = ("- ", "dim") if period is None else _return_text(period, room)
            parts.append((f"{text:>{room}}", tone))
        if years:
            text, tone = _return_text(year)
            parts.append((f"{text:>9}", f"bold {tone}"))
        lines.append(tuple(parts))
    return lines


def months_summary(analysis: ResultAnalysis) -> tuple[str, str]:
    """`7 of 12 months positive`, and `best +6.1 worst -3.2`."""
    returns = [month.total_return for month in analysis.months if month.total_return is not None]
    if not returns:
        return "", ""
    positive = sum(value > 0 for value in returns)
    best, worst = max(returns) * 100, min(returns) * 100
    return (
        f"{positive} of {formats.plural(len(returns), 'month')} positive",
        f"best {best:+.1f}% worst {worst:+.1f}%",
    )


def month_list(analysis: ResultAnalysis, width: int) -> list[Line]:
    """Every month, newest first, with its trades and profit; a bar as long as its return."""
    largest = max((abs(month.total_return or 0.0) for month in analysis.months), default=0.0) or 1.0
    room = max(6, min(40, width - 46))
    lines: list[Line] = [((f"{'MONTH':<10}{'RETURN':>8} {'TRADES':>8} {'PROFIT':>14}", "head"),)]
    for month in reversed(analysis.months):
        text, tone = _return_text(month)
        bar = "█" * round(abs(month.total_return or 0.0) / largest * room)
        parts: list[Part] = [
            (f"{month.year}-{month.month:02d}   ", ""),
            (f"{text:>8}", tone),
            (f"{month.trades:>8,} ", "dim"),
            (f"{formats.arrow(month.pnl)}{abs(month.pnl):>12,.2f}", formats.tone_of(month.pnl)),
            (f"   {bar}", tone),
        ]
        lines.append(tuple(parts))
    if any(not month.whole for month in analysis.months):
        lines += [
            (),
            (
                (
                    "* the run covers only a part of this month; profit is that of the trades closed in it",
                    "dim",
                ),
            ),
        ]
    return lines


# ---- distributions


def histogram_lines(
    title: str, found: HistogramView | None, width: int, text: Callable[[float], str], nothing: str
) -> list[Line]:
    """A bar for each bin, its lower edge before it and its count behind; what is below zero in the tone of losses."""
    lines: list[Line] = [((title, "bold"),)]
    if found is None or not sum(found.counts):
        return [*lines, *(((each, "dim"),) for each in wrap(nothing, max(20, width)))]
    labels = [text(edge) for edge in found.edges]
    margin = max(map(len, labels))
    most = max(found.counts)
    room = max(4, width - margin - 10)
    for number, count in enumerate(found.counts):
        middle = (found.edges[number] + found.edges[number + 1]) / 2
        eighths = max(round(count / most * room * 8), 1 if count else 0)
        bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
        lines.append(
            (
                (f"{labels[number]:>{margin}} ", "dim"),
                (bar, "up" if middle > 0 else "down"),
                (f" {count:,}" if count else "", ""),
            )
        )
    return [*lines, ((f"{labels[-1]:>{margin}} ", "dim"),)]


def histogram_bars(found: HistogramView | None, text: Callable[[float], str]) -> tuple[Bar, ...]:
    """The same as upright bars, each named by its lower edge."""
    if found is None or not sum(found.counts):
        return ()
    middles = ((low + high) / 2 for low, high in pairwise(found.edges))
    return tuple(
        Bar(float(count), text(edge), middle > 0)
        for count, edge, middle in zip(found.counts, found.edges, middles, strict=False)
    )


# ---- groups


def group_lines(table: GroupTable, width: int) -> list[Line]:
    """The closed legs by one criterion as a table, columns as far as there is room."""
    wide = width >= 58
    names = max(8, min(20, max((len(row.name) for row in table.rows), default=8)))
    heading = f"{'TRADES':>7} {'WIN':>6} {'PROFIT':>13} {'MEAN R':>7}" + (
        f" {'FACTOR':>7} {'COSTS':>9}" if wide else ""
    )
    lines: list[Line] = [((f"By {table.title}", "bold"),), ((" " * names, ""), (heading, "head"))]
    if not table.rows:
        return [*lines, (("no closed trade", "dim"),)]
    return lines + [_group_line(row, names, wide) for row in table.rows]


def _group_line(row: GroupView, names: int, wide: bool) -> Line:
    parts: list[Part] = [
        (f"{row.name.replace('_', ' '):<{names}.{names}}", ""),
        (f"{row.trades:>7,} ", "dim"),
        (f"{row.win_rate:>6.0%} " if row.win_rate is not None else "     - ", ""),
        (f"{formats.arrow(row.pnl)}{abs(row.pnl):>12,.2f} ", formats.tone_of(row.pnl)),
        (
            f"{row.mean_r:>+7.2f}" if row.mean_r is not None else f"{'-':>7}",
            formats.tone_of(row.mean_r or 0.0),
        ),
    ]
    if wide:
        parts.append((f" {row.profit_factor:>7.2f}" if row.profit_factor is not None else f" {'-':>7}", ""))
        parts.append((f" {row.costs:>9,.2f}", "dim"))
    return tuple(parts)


# ---- configuration


def config_lines(config: Sequence[ConfigLine], width: int) -> list[Line]:
    """The facts under their headings, long ones broken below themselves."""
    lines: list[Line] = []
    for section, facts in groupby(config, key=lambda line: line.section):
        lines += [*([()] if lines else []), ((section, "bold"),)]
        for fact in facts:
            room = max(16, width - 24)
            for number, text in enumerate(wrap(fact.text, room)):
                label = f"  {fact.label:<20.20}  " if number == 0 else " " * 24
                lines.append(((label, "dim"), (text, "")))
    return lines


# ---- why a trade was made


def why_lines(why: TradeWhy, width: int) -> list[Line]:
    """What every signal and indicator said at the closes that opened and closed a trade."""
    lines = _decision_lines("Why it was opened", why.entry, width)
    if why.exit is not None:
        lines += [(), *_decision_lines("Why it was closed", why.exit, width)]
    if why.note:
        lines += [(), *(((text, "warning"),) for text in wrap(why.note, width))]
    return lines


def _decision_lines(title: str, facts: DecisionFacts, width: int) -> list[Line]:
    lines: list[Line] = [
        ((title, "bold"),),
        ((f"{formats.minute(facts.time_ms)}  ", "dim"), (f"close {facts.close}", "")),
        (("decided ", "dim"), (facts.decided, "bold")),
        (),
    ]
    for member in facts.members:
        where = " ".join(name for name, named in (("entry", member.entry), ("exit", member.exit)) if named)
        tone = {"long": "up", "short": "down"}.get(member.supports, "warning" if member.supports else "dim")
        mark = {"long": "▲ ", "short": "▼ "}.get(member.supports, "◆ " if member.supports else "· ")
        says = f"{mark}{member.supports or 'nothing'}"
        left = f"{member.name} "
        room = max(1, width - len(says) - len(left) - len(where) - 1)
        lines.append(((left, ""), (where, "dim"), (" " * room, ""), (says, tone)))
    lines.append(())
    for value in facts.values:
        room = max(1, width - len(value.name) - len(value.text))
        lines.append(((value.name, "primary"), (" " * room, ""), (value.text, "")))
    return lines
