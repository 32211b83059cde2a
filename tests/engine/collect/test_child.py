"""The child process does what its order says, tells how each dataset goes, and may be killed at any moment."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tradebot.engine.collect import CollectRequest, Order, collect_history
from tradebot.engine.collect.child import ChildOrder, ChildOutcome, collect_in_child, order_for
from tradebot.engine.collect.repair import RepairOptions
from tradebot.engine.collect.verifying import Verify
from tradebot.engine.control.clock import ScaledClock, SystemClock
from tradebot.engine.control.errors import CancelledError, ShortfallError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import DAY_MS, Category, DatasetKey, Timeframe
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store

pytestmark = pytest.mark.sockets
LINEAR, M1, H1 = Category.LINEAR, Timeframe.M1, Timeframe.H1
START = 1_793_000_010_000
SOURCE = "simulator seed 1"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    """A simulator at the real time, for the child's clock is the machine's."""
    with SimulatorThread(SimulatorSettings(symbols=8)) as running:
        yield running


def order(simulator: SimulatorThread, folder: Path, **values: Any) -> ChildOrder:
    where = {"url": simulator.url, "folder": str(folder), "source": SOURCE, "budget_percent": 100.0}
    return ChildOrder(**{**where, "timeout_seconds": 10.0, **values})


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_an_order_survives_json_and_asks_for_what_the_request_asks() -> None:
    request = CollectRequest(
        LINEAR,
        ("all",),
        (M1, H1),
        START,
        START + DAY_MS,
        order=Order.NEWEST_FIRST,
        top=5,
        mark_timeframes=(H1,),
        ask_holes_again=True,
    )
    made = order_for(request, url="u", folder="f", source="s", budget_percent=60.0, timeout_seconds=5.0)
    again = ChildOrder.from_json(json.loads(json.dumps(asdict(made))))
    assert again == made
    assert again.request() == request
    repairing = ChildOrder("u", "f", "s", 60.0, 5.0, kind="repair", keys=("linear/BTCUSDT_1m",), verify="all")
    assert repairing.repair_options() == RepairOptions(Verify.ALL)
    outcome = ChildOutcome(True, 1, 0, 1, ("a",), ("b",), 2)
    assert ChildOutcome.from_json(json.loads(json.dumps(asdict(outcome)))) == outcome


async def test_the_largest_symbols_are_collected_newest_first_with_mark_prices(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    heard: list[dict[str, Any]] = []
    request = CollectRequest(
        LINEAR,
        ("all",),
        (M1,),
        now_ms() - 3 * DAY_MS,
        order=Order.NEWEST_FIRST,
        top=2,
        mark_timeframes=(H1,),
    )
    where = asdict(order(simulator, tmp_path))
    names = ("url", "folder", "source", "budget_percent", "timeout_seconds")
    made = order_for(request, **{name: where[name] for name in names})
    outcome = await collect_in_child(made, heard.append, CancelToken())
    assert outcome.complete
    assert outcome.datasets == 4
    keys = [info.key for info in Store(tmp_path).datasets()]
    assert Counter((key.timeframe_name, key.mark) for key in keys) == {("1m", False): 2, ("1h", True): 2}
    looks = [message["progress"] for message in heard if "progress" in message]
    last = looks[-1]
    assert sum(last["retries_by_kind"].values()) == last["retries"]
    assert (last["done"], last["limit"], last["window_s"]) == (last["total"], 600, 5.0)
    details: dict[str, Any] = {}
    for look in looks:
        details.update(look["details"])
        assert set(look["details"]) == {entry[0] for entry in look["datasets"]}
    assert set(details) == {str(key) for key in keys}
    for text, each in details.items():
        info = Store(tmp_path).info(DatasetKey.parse(text))
        assert info is not None
        assert (each["rows"], each["last_ms"]) == (info.rows, info.last_ms)
        assert each["rate"] > 0
        assert each["retry_at_ms"] is None


async def test_a_repair_is_carried_out_in_the_child_too(simulator: SimulatorThread, tmp_path: Path) -> None:
    since = now_ms() - DAY_MS
    collecting = order(simulator, tmp_path, symbols=("BTCUSDT",), timeframes=("1m",), since_ms=since)
    await collect_in_child(collecting, lambda message: None, CancelToken())
    path = tmp_path / "linear" / "BTCUSDT_1m.csv"
    whole = path.read_text("utf-8")
    lines = whole.splitlines(keepends=True)
    path.write_text("".join([*lines[:100], "nonsense\n", *lines[150:]]), "utf-8", newline="")
    repairing = order(simulator, tmp_path, kind="repair", keys=("linear/BTCUSDT_1m",), verify="sample")
    outcome = await collect_in_child(repairing, lambda message: None, CancelToken())
    assert outcome.complete, outcome.sentences
    assert (outcome.rows_moved, outcome.bars_added) == (1, 50)
    assert path.read_text("utf-8") == whole
    assert "all equal" in outcome.sentences[0]


async def test_a_cancelled_child_ends_soon_and_keeps_what_it_has(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    cancel = CancelToken()

    def hear(message: dict[str, Any]) -> None:
        if message.get("progress", {}).get("done", 0) >= 5_000:
            cancel.cancel()

    making = order(
        simulator, tmp_path, symbols=("all",), timeframes=("1m",), since_ms=now_ms() - 200 * DAY_MS
    )
    with pytest.raises((CancelledError, ShortfallError)) as caught:
        await collect_in_child(making, hear, cancel)
    assert isinstance(caught.value, CancelledError)
    assert sum(info.rows for info in Store(tmp_path).datasets()) >= 5_000


COLLECT = """
import asyncio, random, sys
from pathlib import Path
from tradebot.engine.collect import CollectRequest, Order, collect_history
from tradebot.engine.control.clock import ScaledClock, SystemClock
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.store import Store

