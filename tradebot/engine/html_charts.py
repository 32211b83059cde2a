"""Charts of a report as inline SVG: no script, no network, drawn from at most a thousand points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tradebot.engine.market.times import iso_date

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 960.0, 10.0, 74.0, 12.0, 24.0
_LINES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: `tone` is its class in the style sheet, `values` stand at the times of the chart."""

    label: str
    tone: str
    values: tuple[float, ...]


def line_chart(
    times_ms: Sequence[int], lines: Sequence[Line], height: int, unit: str = "", fill: bool = False
) -> str:
    """Curves over time with a value axis on the right; "" without at least two points.

    `unit` "%" writes fractions as percent, "" writes plain numbers. `fill` fills between curve and zero.
    """
    if len(times_ms) < 2:
        return ""
    low, high = _range(lines, fill)
    inner = height - _TOP - _BOTTOM
    first, last = times_ms[0], times_ms[-1]

    def x(time_ms: int) -> float:
        return _LEFT + (time_ms - first) / max(1, last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * inner

    parts = [f'<svg viewBox="0 0 {_WIDTH:.0f} {height}" role="img" aria-label="{escape(_label(lines))}">']
    for number in range(_LINES + 1):
        value = low + (high - low) * number / _LINES
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            f'<text x="{_WIDTH - _RIGHT + 6}" y="{y(value) + 4:.1f}">{escape(_number(value, unit))}</text>'
        )
    for number in range(_LINES + 1):
        time_ms = first + (last - first) * number // _LINES
        anchor = "start" if number == 0 else "end" if number == _LINES else "middle"
        parts.append(
            f'<text x="{x(time_ms):.1f}" y="{height - 6}" text-anchor="{anchor}">{iso_date(time_ms)}</text>'
        )
    for line in lines:
        points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(times_ms, line.values, strict=True))
        if fill:
            base = y(min(max(0.0, low), high))
            points = f"{x(first):.1f},{base:.1f} {points} {x(last):.1f},{base:.1f}"
            parts.append(f'<polygon class="{line.tone} area" points="{points}"/>')
        else:
            parts.append(f'<polyline class="{line.tone}" points="{points}"/>')
    parts.append("</svg>")
    return "".join(parts)


def bar_chart(edges: Sequence[float], counts: Sequence[int], height: int, unit: str = "") -> str:
    """A histogram; `edges` is one longer than `counts`. "" where nothing is counted."""
    most = max(counts, default=0)
    if most == 0:
        return ""
    inner = height - _TOP - _BOTTOM
    width = (_WIDTH - _LEFT - _RIGHT) / len(counts)
    parts = [f'<svg viewBox="0 0 {_WIDTH:.0f} {height}" role="img" aria-label="distribution">']
    for number, count in enumerate(counts):
        tall = inner * count / most
        tone = "bad" if (edges[number] + edges[number + 1]) / 2 < 0 else "good"
        parts.append(
            f'<rect class="{tone}" x="{_LEFT + number * width + 1:.1f}" y="{_TOP + inner - tall:.1f}" '
            f'width="{max(1.0, width - 2):.1f}" height="{tall:.1f}"><title>{_number(edges[number], unit)} to '
            f"{_number(edges[number + 1], unit)}: {count:,}</title></rect>"
        )
    for number in range(_LINES + 1):
        place = number * len(counts) // _LINES
        parts.append(
            f'<text x="{_LEFT + place * width:.1f}" y="{height - 6}" text-anchor="middle">'
            f"{escape(_number(edges[place], unit))}</text>"
        )
    parts.append("</svg>")
    return "".join(parts)


def _range(lines: Sequence[Line], zero: bool) -> tuple[float, float]:
    values = [value for line in lines for value in line.values] + ([0.0] if zero else [])
    low, high = min(values), max(values)
    if low == high:
        return low - (abs(low) * 0.01 or 0.01), high + (0.0 if zero else abs(high) * 0.01 or 0.01)
    margin = (high - low) * 0.04
    return low - (0.0 if zero and low >= 0.0 else margin), high + (0.0 if zero and high <= 0.0 else margin)


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:+.1f}%" if value else "0%"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def _label(lines: Sequence[Line]) -> str:
    return ", ".join(line.label for line in lines)
