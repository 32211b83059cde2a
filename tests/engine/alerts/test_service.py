"""Alerts of a running engine: the file is followed, bars are decided at their close, notifications are delivered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tradebot.engine.alerts import AlertBook, Firing
from tradebot.engine.alerts.closed_bars import reads, rule_spec, side_at
from tradebot.engine.alerts.delivery import MOST_WAITING, TRIES, WebHook, document_of
from tradebot.engine.alerts.service import Alerts
from tradebot.engine.alerts.system_notice import SystemNotifier, Tool
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.market import DatasetKey
from tradebot.engine.messages import DatasetView, EngineSnapshot, QuoteView
from tradebot.engine.store import Store
from tradebot.engine.strategy.check import builtin_registry

TOOL = Tool("notify-send", "/usr/bin/notify-send", "linux")
KEY = DatasetKey("linear", "BTCUSDT", "15m")
FRAME = 15 * 60_000
START = 1_704_067_200_000
STRATEGY = """\
[strategy]
name = "Up"
category = "linear"
symbols = ["BTC*"]
timeframe = "15m"
[signals.up]
use = "compare"
a = "close"
op = ">"
b = 105
supports = "long"
[entry]
combine = "any"
signals = ["up"]
[risk]
direction = "both"
sizing = { use = "equity", percent = 1 }
"""


def write_bars(folder: Path, *closes: float) -> int:
    """Bars of KEY with these closes; the open time of the last."""
    rows = [f"{START + n * FRAME},{c},{c + 1},{c - 1},{c},1,1\n" for n, c in enumerate(closes)]
    file = folder / "linear" / "BTCUSDT_15m.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    header = "timestamp,open,high,low,close,volume,turnover\n"
    file.write_text(header + "".join(rows), encoding="utf-8", newline="")
    return START + (len(closes) - 1) * FRAME


def dataset(last_ms: int, state: str = "live") -> DatasetView:
    return DatasetView(str(KEY), "linear", "BTCUSDT", "15m", 1, START, last_ms, 0, 0, 1, (), START, state)


def quoted(price: str) -> EngineSnapshot:
    return EngineSnapshot(time_ms=1, quotes=(QuoteView("BTCUSDT", price, None, None, None, 10),))


class World:
    """An engine's alerts on a clock that stands still; `posted` is what the web-hook got."""

    def __init__(self, folder: Path, webhook: str = "") -> None:
        self.clock = ManualClock()
        self.events = EventLog(self.clock)
        self.posted: list[dict[str, str]] = []
        self.book = AlertBook(folder)
        store = Store(folder)
        self.alerts = Alerts(
            folder, store, builtin_registry(), self.text, self.clock, self.events, webhook, self.post
        )

    def text(self, name: str) -> str:
        if name != "up":
            raise InputError(f"There is no strategy {name}.")
        return STRATEGY

    def post(self, url: str, body: bytes) -> int:
        assert url == "http://hook"
        self.posted.append(json.loads(body))
        return 204

    def said(self) -> list[str]:
        return [event.sentence for event in self.events.recent(99)]

    async def settle(self, work: Callable[[], bool]) -> None:
        """Let `run` work beside until something has happened."""
        task = asyncio.create_task(self.alerts.run())
        async with asyncio.timeout(10):
            while not work():  # noqa: ASYNC110 - what is waited for stands in a file
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# ---------------------------------------------------------------------------------------------- the file and prices


async def test_a_price_is_told_as_an_event_in_the_history_and_at_the_address(tmp_path: Path) -> None:
    world = World(tmp_path, "http://hook")
    world.book.add("BTCUSDT above 100", name="hundred")
    world.alerts.look(quoted("99.5"))
    world.alerts.look(quoted("100.5"))
    assert world.said() == ["BTCUSDT is above 100: 100.5."]
    await world.settle(lambda: bool(world.posted))
    assert world.posted[0]["content"] == world.posted[0]["sentence"] == "BTCUSDT is above 100: 100.5."
    assert [told.name for told in world.book.history(9)] == ["hundred"]