url, folder, start, since, order = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
clock = ScaledClock(start, 0.001)
asked = [0]

class Counting(PybitRest):
    async def get(self, path, params):
        if path == "/v5/market/kline":
            length = Timeframe.from_interval(str(params["interval"])).ms
            asked[0] += (params["end"] - params["start"]) // length + 1
        return await super().get(path, params)

exchange = Exchange(Counting(url), clock, random.Random(), Throttle(SystemClock(), 1.0))
frames = (Timeframe.M1, Timeframe.M5)
request = CollectRequest(Category.LINEAR, ("BTCUSDT", "ETHUSDT"), frames, since, funding=False, order=Order(order))
print("go", flush=True)
report = asyncio.run(collect_history(exchange, Store(folder), request, clock, lambda p: None, CancelToken(), 8))
print(asked[0], report.bars_added, report.complete, flush=True)
"""


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("linear/*_*m.csv*"))


@pytest.mark.parametrize("wanted", list(Order))
async def test_killed_again_and_again_each_run_asks_only_for_what_is_missing(
    tmp_path: Path, wanted: Order
) -> None:
    """SIGKILL at random moments of a real process on real files; the files end as those of an undisturbed run."""
    rng = random.Random(wanted.value)
    since = START - 20 * DAY_MS
    keys = [
        DatasetKey.of(LINEAR, symbol, frame)
        for symbol in ("BTCUSDT", "ETHUSDT")
        for frame in (M1, Timeframe.M5)
    ]

    def missing(folder: Path) -> int:
        store = Store(folder, read_only=True)
        return sum(
            (high - low) // key.timeframe.ms
            for key in keys
            for low, high in store.missing(key, key.timeframe.ceil(since), key.timeframe.floor(START))
        )

    def collect(url: str, folder: Path, grow_bytes: int | None) -> str:
        """Run to the end, or until the folder has grown by so much."""
        arguments = [sys.executable, "-c", COLLECT, url, str(folder), str(START), str(since), wanted.value]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        before = size(folder)
        while grow_bytes is not None and process.poll() is None:
            if size(folder) >= before + grow_bytes:
                process.kill()
            time.sleep(0.002)
        return process.communicate()[0]

    settings = SimulatorSettings(symbols=8, latency_ms=20.0)
    with SimulatorThread(settings, ScaledClock(START, 0.001)) as still:
        whole = missing(tmp_path / "killed")
        left = [whole]
        for _ in range(2):
            await asyncio.to_thread(collect, still.url, tmp_path / "killed", rng.randint(1, 400_000))
            left.append(missing(tmp_path / "killed"))
        assert left == sorted(set(left), reverse=True)
        said = await asyncio.to_thread(collect, still.url, tmp_path / "killed", None)
        assert said.split() == [str(left[-1]), str(left[-1]), "True"]
        rest = PybitRest(still.url)
        clock = ScaledClock(START, 0.001)
        exchange = Exchange(rest, clock, rng, Throttle(SystemClock(), 1.0))
        request = CollectRequest(LINEAR, ("BTCUSDT", "ETHUSDT"), (M1, Timeframe.M5), since, funding=False)
        whole_store = Store(tmp_path / "whole", clock)
        await collect_history(exchange, whole_store, request, clock, lambda progress: None, CancelToken())
        rest.close()
    for key in keys:
        name = Path("linear") / key.file_name
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "killed" / "linear").glob("*.staged"))
