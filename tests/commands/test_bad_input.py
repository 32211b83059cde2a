"""Bad input to a backtest: a result, or one sentence with its exit code; never a traceback or a number that is none."""

from __future__ import annotations

import errno
import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backtest.markets import START, know, put, strategy, waves
from tradebot.cli import run
from tradebot.engine.backtest.order import BacktestOrder, carry_out
from tradebot.engine.backtest.results import folder as folder_module
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.errors import CancelledError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, Category, Instrument
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry

HEADER = "timestamp,open,high,low,close,volume,turnover\n"
ALWAYS_LONG = strategy().replace(
    'use = "cross"\na = "fast"\nb = "slow"',
    'use = "compare"\na = "close"\nop = ">"\nb = 0.0\nsupports = "long"',
)
Row = Sequence[object]
Try = Callable[..., tuple[int, Any, str]]


def bars(count: int, **changed: object) -> list[Row]:
    """Rows of a CSV; `changed` sets cells of the bar 100 by the first letter of their column."""
    rows = [[row.time_ms, *row[1:6]] for row in waves(count)]
    for name, value in changed.items():
        rows[100][" ohlcv".index(name)] = value  # type: ignore[call-overload]  # cells of any kind
    return rows  # type: ignore[return-value]  # plain test data


def csv_text(rows: Iterable[Row]) -> str:
    return HEADER + "".join(",".join(map(str, row)) + ",\n" for row in rows)


