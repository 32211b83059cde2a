"""The part of the engine's border that is about the live preview: a strategy tested while it is typed.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.data_messages import Collect
from tradebot.engine.strategy.form_types import FormProblem

__all__ = [
    "Preview",
    "PreviewCandles",
    "PreviewFigure",
    "PreviewMark",
    "PreviewProgress",
    "PreviewSignals",
    "PreviewView",
]

# ---------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Preview:
    """Test a strategy's text quickly, beside the screen; nothing is written. The reply is a PreviewView.

    A newer one ends the one under way, which then answers with the state "superseded"; `generation` comes back with
    the answer. `saved_toml` is the text to compare with ("": nothing is). `symbol` "" and `days` 0 leave the choice
    to the engine: the strategy's first symbol that has bars, and all that is stored; `days` counts back from the last
    stored bar. The equity line is reduced to two values a column of `columns`; `bars` is the number of the last
    candles to answer with. With `lint` the strategy is also looked at with the data (10 ms a symbol-year of minutes).
    """

    toml: str
    saved_toml: str = ""
    symbol: str = ""
    days: int = 365
    generation: int = 0
    columns: int = 40
    bars: int = 40
    lint: bool = False


# ---------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class PreviewFigure:
    """One headline figure, ready to print ("n/a" where undefined).

    `change` is the difference to the saved version as text without a sign of direction, `direction` is its sign
    (-1, 0, 1), and `better` says whether that is to the good (1), to the bad (-1) or neither (0). `change` is ""
    where nothing was compared or nothing changed.
    """

    name: str
    label: str
    text: str
    tone: str = "plain"
    change: str = ""
    direction: int = 0
    better: int = 0
    help: str = ""


@dataclass(frozen=True, slots=True)
class PreviewSignals:
    """What the strategy decided, on the bars that were tested. None where it cannot be said (no trade, no stop).

    `hold_ms` is the mean time from entry to exit; `stop_percent` the median distance of the first stop from the
    entry price.
    """

    long: int = 0
    short: int = 0
    per_day: float = 0.0
    hold_ms: int | None = None
    stop_percent: float | None = None


@dataclass(frozen=True, slots=True)
class PreviewMark:
    """An entry or exit on the candle number `bar`. `kind` is entry or exit, `side` that of the position."""

    bar: int
    kind: str
    side: str
    price: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PreviewCandles:
    """The last bars that were tested, in columns of equal length, and what happened on them."""

    times_ms: tuple[int, ...] = ()
    open: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    close: tuple[float, ...] = ()
    decimals: int = 2
    marks: tuple[PreviewMark, ...] = ()


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The answer to a Preview.

    `state` is
      done        figures and curves are there
      superseded  a newer preview took its place; there is nothing in it
      invalid     the strategy has errors; `sentence` says how many and the first
      no_data     bars are missing; `sentence` says which, `collect` would bring them, `command` does so on a console
      compiling   the backtest is being compiled; ask again when the engine's snapshot says it is ready
      failed      `sentence` says what went wrong
    `symbols` are those of the strategy that have bars, `symbol` the tested one ("" with several). Times of the curves
    are close times (UTC ms) in columns of equal length; `saved_equity` has its own times and is empty where nothing
    was compared. `trades` counts positions that are still open too. `notes` are sentences worth reading, the most
    important first. `findings` say what is most likely wrong with the strategy on this data, where it was `linted`.
    `took_ms` is the engine's time.
    """

    generation: int
    state: str
    sentence: str = ""
    symbol: str = ""
    symbols: tuple[str, ...] = ()
    timeframe: str = ""
    start_ms: int = 0
    end_ms: int = 0
    bars: int = 0
    days: int = 0
    trades: int = 0
    cash: float = 0.0
    compared: bool = False
    figures: tuple[PreviewFigure, ...] = ()
    times_ms: tuple[int, ...] = ()
    equity: tuple[float, ...] = ()
    saved_times_ms: tuple[int, ...] = ()
    saved_equity: tuple[float, ...] = ()
    signals: PreviewSignals = PreviewSignals()
    candles: PreviewCandles = PreviewCandles()
    notes: tuple[str, ...] = ()
    linted: bool = False
    findings: tuple[FormProblem, ...] = ()
    collect: Collect | None = None
    command: str = ""
    took_ms: float = 0.0


# ---------------------------------------------------------------------------------------------- snapshots


@dataclass(frozen=True, slots=True)
class PreviewProgress:
    """How far the preview under way is: `share` from 0 to 1, `note` what is being done; None of both: none runs."""

    generation: int = 0
    share: float = 0.0
    note: str = ""
