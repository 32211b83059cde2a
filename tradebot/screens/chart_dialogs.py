"""The windows of the chart: a date to go to, and the lists to pick symbols, indicators, strategies and results from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from tradebot.engine.messages import ChartIndicator, DatasetView, EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.chart_view import TIMEFRAMES, Subject
from tradebot.screens.dialogs import Dialog
from tradebot.screens.pickers import Choice

__all__ = [
    "DateDialog",
    "indicator_choices",
    "read_time",
    "result_choices",
    "strategy_choices",
    "symbol_choices",
]

NOTHING = "-"
_REMOVE = "-"


def read_time(text: str, now_ms: int) -> int:
    """A date, a date and time, or a span back ("30d"), as UTC ms. Raises ValueError with a sentence."""
    from tradebot.engine.market.times import parse_time

    return parse_time(text, now_ms)


class DateDialog(Dialog[int]):
    """Asks for a time to go to; the answer is in UTC ms."""

    title_text = "Go to a date"
    keys_text = "Enter goes there · Esc closes"

    def __init__(self, text: str, first_ms: int, last_ms: int) -> None:
        super().__init__()
        self._text = text
        self._span = (first_ms, last_ms)

    def compose_body(self) -> ComposeResult:
        """What is stored, the input, a line for what is wrong with it."""
        first, last = (formats.minute(each) for each in self._span)
        yield Static(
            f"Bars are stored from {first} to {last} (UTC).\n"
            "Write 2024-03-15, 2024-03-15 14:30, or 30d back from the newest.",
            markup=False,
        )
        yield Input(self._text, compact=True, id="date")
        yield Static("", classes="problem", markup=False)

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Read the time and close with it, or say what is wrong."""
        try:
            self.dismiss(read_time(event.value, self._span[1]))
        except ValueError as error:
            self.query_one(".problem", Static).update(f"{error}.")


@dataclass(frozen=True, slots=True)
class _IndicatorChoice(Choice):
    """Found by words as any choice; with values behind the name it is meant only where they are its own."""

    def rank(self, words: list[str]) -> int | None:
        """As `Choice.rank`; `ema 2` is not `ema 20`."""
        if any(char.isdigit() or char == "=" for word in words for char in word):
            return 0 if " ".join(words) == self.label.lower() else None
        return Choice.rank(self, words)


def symbol_choices(snapshot: EngineSnapshot) -> tuple[Choice, ...]:
    """Every symbol that is stored, with its timeframes, then those that are only quoted."""
    stored: dict[tuple[str, str], list[DatasetView]] = {}
    for each in snapshot.datasets:
        if not each.mark and each.rows and each.timeframe in TIMEFRAMES:
            stored.setdefault((each.category, each.symbol), []).append(each)
    choices = [
        Choice(f"{category}/{symbol}", symbol, _stored_text(datasets), category)
        for (category, symbol), datasets in stored.items()
    ]
    choices += [
        Choice(f"linear/{quote.symbol}", quote.symbol, f"{quote.last}, no bars stored yet", "linear")
        for quote in snapshot.quotes
        if ("linear", quote.symbol) not in stored
    ]
    return tuple(choices)


def _stored_text(datasets: Iterable[DatasetView]) -> str:
    each = sorted(datasets, key=lambda one: TIMEFRAMES.index(one.timeframe))
    first, last = min(one.first_ms for one in each), max(one.last_ms for one in each)
    live = "● live  " if any(one.state == "live" for one in each) else ""
    return f"{live}{' '.join(one.timeframe for one in each)}   {formats.day(first)} to {formats.day(last)}"


def indicator_choices(subject: Subject, known: tuple[ChartIndicator, ...]) -> tuple[Choice, ...]:
    """Those on the chart first, to be taken away; then all there are."""
    present = [
        _IndicatorChoice(f"{_REMOVE}{text}", text, "on the chart: Enter takes it away", "shown")
        for text in subject.indicators
    ]
    return (
        *present,
        *(
            _IndicatorChoice(each.text, each.text, f"{each.label}: {each.help}", each.group, each.name)
            for each in known
        ),
    )


def with_picked(indicators: tuple[str, ...], picked: str) -> tuple[str, ...]:
    """The indicators after one was picked from the list: taken away, added, or as before where it is there already."""
    if picked.startswith(_REMOVE):
        return tuple(each for each in indicators if each != picked.removeprefix(_REMOVE))
    text = " ".join(picked.split())
    return indicators if text in indicators else (*indicators, text)


def strategy_choices(snapshot: EngineSnapshot) -> tuple[Choice, ...]:
    """No strategy, or one of those that are saved."""
    return (
        Choice(NOTHING, "none", "no strategy on the chart"),
        *(
            Choice(each.name, each.name, each.problem or f"{each.title} · {each.timeframe}")
            for each in snapshot.strategies
        ),
    )


def result_choices(snapshot: EngineSnapshot) -> tuple[Choice, ...]:
    """No result, or one of those that are stored, with what it came to."""
    found = [Choice(NOTHING, "none", "no trades on the chart")]
    for each in snapshot.results:
        symbols = ", ".join(each.symbols[:3]) + (" ..." if len(each.symbols) > 3 else "")
        gained = f" · {formats.percent(each.total_return)}" if each.trades else ""
        trades = formats.plural(each.trades, "trade")
        about = f"{each.strategy}{gained} · {trades} · {symbols} {each.timeframe}"
        found.append(Choice(each.result_id, each.result_id, about))
    return tuple(found)
