"""Numbers and times as a person reads them. All times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING = "-"


def moment(time_ms: int) -> datetime:
    """The UTC date and time of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=time_ms)


def clock(time_ms: int) -> str:
    """`14:32:07Z`."""
    return f"{moment(time_ms):%H:%M:%S}Z"


def day(time_ms: int) -> str:
    """`24-09-01`."""
    return f"{moment(time_ms):%y-%m-%d}"


def minute(time_ms: int) -> str:
    """`2024-09-01 14:30`."""
    return f"{moment(time_ms):%Y-%m-%d %H:%M}"


def short_minute(time_ms: int) -> str:
    """`09-01 14:30`."""
    return f"{moment(time_ms):%m-%d %H:%M}"


def count(number: float) -> str:
    """`9,999`, `49.1k`, `491k`, `1.58M`, `2.10B`: four digits at most."""
    size = abs(number)
    if size < 10_000:
        return f"{number:,.0f}"
    for limit, divisor, unit in ((1e6, 1e3, "k"), (1e9, 1e6, "M"), (float("inf"), 1e9, "B")):
        if size < limit:
            scaled = number / divisor
            decimals = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            return f"{scaled:.{decimals}f}{unit}"
    return NOTHING


def size_of(number: float) -> str:
    """Bytes as `812 B`, `28.1 MB`, `2.9 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return NOTHING


def span(seconds: float) -> str:
    """A length of time: `0.4s`, `47s`, `12m`, `3h`, `5d`."""
    if seconds < 0:
        return "0s"
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds:.1f}s" if seconds < 9.95 and unit == "s" else f"{seconds / divisor:.0f}{unit}"
    return f"{seconds / 86_400:.0f}d"


def countdown(seconds: float | None) -> str:
    """Time left as `1:11`, `2:03:11`, or `-` where unknown."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def grouped(price: str) -> str:
    """Thousands of a decimal text set apart, its decimals left as they are: `63,812.40`."""
    whole, dot, decimals = price.partition(".")
    sign = "-" if whole.startswith("-") else ""
    digits = whole.lstrip("-")
    return f"{sign}{int(digits):,}{dot}{decimals}" if digits.isdecimal() else price


def arrow(number: float) -> str:
    """The glyph that says the sign without colour: up, down or level."""
    return "▲" if number > 0 else "▼" if number < 0 else "·"


def tone_of(number: float) -> str:
    """The tone (see `palette`) of a number's sign."""
    return "up" if number > 0 else "down" if number < 0 else "flat"


def percent(fraction: float | None, decimals: int = 2) -> str:
    """A fraction with its arrow: `▲ 0.82%`; `n/a` where undefined."""
    if fraction is None:
        return "n/a"
    return f"{arrow(round(fraction * 100, decimals))} {abs(fraction) * 100:.{decimals}f}%"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 job`, `2 jobs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def axis_money(value: float, step: float) -> str:
    """An amount on an axis whose marks are `step` apart: `10.25k`, with the decimals that tell marks apart."""
    if max(abs(value), abs(step)) >= 1e6:
        return f"{value / 1e6:.{_decimals(step / 1e6)}f}M"
    if max(abs(value), abs(step)) >= 1e4 or (abs(value) >= 1e3 and step >= 100):
        return f"{value / 1e3:.{_decimals(step / 1e3)}f}k"
    return f"{value:,.{_decimals(step)}f}"


def axis_count(value: float, step: float) -> str:
    """A whole number on an axis; nothing between whole ones."""
    del step
    return f"{value:,.0f}" if value == round(value) else ""


def axis_percent(value: float, step: float) -> str:
    """A fraction on an axis as percent, with the decimals that tell marks apart."""
    return f"{value * 100:.{_decimals(step * 100)}f}%"


def _decimals(step: float) -> int:
    for decimals in range(6):
        if step <= 0 or abs(step * 10**decimals - round(step * 10**decimals)) < 1e-6 * max(
            1.0, step * 10**decimals
        ):
            return decimals
    return 6
