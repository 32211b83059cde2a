"""`tradebot backtest` with several strategies and symbols, other values, stored runs beside it, runs of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backtest.markets import DAYS_40, know, put, strategy, waves
from tradebot.cli import run
from tradebot.engine.backtest.kernel.codes import INTERVENTIONS, REFUSALS
from tradebot.engine.store import Store

Ask = Callable[..., tuple[int, Any, str]]
OPTIONAL = 'stop_loss = { use = "percent", percent = 2.0 }\n'


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three symbols, C the most traded one, and one that holds no readable bar."""
    folder = tmp_path_factory.mktemp("market")
    store = Store(folder)
    for number, symbol in enumerate(("AAAUSDT", "BBBUSDT", "CCCUSDT"), 1):
        put(store, symbol, waves(DAYS_40, level=50.0 * number))
        know(store, symbol)
    (folder / "linear" / "BADUSDT_1h.csv").write_text("timestamp,open\n", encoding="utf-8")
    return folder


@pytest.fixture
def ask(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Ask:
    """Run a command beside two strategies; (exit code, JSON document or None, what it said on standard error).

    Results go to `results` of the test's own folder.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "means.toml").write_text(strategy(symbols=("AAAUSDT",)), encoding="utf-8")
    other = (
        strategy(symbols=("BBBUSDT",), direction="long").replace("Two means", "Longs").replace(OPTIONAL, "")
    )
    (tmp_path / "longs.toml").write_text(other, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, Any, str]:
        place = ["--in", "results"] if arguments[0] == "results" else ["--out", "results"]
        code = run([*arguments, *place, "--data", str(market), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return call


class TestSeveralStrategies:
    def test_share_one_account(self, ask: Ask) -> None:
        code, both, _ = ask("backtest", "means.toml", "longs.toml", "--cash", "5000")
        assert code == 0
        assert [part["name"] for part in both["strategies"]] == ["Longs", "Two means"]
        assert both["symbols"] == ["AAAUSDT", "BBBUSDT"]
        profits = [part["metrics"]["final_equity"] - 5000 for part in both["strategies"]]
        assert sum(profits) == pytest.approx(both["metrics"]["final_equity"] - 5000)
        files = {path.name for path in Path(both["folder"]).iterdir()}
        assert {"strategy.toml", "strategy-2.toml"} <= files

    def test_run_again_with_all_of_them(self, ask: Ask) -> None:
        _, first, _ = ask("backtest", "means.toml", "longs.toml", "--set", "means:risk.max_bars=7")
        code, again, _ = ask("results", "rerun", "last")
        assert code == 0
        assert again["metrics"] == first["metrics"]
        assert again["strategies"] == first["strategies"]

    def test_a_value_goes_to_those_that_have_it(self, ask: Ask, tmp_path: Path) -> None:
        _, result, said = ask(
            *("backtest", "means.toml", "longs.toml", "--set", "risk.max_bars=9"),
            *("--set", "longs:risk.cooldown_bars=3", "--set", "signals.high.upper=500"),
        )
        folder = Path(result["folder"])
        longs, means = (folder / name for name in ("strategy.toml", "strategy-2.toml"))
        assert "max_bars = 9" in longs.read_text() and "max_bars = 9" in means.read_text()
        assert "cooldown_bars = 3" in longs.read_text() and "cooldown" not in means.read_text()
        assert "not set in" not in said

    def test_where_a_value_was_not_set_is_said(self, ask: Ask, tmp_path: Path) -> None:
        text = (tmp_path / "longs.toml").read_text().replace("[signals.high]", "[signals.top]")
        (tmp_path / "longs.toml").write_text(text)
        code, _, said = ask("backtest", "means.toml", "longs.toml", "--set", "signals.high.upper=500")
        assert code == 0
        assert "signals.high.upper was not set in longs, which has no such value." in said

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            (
                "risk.max_bras=9",
                'is not the path of a value of any of means.toml, longs.toml. Did you mean "risk.max_bars"?',
            ),
            (
                "long:risk.max_bars=9",
                "no strategy of this run is called 'long'; they are means, longs. Did you mean \"longs\"?",
            ),
            (
                "longs:risk.max_bras=9",
                "longs.toml: risk.max_bras: is not the path of a value of this strategy",
            ),
            ("risk.max_bars=many", "must be a whole number"),
        ],
    )
    def test_a_value_that_cannot_be_set_is_refused(
        self, ask: Ask, tmp_path: Path, value: str, sentence: str
    ) -> None:
        code, document, said = ask("backtest", "means.toml", "longs.toml", "--set", value)
        assert (code, document) == (2, None)
        assert sentence in said
        assert not (tmp_path / "results").exists()

    def test_the_same_one_twice_is_refused(self, ask: Ask) -> None:
        code, _, said = ask("backtest", "means.toml", "means.toml")
        assert code == 2
        assert 'Two strategies of this run are called "Two means"' in said


class TestSymbols:
    @pytest.mark.parametrize(
        ("written", "traded"),
        [
            ("bbbusdt,AAAUSDT", ["AAAUSDT", "BBBUSDT"]),
            ("A*, C*", ["AAAUSDT", "CCCUSDT"]),
            ("top1", ["CCCUSDT"]),
            ("top 2 by volume", ["AAAUSDT", "BBBUSDT"]),
        ],
    )
    def test_are_traded_instead_of_those_of_the_file(self, ask: Ask, written: str, traded: list[str]) -> None:
        code, result, _ = ask("backtest", "means.toml", "--symbols", written)
        assert (code, result["symbols"]) == (0, traded)

    def test_of_all_strategies(self, ask: Ask) -> None:
        _, result, _ = ask("backtest", "means.toml", "longs.toml", "--symbols", "CCCUSDT")
        assert [part["symbols"] for part in result["strategies"]] == [["CCCUSDT"], ["CCCUSDT"]]

    @pytest.mark.parametrize(
        ("written", "sentence"),
        [
            (" , ", "--symbols names no symbol"),
            ("NOTUSDT", "There is no dataset linear/NOTUSDT_1h"),
            ("Z*", "no linear symbol with bars for 1h in"),
            ("top0", "strategy.symbols.top"),
            ("top3 by size", "strategy.symbols.by"),
        ],
    )
    def test_that_cannot_be_traded_are_refused(self, ask: Ask, written: str, sentence: str) -> None:
        code, _, said = ask("backtest", "means.toml", "--symbols", written)
        assert code == 2
        assert sentence in said


class TestCompare:
    def test_sets_stored_runs_beside_the_new_one(self, ask: Ask) -> None:
        _, first, _ = ask("backtest", "means.toml")
        _, second, _ = ask("backtest", "longs.toml")
        code, result, _ = ask(
            "backtest", "means.toml", "--cash", "500", "--compare", "last", "--compare", first["id"]
        )
        assert code == 0
        assert [each["id"] for each in result["compared"]] == [second["id"], first["id"]]
        with_first = result["compared"][1]
        assert with_first["metrics"] == first["metrics"]
        assert with_first["differences"]["final_equity"] == pytest.approx(
            result["metrics"]["final_equity"] - first["metrics"]["final_equity"]
        )

    def test_of_more_than_three_or_of_none_is_refused_before_the_run(self, ask: Ask, tmp_path: Path) -> None:
        ask("backtest", "means.toml")
        code, _, said = ask("backtest", "means.toml", *("--compare", "last") * 4)
        assert code == 2 and "up to 3 stored runs, given were 4" in said
        code, _, said = ask("backtest", "means.toml", "--compare", "nothing")
        assert code == 2 and "There is no result nothing" in said
        assert len(list((tmp_path / "results").glob("*/result.json"))) == 1


class TestRunsOfTheirOwn:
    def test_each_strategy(self, ask: Ask) -> None:
        code, together, _ = ask("backtest", "longs.toml", "means.toml", "--each", "file")
        assert code == 0
        assert [row["strategy"]["name"] for row in together["runs"]] == ["Longs", "Two means"]
        _, alone, _ = ask("backtest", "means.toml")
        assert together["runs"][1]["metrics"] == alone["metrics"] | {
            name: together["runs"][1]["metrics"][name] for name in ("dsr", "trials")
        }

    def test_each_symbol_and_one_that_cannot_run_is_named(self, ask: Ask, tmp_path: Path) -> None:
        code, document, _ = ask(
            *(
                "backtest",
                "means.toml",
                "longs.toml",
                "--each",
                "symbol",
                "--symbols",
                "BADUSDT,AAAUSDT,CCCUSDT",
            )
        )
        assert code == 1
        rows = document["runs"]
        assert [row.get("problem", "") != "" for row in rows] == [False, True, False] * 2
        assert [row["symbols"] for row in rows][::3] == [["AAAUSDT"]] * 2
        ids = [row["id"] for row in rows if "id" in row]
        assert len(set(ids)) == 4
        assert {path.parent.name for path in (tmp_path / "results").glob("*/result.json")} == set(ids)

    def test_where_none_can_run_the_sentences_are_told(self, ask: Ask) -> None:
        code, document, said = ask(
            "backtest", "means.toml", "--each", "symbol", "--symbols", "BADUSDT,NOTUSDT"
        )
        assert (code, document) == (2, None)
        assert "BADUSDT" in said and "NOTUSDT" in said

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            (("--each", "strategy"), "--each must be file or symbol"),
            (("--each", "file", "--compare", "last"), "one new"),
        ],
    )
    def test_wrong_usage(self, ask: Ask, more: tuple[str, ...], sentence: str) -> None:
        code, _, said = ask("backtest", "means.toml", *more)
        assert code == 2
        assert sentence in said


class TestMemory:
    """`performance.background_memory_mb` holds for the command line too."""

    @pytest.mark.parametrize("more", [(), ("longs.toml",), ("--each", "symbol")])
    def test_a_run_that_would_take_more_is_refused_with_the_figures(
        self, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("TRADEBOT_PERFORMANCE__BACKGROUND_MEMORY_MB", "10")
        code, document, said = ask("backtest", "means.toml", *more)
        assert (code, document) == (2 if "--each" in more else 1, None)
        assert "MB of memory" in said and "background work may take 10 MB; test fewer symbols" in said
        assert not list((tmp_path / "results").glob("*/result.json"))


class TestPrinted:
    def printed(self, market: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
        place = ["--in", "results"] if arguments[0] == "results" else ["--out", "results"]
        assert run([*arguments, *place, "--data", str(market)]) == 0
        return capsys.readouterr().out.splitlines()

    def test_everything_fits_a_page_of_eighty_columns(
        self, ask: Ask, market: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask("backtest", "means.toml", "--cash", "9e9")
        lines = self.printed(
            market, capsys, "backtest", "means.toml", "longs.toml", "--symbols", "AAA*,BBB*,CCC*", "--cash", "3e7",
            *("--set", "risk.sizing.percent=90"), *("--compare", "last") * 3,
        )  # fmt: skip
        assert [line for line in lines if len(line) > 80 and not line.startswith("Stored in")] == []
        text = "\n".join(lines)
        for heading in (
            "By strategy",
            "By symbol",
            "By side",
            "By exit",
            "Reality check",
            "Orders changed",
            "less C",
        ):
            assert heading in text
        listed = self.printed(market, capsys, "results", "list")
        assert len(listed) == 3
        assert len({line.index("20") for line in listed[1:]}) == 1

    def test_a_table_of_many_runs_fits_too(
        self, ask: Ask, market: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "a-strategy-with-a-long-name.toml").write_text(strategy(symbols=("AAAUSDT", "BBBUSDT")))
        lines = self.printed(
            market, capsys, "backtest", "a-strategy-with-a-long-name.toml", "--each", "symbol", "--cash", "10"
        )
        assert [line.split()[:2] for line in lines[1:3]] == [
            ["a-strategy-with…", "AAAUSDT"],
            ["a-strategy-with…", "BBBUSDT"],
        ]
        assert max(map(len, lines[:3])) <= 80
        assert "`tradebot results list` names them" in lines[-1]

    def test_why_nothing_was_traded_stands_before_the_figures(
        self, ask: Ask, market: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = self.printed(market, capsys, "backtest", "means.toml", "--set", "indicators.slow.length=5000")
        assert lines[2].startswith("! No trade: the indicators need more bars")
        assert "\n".join(lines).count("No trade:") == 1

    def test_every_reason_has_a_sentence(self) -> None:
        from tradebot.commands.reasons import CHANGED, REFUSED

        assert set(REFUSED) == {kind.name.lower() for kind in REFUSALS}
        assert set(CHANGED) == {kind.name.lower() for kind in INTERVENTIONS}


class TestExport:
    def test_the_ending_says_what_is_written(self, ask: Ask, tmp_path: Path) -> None:
        _, result, _ = ask("backtest", "means.toml")
        for name in ("trades.csv", "all.json", "report.html"):
            code, document, _ = _exported(ask, name)
            assert code == 0
            assert Path(document["file"]) == tmp_path / name
        kept = Path(result["folder"])
        assert (tmp_path / "trades.csv").read_text() == (kept / "trades.csv").read_text()
        everything = json.loads((tmp_path / "all.json").read_text())
        assert everything["metrics"] == result["metrics"]
        assert len(everything["trades"]) == result["metrics"]["legs"] + result["metrics"]["open_trades"]
        assert everything["strategies"][0]["toml"] == (kept / "strategy.toml").read_text()
        report = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert result["reality_check"][-1]["text"].split(",")[0] in report
        assert "http" not in report.replace("http-equiv", "").replace("http://www.w3.org", "")

    def test_without_a_file_it_says_what_the_folder_holds(self, ask: Ask) -> None:
        _, result, _ = ask("backtest", "means.toml")
        _, document, _ = _exported(ask, None)
        assert document["folder"] == result["folder"]
        assert {"trades.csv", "equity.csv", "result.json"} <= set(document["files"])

    def test_another_ending_is_refused(self, ask: Ask) -> None:
        ask("backtest", "means.toml")
        code, _, said = _exported(ask, "x.xlsx")
        assert code == 2 and "it was .xlsx" in said


def _exported(ask: Ask, name: str | None) -> tuple[int, Any, str]:
    return ask("results", "export", "last", *(() if name is None else ("--out", name)))