async def test_a_change_of_the_file_counts_within_a_second_and_a_wrong_one_keeps_the_old(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.alerts.look(quoted("99"))
    world.book.add("BTCUSDT above 100")
    await world.clock.advance(1)
    world.alerts.look(quoted("99"))
    world.book.path.write_text("[[alert]\n", encoding="utf-8")
    await world.clock.advance(1)
    world.alerts.look(quoted("99"))
    await world.clock.advance(1)
    world.alerts.look(quoted("101"))
    assert "The alerts from before stay." in world.said()[0]
    assert world.said()[1:] == ["BTCUSDT is above 100: 101."]


async def test_one_that_is_off_says_nothing_until_it_is_armed_and_the_system_is_told_beside(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    shown: list[str] = []
    notifier = SystemNotifier(
        "always", world.clock, world.events, TOOL, lambda notice: shown.append(notice.arguments[-1]) or ""
    )
    world.alerts = Alerts(
        tmp_path, Store(tmp_path), builtin_registry(), world.text, world.clock, world.events, notifier=notifier
    )  # fmt: skip
    world.book.add("BTCUSDT crosses 100", name="hundred")
    world.book.arm("hundred", armed=False)
    for price in ("99", "101"):
        world.alerts.look(quoted(price))
    world.book.arm("hundred", armed=True)
    await world.clock.advance(1)
    for price in ("101", "99"):
        world.alerts.look(quoted(price))
    await world.settle(lambda: bool(shown))
    assert shown == ["BTCUSDT crossed 100 downwards: 99."] == world.said()


async def test_it_looks_four_times_a_second(tmp_path: Path) -> None:
    world = World(tmp_path)
    looks: list[int] = []

    def latest() -> EngineSnapshot:
        looks.append(world.clock.now_ms())
        return EngineSnapshot()

    task = asyncio.create_task(world.alerts.keep_looking(latest))
    await asyncio.sleep(0)
    await world.clock.advance(2)
    task.cancel()
    assert len(looks) == 9


# ---------------------------------------------------------------------------------------------- bars


async def test_a_rule_is_decided_on_the_bar_that_closed_while_it_was_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book.add("BTCUSDT 15m: close above 105")
    old = write_bars(tmp_path, *[100.0] * 30, 106.0)
    world.alerts.look(EngineSnapshot(datasets=(dataset(old),)))
    new = write_bars(tmp_path, *[100.0] * 31, 107.0)
    world.alerts.look(EngineSnapshot(datasets=(dataset(new),)))
    await world.settle(lambda: bool(world.book.history(1)))
    assert world.said() == ["BTCUSDT 15m: close above 105 (bar closed 2024-01-01 08:00 UTC)."]


async def test_the_opposite_of_a_rule_is_not_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book.add("BTCUSDT 15m: ema 3 rising", name="up")
    world.book.add("BTCUSDT 15m: ema 3 falling", name="down")
    rising = [100.0 + number for number in range(30)]
    world.alerts.look(EngineSnapshot(datasets=(dataset(write_bars(tmp_path, *rising)),)))
    world.alerts.look(EngineSnapshot(datasets=(dataset(write_bars(tmp_path, *rising, 50.0)),)))
    await world.settle(lambda: bool(world.book.history(1)))
    assert [told.name for told in world.book.history(9)] == ["down"]


async def test_datasets_that_are_not_followed_say_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book.add("BTCUSDT 15m: close above 105")
    world.book.add("BTCUSDT above 100")
    write_bars(tmp_path, 100.0, 106.0)
    for last in (START, START + FRAME):
        world.alerts.look(EngineSnapshot(datasets=(dataset(last, "collecting"),)))
    world.alerts.look(quoted("99"))
    world.alerts.look(quoted("101"))
    await world.settle(lambda: bool(world.book.history(1)))
    assert world.said() == ["BTCUSDT is above 100: 101."]


async def test_a_strategy_tells_its_side(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book.add("strategy up")
    old = write_bars(tmp_path, *[100.0] * 30)
    world.alerts.look(EngineSnapshot(datasets=(dataset(old),)))
    new = write_bars(tmp_path, *[100.0] * 30, 106.0)
    world.alerts.look(EngineSnapshot(datasets=(dataset(new),)))
    await world.settle(lambda: bool(world.book.history(1)))
    assert world.said() == ["Up says long on BTCUSDT 15m (bar closed 2024-01-01 07:45 UTC)."]


async def test_a_strategy_that_is_gone_is_said_and_the_others_are_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book.add("strategy gone", name="gone")
    world.book.add("strategy up")
    old = write_bars(tmp_path, *[100.0] * 30)
    world.alerts.look(EngineSnapshot(datasets=(dataset(old),)))
    world.alerts.look(EngineSnapshot(datasets=(dataset(write_bars(tmp_path, *[100.0] * 30, 106.0)),)))
    await world.settle(lambda: bool(world.book.history(1)))
    assert world.said()[0] == 'The alert "gone" cannot be looked at: There is no strategy gone.'
    assert world.said()[1].startswith("Up says long")


@pytest.mark.parametrize(
    ("rule", "closes", "fires"),
    [
        ("close below 95", (100.0, 94.0), True),
        ("close below 95", (94.0, 93.0), False),
        ("close crosses above 105", (100.0, 106.0), True),
        ("close crosses below 95", (100.0, 94.0), True),
        ("close crosses below 95", (100.0, 106.0), False),
        ("rsi below 30", (100.0, 60.0), True),
        ("rsi below 30", (100.0, 140.0), False),
        ("rsi above 70", (100.0, 140.0), True),
        ("ema 3 crosses below ema 5", (101.0, 60.0), True),
        ("ema 3 crosses below ema 5", (100.0, 140.0), False),
        ("ema 3 crosses above ema 5", (99.0, 140.0), True),
        ("ema 3 crosses above ema 5", (101.0, 60.0), False),
        ("ema 3 falling", (101.0, 60.0), True),
        ("ema 3 falling", (99.0, 140.0), False),
        ("ema 3 rising", (101.0, 60.0), False),
        ("macd histogram below 0", (101.0, 60.0), True),
        ("close below bb lower", (100.0, 60.0), True),
        ("close below bb lower", (100.0, 140.0), False),
    ],
)
def test_a_rule_means_what_it_says_and_tells_the_bar_on_which_it_becomes_so(
    tmp_path: Path, rule: str, closes: tuple[float, float], fires: bool
) -> None:
    ripple = [100.0 + 0.1 * (number % 2) for number in range(60)]
    last = write_bars(tmp_path, *ripple, *closes)
    registry = builtin_registry()
    spec = rule_spec(registry, "BTCUSDT", "15m", rule)
    assert (side_at(spec, registry, Store(tmp_path), KEY, last) == 1) is fires


def test_only_bars_that_a_strategy_decides_on_are_read(tmp_path: Path) -> None:
    spec = rule_spec(builtin_registry(), "BTCUSDT", "15m", "close above 1")
    assert reads(spec, KEY)
    assert not reads(spec, DatasetKey("linear", "BTCUSDT", "1h"))
    assert not reads(spec, DatasetKey("spot", "BTCUSDT", "15m"))
    assert not reads(spec, DatasetKey("linear", "ETHUSDT", "15m"))
    with pytest.raises(InputError):
        rule_spec(builtin_registry(), "BTCUSDT", "15m", "gibberish above 1")


# ---------------------------------------------------------------------------------------------- the web-hook


def firing(number: int = 1) -> Firing:
    return Firing("it", "cause", f"Price ▲ {number}.", 1_700_000_000_000)


async def directly(call: Callable[[], int]) -> int:
    return call()


InThread = Callable[[Callable[[], int]], Awaitable[int]]


async def test_an_address_that_fails_is_tried_twice_said_once_and_never_again() -> None:
    clock = ManualClock()
    events = EventLog(clock)
    tries: list[bytes] = []

    def refuse(url: str, body: bytes) -> int:
        tries.append(body)
        if len(tries) % 2:
            raise ConnectionError(0, "NewConnectionError")
        return 500

    hook = WebHook("http://secret/token", clock, events, refuse)
    for number in range(3):
        hook.add(firing(number))
    sending = asyncio.create_task(hook.send(directly))
    for _ in range(4):
        await asyncio.sleep(0)
        await clock.advance(10)
    await sending
    assert len(tries) == 3 * TRIES
    (told,) = [event.sentence for event in events.recent(9)]
    assert "it answers 500" in told
    assert "token" not in told


async def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    clock = ManualClock()
    sent: list[bytes] = []
    hook = WebHook("http://x", clock, EventLog(clock), lambda _url, body: sent.append(body) or 200)
    for number in range(MOST_WAITING + 5):
        hook.add(firing(number))
    await hook.send(directly)
    assert len(sent) == MOST_WAITING
    assert sent[-1] == document_of(firing(MOST_WAITING + 4))


def test_the_document_is_utf8_json_with_the_words_that_chats_show() -> None:
    document = json.loads(document_of(replace(firing(), sentence="▲ 3 %")).decode("utf-8"))
    assert document == {
        "name": "it", "time": "2023-11-14T22:13:20.000Z", "sentence": "▲ 3 %", "text": "▲ 3 %", "content": "▲ 3 %",
    }  # fmt: skip
