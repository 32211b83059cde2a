"""A preview's figures as the pane shows them: texts, and how they changed against the saved version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tradebot.engine.messages import PreviewFigure
from tradebot.engine.preview_run import Tested

UNDEFINED = "n/a"


def _percent(value: float) -> str:
    """`+18.2%`, from ten times on without decimals: `+1,235%`."""
    return f"{value * 100:+,.{0 if abs(value) >= 10 else 1}f}%"


def _share(value: float) -> str:
    return f"{value * 100:.1f}%"


def _cost(value: float) -> str:
    return f"{value * 100:.3f}%"


def _ratio(value: float) -> str:
    return f"{value:,.{0 if abs(value) >= 1000 else 2}f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


@dataclass(frozen=True, slots=True)
class _Shown:
    """How one figure is shown.

    `good` is the sign of a change for the better; a value above `level` is good, below it bad (None: neither).
    """

    name: str
    label: str
    write: Callable[[float], str]
    help: str
    good: int = 0
    level: float | None = None


_FIGURES = (
    _Shown("total_return", "Net", _percent, "Final equity over starting cash, minus one, after all costs.", 1, 0.0),
    _Shown("sharpe", "Sharpe", _ratio, "Mean over deviation of daily returns, a year of 365 days, rate 0.", 1, 0.0),
    _Shown("max_drawdown", "Max DD", _share, "Deepest fall of daily equity from its peak.", 1),
    _Shown("profit_factor", "PF", _ratio, "Profit factor: won over lost money, net of all costs.", 1, 1.0),
    _Shown("trades", "Trades", _count, "Closed trades."),
    _Shown("win_rate", "Win", _share, "Share of closed trades that won, net of all costs.", 1),
    _Shown("cost_per_trade", "Cost", _cost, "Fees, slippage and funding of a trade over its entry value.", -1),
    _Shown("exposure", "Exposure", _share, "Share of bars with a position."),
)  # fmt: skip


def figure_views(now: Tested, before: Tested | None) -> tuple[PreviewFigure, ...]:
    """The headline figures, and what changed since `before`, where that is given."""
    return tuple(
        _figure(shown, now.values[shown.name], None if before is None else before.values[shown.name])
        for shown in _FIGURES
    )


def _figure(shown: _Shown, now: float | None, before: float | None) -> PreviewFigure:
    if now is None:
        return PreviewFigure(shown.name, shown.label, UNDEFINED, help=shown.help)
    tone = "plain"
    if shown.level is not None and now != shown.level:
        tone = "good" if now > shown.level else "bad"
    text = shown.write(now)
    if before is None or shown.write(before) == text:
        return PreviewFigure(shown.name, shown.label, text, tone, help=shown.help)
    direction = 1 if now > before else -1
    change = shown.write(abs(now - before)).strip("+%")
    return PreviewFigure(
        shown.name, shown.label, text, tone, change, direction, direction * shown.good, shown.help
    )
