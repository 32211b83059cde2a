"""The simulated exchange in a thread and in a child process that cannot outlive its parent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.simulator import (
    PriceModel,
    Simulator,
    SimulatorProcess,
    SimulatorSettings,
    SimulatorThread,
    start_simulator_process,
)

pytestmark = pytest.mark.sockets


def answers(url: str) -> bool:
    with urlopen(f"{url}/v5/market/time", timeout=5) as reply:  # noqa: S310 - our own loopback address
        return bool(reply.status == 200)


def gone(process_id: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(process_id) or psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_thread_listens_until_its_block_ends() -> None:
    with SimulatorThread(SimulatorSettings(symbols=3)) as simulator:
        url = simulator.url
        assert answers(url)
    with pytest.raises(OSError, match=r"refused|10061"):
        answers(url)
    with pytest.raises(RuntimeError, match="not running"):
        _ = simulator.url


def test_a_child_process_listens_until_it_is_stopped_and_its_port_cannot_be_taken_twice() -> None:
    with start_simulator_process(SimulatorSettings(symbols=3, seed=4, start_ms=1_741_774_830_500)) as process:
        assert isinstance(process, SimulatorProcess)
        assert process.running
        assert answers(process.url)
        query = "category=linear&symbol=BTCUSDT&interval=D&limit=1&end=1741700000000"
        with urlopen(f"{process.url}/v5/market/kline?{query}", timeout=5) as reply:  # noqa: S310 - loopback
            text = reply.read().decode()
        port = int(process.url.rpartition(":")[2])
        with pytest.raises(InputError, match=f"Port {port} on 127.0.0.1 is already in use"):
            start_simulator_process(SimulatorSettings(symbols=3, port=port))
    assert not process.running
    with SimulatorThread(SimulatorSettings(symbols=3, seed=4, start_ms=1_741_774_830_500)) as thread:
        model = thread.simulator.model
        assert isinstance(model, PriceModel)
        with urlopen(f"{thread.url}/v5/market/kline?{query}", timeout=5) as reply:  # noqa: S310 - loopback
            assert reply.read().decode().partition(',"retExt')[0] == text.partition(',"retExt')[0]


def test_the_child_ends_when_its_parent_is_killed() -> None:
    code = (
        "import time\n"
        "from tradebot.engine.simulator import SimulatorSettings, start_simulator_process\n"
        "process = start_simulator_process(SimulatorSettings(symbols=3))\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child_id = int(parent.stdout.readline())
    assert psutil.pid_exists(child_id)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child_id)


def test_a_child_process_is_told_everything_and_refuses_a_plan_it_cannot_use(tmp_path: Path) -> None:
    plan, truth = tmp_path / "a plan.toml", tmp_path / "truth.jsonl"
    plan.write_text('[[fault]]\nkind = "latency"\nseconds = "long"', encoding="utf-8")
    settings = SimulatorSettings(symbols=1, faults=str(plan), truth=str(truth), latency_ms=1.5, beats=5)
    with pytest.raises(InputError) as refused:
        start_simulator_process(settings)
    assert refused.value.sentence == (
        f'{plan}, line 1, fault 1, key "seconds": it must be a number from 0 to 86400, was "long".'
    )
    plan.write_text('[[fault]]\nkind = "latency"\nseconds = 0.01', encoding="utf-8")
    with start_simulator_process(settings) as process:
        assert answers(process.url)
    events = [json.loads(line)["event"] for line in truth.read_text(encoding="utf-8").splitlines()]
    assert events == ["start", "rule", "fault"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"start_ms": 253_370_764_800_000},
            "must begin from 2000-01-01 to 2099-12-31, was to begin on 9999-01-01.",
        ),
        ({"start_ms": -1}, "was to begin on 1969-12-31."),
        ({"start_ms": 10**18}, "was to begin at 1000000000000000000 ms."),
        ({"speed": 0.0}, "speed must be above 0"),
        ({"beats": 0.0}, "beats must be 0.1 to 100 a second"),
        ({"kline_rate": 11.0}, "kline rate must be above 0 and at most 10"),
        ({"ticker_rate": 0.0}, "ticker rate must be above 0 and at most 10"),
        ({"latency_ms": -1.0}, "must not be negative"),
        ({"symbols": 0}, "lists 1 to 5000 symbols"),
        ({"port": 70_000}, "port must be 0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        SimulatorSettings(**wrong)  # type: ignore[arg-type]  # what a person gives
    assert sentence in refused.value.sentence


def test_the_package_loads_nothing_heavy_until_it_is_used() -> None:
    code = (
        "import sys\n"
        "from tradebot.engine.simulator import SimulatorSettings, start_simulator_process\n"
        "print('aiohttp' in sys.modules, 'tradebot.engine.simulator.prices' in sys.modules)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        import tradebot.engine.simulator as package

        _ = package.Nothing
    assert Simulator.__name__ == "Simulator"


def test_time_may_run_faster_and_begin_elsewhere() -> None:
    clock = SimulatorSettings(speed=1000.0, start_ms=1_700_000_000_000).clock()
    began = clock.now_ms()
    time.sleep(0.05)
    assert 1_700_000_000_000 <= began < 1_700_000_060_000
    assert clock.now_ms() - began >= 40_000