@pytest.fixture
def tried(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Try:
    """Backtest these bars (None: no file) with a strategy; (exit code, result.json or None, standard error).

    Every file of a result is looked through for numbers that are none.
    """
    monkeypatch.chdir(tmp_path)
    linear = tmp_path / "data" / "linear"
    linear.mkdir(parents=True)

    def call(rows: list[Row] | str | None, *arguments: str, text: str | None = None) -> tuple[int, Any, str]:
        if rows is not None:
            content = rows if isinstance(rows, str) else csv_text(rows)
            (linear / "AAAUSDT_1h.csv").write_text(content, encoding="utf-8", newline="")
        (tmp_path / "s.toml").write_text(text or strategy(), encoding="utf-8")
        code = run(["backtest", "s.toml", *arguments, "--data", "data", "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err and "Warning" not in said.err
        document = json.loads(said.out) if said.out else None
        if document is not None:
            assert run(["results", "show", "last", "--data", "data"]) == 0
            assert_finite(Path(document["folder"]), capsys.readouterr().out)
        return code, document, said.err

    return call


def assert_finite(folder: Path, shown: str) -> None:
    texts = [shown, *(path.read_text(encoding="utf-8") for path in folder.iterdir())]
    words = {word.strip(',:+-%"').lower() for text in texts for word in text.replace(",", " ").split()}
    assert words.isdisjoint({"nan", "inf", "infinity"})


class TestBars:
    @pytest.mark.parametrize("count", [1, 2, 3, 12])
    def test_few(self, tried: Try, count: int) -> None:
        code, result, _ = tried(bars(101)[:count])
        assert (code, result["span"]["bars"], result["metrics"]["trades"]) == (0, count, 0)
        assert result["metrics"]["sharpe"] is None
        assert "no_trades" in result["flags"]

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            (None, "There is no dataset linear/AAAUSDT_1h"),
            ("", "it holds no bars"),
            (HEADER, "it holds no bars"),
            ("date,price\n2024,5\n", 'line 1: the header is "date,price"'),
            (bars(200, c="nan"), 'line 102: the close is "nan", expected a number'),
            (bars(200, o="inf"), 'line 102: the open is "inf", expected a number'),
            (bars(200, c=""), 'line 102: the close is "", expected a number'),
            (bars(200, l="0"), "line 102: the low is 0, expected a price above 0"),
            (bars(200, l="-5"), "line 102: the low is -5, expected a price above 0"),
            (bars(200, v="-1"), "line 102: the volume is -1, expected 0 or more"),
            (
                bars(200, h="1e300"),
                "the bar of 2024-01-05 04:00 UTC has a price of 1e+300; expected 1e-12 to 1e+12",
            ),
            (bars(200, l="1e-200"), "the bar of 2024-01-05 04:00 UTC has a price of 1e-200"),
        ],
    )
    def test_that_no_number_could_be_right_for(self, tried: Try, rows: Any, sentence: str) -> None:
        code, result, said = tried(rows)
        assert (code, result) == (2, None)
        assert sentence in said

    def test_a_price_that_may_be_wrong_is_told_first(self, tried: Try) -> None:
        code, result, _ = tried(bars(300, h="5000"))
        assert (code, result["flags"][0]) == (0, "price_jumps")
        assert "On 1 bar the price of AAAUSDT" in result["warnings"][0]
        assert "first at 2024-01-05 04:00 UTC" in result["warnings"][0]
        assert result["metrics"]["trades"] > 10

    @pytest.mark.parametrize("scale", [1e-10, 1e9])
    def test_of_very_small_and_very_large_prices(self, tried: Try, scale: float) -> None:
        rows = [
            (time, *(f"{float(str(cell)) * scale:.16f}" for cell in prices), volume)
            for time, *prices, volume in bars(300)
        ]
        code, result, _ = tried(rows, "--set", "costs.max_volume_share_percent=0")
        assert code == 0
        assert result["metrics"]["trades"] > 10

    def test_a_stop_that_is_crossed_in_a_hole_fills_where_the_market_is_again(
        self, tried: Try, tmp_path: Path
    ) -> None:
        flat = [(START + hour * HOUR_MS, *[price] * 4, 1000) for hour, price in
                [(h, "100.01") for h in range(20)] + [(h, "90.01") for h in range(40, 50)]]  # fmt: skip
        code, result, _ = tried(flat, text=ALWAYS_LONG)
        assert code == 0
        assert "20 bars missing in 1 gap of AAAUSDT" in " ".join(result["warnings"])
        first = (Path(result["folder"]) / "trades.csv").read_text().splitlines()[1].split(",")
        assert (first[6], first[15]) == ("2024-01-02T16:00:00.000Z", "stop")
        assert float(first[7]) <= 90.01 < 98.0  # the stop stood at 98
        assert float(first[10]) < -4.9  # R: much more than the stop allowed for

    def test_a_symbol_that_is_delisted_in_the_middle_is_closed_at_its_last_price(
        self, tried: Try, tmp_path: Path
    ) -> None:
        store = Store(tmp_path / "data")
        put(store, "BBBUSDT", waves(300))
        gone = START + 150 * HOUR_MS
        store.save_instruments(
            [Instrument("AAAUSDT", Category.LINEAR, "AAA", "USDT", *map(Decimal, ("0.01", "0.001", "0.001", "5")),
                        delivery_ms=gone)], START)  # fmt: skip
        code, result, _ = tried(bars(150), "--symbols", "AAAUSDT,BBBUSDT", text=ALWAYS_LONG)
        assert code == 0
        rows = [
            line.split(",") for line in (Path(result["folder"]) / "trades.csv").read_text().splitlines()[1:]
        ]
        assert [row[15] for row in rows if row[2] == "AAAUSDT"][-1] == "delisted"
        assert "partial_span" in result["flags"]


class TestCash:
    @pytest.mark.parametrize("cash", ["0", "-5", "nan", "inf", "1e13"])
    def test_that_is_none_is_refused(self, tried: Try, cash: str) -> None:
        code, _, said = tried(bars(200), f"--cash={cash}")
        assert code == 2
        assert "The starting cash must be above 0 and at most 1e12" in said

    @pytest.mark.parametrize("cash", ["1e-9", "1e12"])
    def test_of_any_size_gives_a_result(self, tried: Try, cash: str) -> None:
        code, result, _ = tried(bars(300), "--cash", cash)
        assert (code, result["valid"]) == (0, True)

    def test_an_account_that_is_used_up_ends_there(self, tried: Try) -> None:
        prices = [100.0] * 10 + [80.0] * 4 + [200.0] * 20
        rows = [(START + hour * HOUR_MS, *[f"{price:.2f}"] * 4, 100_000) for hour, price in enumerate(prices)]
        text = strategy(direction="short").replace('stop_loss = { use = "percent", percent = 2.0 }\n', "")
        free = "[costs]\ntaker_fee_percent = 0.0\nslippage_percent = 0.0\nfunding = false\n"
        code, result, _ = tried(rows, text=text.replace("percent = 50.0", "percent = 200.0") + free)
        assert (code, result["flags"][0]) == (0, "bankrupt")
        assert result["metrics"]["total_return"] == pytest.approx(-1.0)
        assert result["span"]["bars"] < 34


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("missing.toml", None, "There is no strategy missing.toml: neither a file nor one of"),
            ("folder", "a folder", "folder is a folder; name the strategy files in it one by one"),
            ("binary.toml", bytes(range(256)), "binary.toml is not UTF-8 text"),
            ("empty.toml", b"", "empty.toml: strategy: is missing"),
            ("broken.toml", b"[strategy", "broken.toml:1"),
            ("large.toml", b"#" * 1_000_001, "large.toml is larger than 1 MB"),
        ],
    )
    def test_a_strategy_that_is_none(
        self, tried: Try, tmp_path: Path, name: str, content: bytes | str | None, sentence: str
    ) -> None:
        if isinstance(content, str):
            (tmp_path / name).mkdir()
        elif content is not None:
            (tmp_path / name).write_bytes(content)
        for arguments in ((name,), ("s.toml", name)):
            (tmp_path / "s.toml").write_text(strategy(), encoding="utf-8")
            assert_refused(arguments, sentence, tmp_path)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--symbols", "NONEUSDT"), "There is no dataset linear/NONEUSDT_1h"),
            (("--symbols", "../../x"), "must be a symbol in capital letters and digits"),
            (("--from", "2030-01-01"), "it holds 1h from 2024-01-01 00:00 to 2024-01-09 07:00"),
            (("--to", "2020-01-01"), "it holds 1h from 2024-01-01 00:00 to 2024-01-09 07:00"),
            (("--from", "2024-01-09T07:30"), "they reach from 2024-01-01 00:00 to 2024-01-09 07:00 UTC"),
            (("--set", "risk.sizing.percent=nan"), "must be a number from 0.001 to 20000, but is nan"),
        ],
    )
    def test_what_is_not_there(self, tried: Try, arguments: tuple[str, ...], sentence: str) -> None:
        code, result, said = tried(bars(200), *arguments)
        assert (code, result) == (2, None)
        assert sentence in said

    def test_a_disk_that_is_full_leaves_nothing_behind(
        self, tried: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(curve: object) -> Iterable[str]:
            yield "time,"
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(folder_module, "equity_text", full)
        code, result, said = tried(bars(200))
        assert (code, result) == (1, None)
        assert "could not be written" in said and "(No space left on device); free some space" in said
        assert [path.name for path in (tmp_path / "data" / "results").iterdir()] == ["trials.jsonl"]

    def test_a_report_cannot_be_a_folder(self, tried: Try, capsys: pytest.CaptureFixture[str]) -> None:
        tried(bars(200))
        for place in ("/", "."):
            assert run(["results", "report", "last", "--out", place, "--data", "data"]) == 2
            assert "is a folder; name a file in it" in capsys.readouterr().err


def assert_refused(strategies: tuple[str, ...], sentence: str, folder: Path) -> None:
    from contextlib import redirect_stderr
    from io import StringIO

    with redirect_stderr(StringIO()) as said:
        assert run(["backtest", *strategies, "--data", str(folder / "data")]) == 2
    assert sentence in said.getvalue()
    assert "Traceback" not in said.getvalue()


class TestInterrupted:
    def test_by_its_token_it_leaves_no_result(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "data")
        put(store, "AAAUSDT", waves(200))
        token = CancelToken()
        with pytest.raises(CancelledError):
            carry_out(
                BacktestOrder(strategy(), "s"),
                builtin_registry(),
                store,
                BacktestSettings(),
                SystemClock(),
                tmp_path / "results",
                lambda _progress: token.cancel(),
                lambda _sentence: None,
                token,
            )
        assert list((tmp_path / "results").iterdir()) == []

    def test_while_it_writes(self, tried: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(curve: object) -> Iterable[str]:
            yield "time,"
            # A program that was started in the background is deaf to it.
            usual = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.signal(signal.SIGINT, usual)

        monkeypatch.setattr(folder_module, "equity_text", interrupted)
        code, result, said = tried(bars(200))
        assert (code, result) == (130, None)
        assert "Interrupted; no result was written." in said
        assert [path.name for path in (tmp_path / "data" / "results").iterdir()] == ["trials.jsonl"]

    @pytest.mark.skipif(
        sys.platform == "win32", reason="a console there sends its interrupt to this process too"
    )
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ((), "Interrupted; no result was written."),
            (("--each", "symbol"), "Interrupted: 0 of 2 runs had ended and are kept in"),
        ],
    )
    def test_by_ctrl_c_in_a_process_of_its_own(
        self, tmp_path: Path, arguments: tuple[str, ...], sentence: str
    ) -> None:
        """The interrupt comes from outside, while the simulation waits for it."""
        store = Store(tmp_path / "data")
        for symbol in ("AAAUSDT", "BBBUSDT"):
            put(store, symbol, waves(200))
            know(store, symbol)
        (tmp_path / "s.toml").write_text(strategy(symbols=("AAAUSDT", "BBBUSDT")), encoding="utf-8")
        program = (
            "import os, signal\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from tradebot import cli\n"
            "from tradebot.engine.backtest import run\n"
            "def stuck(prepared, report, cancel, *more):\n"
            "    os.write(1, b'simulating\\n')\n"
            "    while not cancel.cancelled:\n"
            "        cancel._event.wait(0.01)\n"
            "    cancel.check()\n"
            "run.simulate_prepared = stuck\n"
            f"cli.main(['backtest', 's.toml', '--data', 'data', *{list(arguments)!r}])\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline() == "simulating\n"
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
        assert process.returncode == 130
        assert sentence in said and "Traceback" not in said
        assert list((tmp_path / "data" / "results").glob("*")) == []


class TestTwoInOneSecond:
    def test_get_names_of_their_own_even_from_two_threads(
        self, tried: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second begins to write while the first has not finished."""
        from tradebot.engine.backtest import read_result, write_result

        _, first, _ = tried(bars(200))
        result = read_result(Path(first["folder"]))
        place = tmp_path / "both"
        plain = folder_module.equity_text
        inner: list[str] = []

        def in_the_middle(curve: Any) -> Iterable[str]:
            if not inner:
                inner.append("")
                inner[0] = write_result(result, place).result_id
            return plain(curve)

        monkeypatch.setattr(folder_module, "equity_text", in_the_middle)
        outer = write_result(replace(result), place).result_id
        assert {outer, inner[0]} == {first["id"], f"{first['id']}-2"}
        assert {path.name for path in place.iterdir()} == {outer, inner[0]}
        assert math.isclose(read_result(place / outer).metrics.final_equity, first["metrics"]["final_equity"])
