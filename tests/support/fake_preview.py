"""Previews of the fake engine: plausible figures that depend on nothing but the text that is tested."""

from __future__ import annotations

import random
import zlib

from tests.support.fake_results import NOW_MS
from tradebot.engine import messages as m

_DAY_MS = 86_400_000
_LABELS = (
    ("total_return", "Net", 1), ("sharpe", "Sharpe", 1), ("max_drawdown", "Max DD", 1), ("profit_factor", "PF", 1),
    ("trades", "Trades", 0), ("win_rate", "Win", 1), ("cost_per_trade", "Cost", -1), ("exposure", "Exposure", 0),
)  # fmt: skip


def preview(command: m.Preview) -> m.PreviewView:
    """The answer to a preview; another text gives other figures, the saved one no changes."""
    now, before = _values(command.toml), _values(command.saved_toml or command.toml)
    end = NOW_MS // _DAY_MS * _DAY_MS
    days = command.days or 700
    times = tuple(end - days * _DAY_MS * (80 - i) // 80 for i in range(81))
    compared = command.saved_toml not in {"", command.toml}
    return m.PreviewView(
        generation=command.generation,
        state="done",
        symbol="" if command.symbol == "*" else command.symbol or "BTCUSDT",
        symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        timeframe="5m",
        start_ms=times[0],
        end_ms=end,
        bars=days * 288,
        days=command.days,
        trades=round(now["trades"]),
        cash=10_000.0,
        compared=compared,
        figures=tuple(
            _figure(name, label, good, now[name], before[name])
            for name, label, good in _LABELS
        ),
        times_ms=times,
        equity=_equity(command.toml),
        saved_times_ms=times if compared else (),
        saved_equity=_equity(command.saved_toml) if compared else (),
        signals=m.PreviewSignals(24, 18, 0.5, 11_400_000, 0.62),
        candles=_candles(command.bars, end),
        notes=("61 entry decisions were dropped: a position was already open.",),
        linted=command.lint,
        took_ms=38.0,
    )  # fmt: skip


def _values(toml: str) -> dict[str, float]:
    chance = random.Random(zlib.crc32(toml.encode()))
    return {
        "total_return": chance.uniform(-0.2, 0.4),
        "sharpe": chance.uniform(-1, 2),
        "max_drawdown": -chance.uniform(0.02, 0.3),
        "profit_factor": chance.uniform(0.7, 2),
        "trades": float(chance.randrange(50, 900)),
        "win_rate": chance.uniform(0.3, 0.6),
        "cost_per_trade": chance.uniform(0.001, 0.002),
        "exposure": chance.uniform(0.1, 0.6),
    }


def _text(name: str, value: float) -> str:
    if name == "trades":
        return f"{value:,.0f}"
    if name in {"sharpe", "profit_factor"}:
        return f"{value:.2f}"
    return f"{value * 100:+.1f}%" if name == "total_return" else f"{value * 100:.1f}%"


def _figure(name: str, label: str, good: int, now: float, before: float) -> m.PreviewFigure:
    direction = (now > before) - (now < before)
    change = _text(name, abs(now - before)).strip("+%") if direction else ""
    tone = ("good" if now > 0 else "bad") if name == "total_return" else "plain"
    return m.PreviewFigure(name, label, _text(name, now), tone, change, direction, direction * good)


def _equity(toml: str) -> tuple[float, ...]:
    chance = random.Random(zlib.crc32(toml.encode()))
    gain = _values(toml)["total_return"]
    walk = [10_000.0]
    for _ in range(80):
        walk.append(walk[-1] * (1 + gain / 80 + chance.gauss(0, 0.006)))
    return tuple(walk)


def _candles(bars: int, end: int) -> m.PreviewCandles:
    chance = random.Random(5)
    close = [63_000.0]
    for _ in range(bars - 1):
        close.append(round(close[-1] + chance.gauss(0, 60), 1))
    opens = [close[0], *close[:-1]]
    wick = [round(abs(chance.gauss(0, 40)), 1) for _ in close]
    pairs = list(zip(opens, close, wick, strict=True))
    return m.PreviewCandles(
        tuple(end - (bars - i) * 300_000 for i in range(bars)),
        tuple(opens),
        tuple(round(max(o, c) + w, 1) for o, c, w in pairs),
        tuple(round(min(o, c) - w, 1) for o, c, w in pairs),
        tuple(close),
        1,
        (
            m.PreviewMark(bars // 4, "entry", "long", opens[bars // 4], "signal"),
            m.PreviewMark(bars // 2, "exit", "long", opens[bars // 2], "target"),
        ),
    )
