"""A backtest in the app: seen growing, its result there before its checks, and run again as it ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.engine.backtest.markets import DAYS_40, START, put, strategy, waves
from tradebot.engine.backtest import read_result
from tradebot.engine.backtest import run as backtest_run
from tradebot.engine.backtest.checks import judging
from tradebot.engine.backtest.figures.so_far import Glances, SoFar, so_far
from tradebot.engine.backtest.order import BacktestOrder, StrategyText, carry_out
from tradebot.engine.backtest_jobs import Backtests
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import JobBoard
from tradebot.engine.control.memory import MemoryBudget
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings, Settings
from tradebot.engine.job_book import JobBook
from tradebot.engine.market import HOUR_MS
from tradebot.engine.messages import DeleteResult, GetAnalysis, RunBacktest, from_json, to_json
from tradebot.engine.result_queries import ResultQueries
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry

TARGET = 'take_profit = [{ use = "percent", percent = 4.0 }]\n'


class Ticking(ManualClock):
    """A clock that goes on by so many seconds at every look."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step
        self._seconds = 0.0

    def monotonic(self) -> float:
        self._seconds += self._step
        return self._seconds


class ByHand:
    """Work that waits until the test does it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def submit(self, work: Callable[..., Any], *given: Any) -> None:
        self.waiting.append(lambda: work(*given))

    def do_next(self) -> None:
        self.waiting.pop(0)()

    def shutdown(self, **_: Any) -> None:
        self.waiting.clear()


class Desk:
    """Backtests on forty days of two symbols, done by hand."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.store = Store(folder / "data")
        put(self.store, "AAAUSDT", waves(DAYS_40))
        put(self.store, "BBBUSDT", waves(DAYS_40, level=30.0))
        self.folder = folder / "results"
        self.work = ByHand()
        board = JobBoard(self.clock)
        board._pool = self.work  # type: ignore[assignment]  # does the work when the test says so
        self.book = JobBook(board)
        folders = SimpleNamespace(results=self.folder)
        options: Any = SimpleNamespace(folders=folders, settings=Settings())
        events = EventLog(self.clock)
        self.results = ResultQueries(options, events, self.store, builtin_registry())
        self.backtests = Backtests(
            options, self.clock, events, self.book, self.store, builtin_registry(), self.results
        )

    def run(self, text: str, **more: Any) -> str:
        """Start a backtest, simulate it, and give back the name of its result; its checks wait."""
        self.backtests.run(RunBacktest("two-means", text, **more))
        return self.simulated()

    def simulated(self) -> str:
        self.work.do_next()
        job = next(each for each in self.book.views() if each.kind == "backtest")
        assert job.state == "done", job.sentence
        return job.result_id

    def findings(self, result_id: str) -> list[str]:
        found: list[str] = [each.short for each in self.results.answer(GetAnalysis(result_id)).reality]
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_look_at_a_run_keeps_the_extremes_of_each_column_and_its_drawdown() -> None:
    equity = np.full(10_000, 100.0)
    equity[[1_234, 5_678]] = 120.0, 90.0
    rows = np.array([START + np.arange(10_000) * HOUR_MS, equity, equity, equity * 0.0])
    look = so_far(rows, 100.0, START, START + 20_000 * HOUR_MS, -0.25, 7)
    assert len(look.times_ms) == len(look.equity) == len(look.drawdown) <= 200
    assert (max(look.equity), min(look.equity), look.positions) == (120.0, 90.0, 7)
    assert look.drawdown[look.equity.index(90.0)] == pytest.approx(90.0 / 120.0 - 1.0)
    assert list(look.times_ms) == sorted(look.times_ms)


def test_no_look_before_half_a_second_and_then_four_a_second() -> None:
    seen: list[SoFar] = []
    glances = Glances(Ticking(0.02), seen.append)
    for _ in range(100):
        glances.look(lambda: SoFar(1.0, 0, 1, (), (), (), 0.0, len(seen)))
    assert 5 <= len(seen) <= 7  # two seconds: from 0.5 s on every quarter of one


def test_a_long_backtest_is_seen_growing_until_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_run, "PIECE_TICKS", 2_000)
    desk = Desk(tmp_path, Ticking(0.2))
    looks: list[Any] = []
    draw = desk.book.draw

    def drawn(job_id: int, look: Any) -> None:
        draw(job_id, look)
        looks.append(desk.book.views()[0].so_far)

    desk.book.draw = drawn  # type: ignore[method-assign]  # looks over its shoulder
    put(desk.store, "CCCUSDT", waves(9_000))
    result_id = desk.run(strategy(("CCCUSDT",)))
    result = desk.results.result(result_id)
    assert len(looks) >= 2
    assert [len(each.times_ms) for each in looks] == sorted(len(each.times_ms) for each in looks)
    assert (looks[0].start_ms, looks[0].end_ms) == (result.start_ms, result.end_ms)
    assert looks[0].times_ms[-1] < looks[-1].times_ms[-1] <= result.end_ms
    assert from_json(to_json(looks[-1])) == looks[-1]
    assert desk.book.views()[-1].so_far is None


def test_a_short_backtest_shows_no_look_at_all(desk: Desk) -> None:
    desk.book.draw = lambda *_: pytest.fail("it took no time")  # type: ignore[method-assign]  # must not be called
    desk.run(strategy())


def test_the_result_is_there_before_its_checks_which_fill_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    result_id = desk.run(strategy() + TARGET)
    job = desk.book.views()[0]
    assert (job.kind, job.state, job.result_id) == ("check", "queued", result_id)
    assert read_result(desk.folder / result_id).reality is None
    assert desk.findings(result_id) == []
    seen: list[tuple[str, int]] = []
    plain = judging._Checking.run_again

    def watched(self: judging._Checking, harder: Any) -> None:
        view = desk.book.views()[0]
        seen.append((view.sentence, len(desk.findings(result_id))))
        assert (view.state, view.total, view.unit) == ("running", 5, "checks")
        plain(self, harder)

    monkeypatch.setattr(judging._Checking, "run_again", watched)
    desk.work.do_next()
    words = ["a bar later", "doubled costs", "all fills as taker"]
    assert [each for each, _ in seen] == words
    counts = [count for _, count in seen]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]
    assert desk.book.views()[0].state == "done"
    stored = read_result(desk.folder / result_id)
    assert stored.reality == desk.results.result(result_id).reality is not None
    assert stored.look_ahead.startswith("Cut off at ")


def test_the_checks_find_the_same_as_where_they_are_waited_for(desk: Desk, tmp_path: Path) -> None:
    text = strategy() + TARGET
    result_id = desk.run(text)
    desk.work.do_next()
    waited = carry_out(
        BacktestOrder(text, "two means"),
        builtin_registry(),
        desk.store,
        BacktestSettings(),
        ManualClock(),
        tmp_path / "waited",
        lambda _: None,
        lambda _: None,
        CancelToken(),
    )
    mine = read_result(desk.folder / result_id)
    theirs = read_result(tmp_path / "waited" / waited.result_id)
    assert (mine.reality, mine.look_ahead, mine.errors, mine.flags) == (
        theirs.reality,
        theirs.look_ahead,
        theirs.errors,
        theirs.flags,
    )


def test_checks_that_are_cancelled_leave_the_result_as_it_was_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    result_id = desk.run(strategy())
    job = desk.book.board.get(desk.book.views()[0].job_id)
    assert job is not None
    monkeypatch.setattr(judging._Checking, "run_again", lambda *_: job.cancel.cancel())
    desk.work.do_next()
    view = desk.book.views()[0]
    assert (view.state, view.result_id, view.resumable) == ("cancelled", result_id, False)
    assert desk.findings(result_id) == []
    assert read_result(desk.folder / result_id).reality is None


def test_checks_of_a_result_that_was_deleted_meanwhile_write_nothing(desk: Desk) -> None:
    result_id = desk.run(strategy())
    desk.results.answer(DeleteResult(result_id))
    desk.work.do_next()
    view = desk.book.views()[0]
    assert view.state == "failed"
    assert "was put aside while it was checked" in view.sentence
    assert not (desk.folder / result_id).exists()
    with pytest.raises(InputError, match="There is no result"):
        desk.results.result(result_id)


def test_a_result_run_again_gives_the_same_figures_though_bars_came_since(desk: Desk) -> None:
    text = strategy(("AAAUSDT", "BBBUSDT"))
    span = {"start": "2024-01-10", "cash": 3_000.0, "overrides": (("risk.stop_loss.percent", "1.5"),)}
    first = desk.run(text, **span)
    desk.work.do_next()
    more = waves(DAYS_40 + 100)
    put(desk.store, "AAAUSDT", more[DAYS_40:])
    desk.backtests.rerun(first)
    second = desk.simulated()
    old, new = desk.results.result(first), desk.results.result(second)
    assert second != first
    assert (new.start_ms, new.end_ms, new.settings.cash) == (old.start_ms, old.end_ms, 3_000.0)
    assert "percent = 1.5" in new.strategy_toml
    assert new.metrics == old.metrics
    assert new.trades.tobytes() == old.trades.tobytes()
    job = next(each for each in desk.book.views() if each.kind == "backtest")
    assert job.sentence.endswith("The figures are the same as before.")


def test_a_portfolio_is_run_again_with_all_its_strategies_and_the_symbols_of_then(
    desk: Desk, tmp_path: Path
) -> None:
    other = strategy().replace("Two means", "Others").replace('["AAAUSDT"]', "{ top = 1 }")
    order = BacktestOrder(strategy(("BBBUSDT",)), "one", beside=(StrategyText(other, "two"),))
    before = carry_out(
        order,
        builtin_registry(),
        desk.store,
        BacktestSettings(),
        desk.clock,
        desk.folder,
        lambda _: None,
        lambda _: None,
        CancelToken(),
    )
    desk.results.refresh()
    put(desk.store, "ZZZUSDT", waves(DAYS_40, level=5_000.0))  # larger than all others now
    desk.backtests.rerun(before.result_id)
    again = desk.results.result(desk.simulated())
    assert [part.name for part in again.parts] == ["Others", "Two means"]
    assert [part.symbols for part in again.parts] == [part.symbols for part in before.parts]
    assert again.metrics.total_return == before.metrics.total_return
    assert [part.note for part in again.parts] == [part.note for part in before.parts]
    assert again.flags == before.flags


def test_figures_that_differ_are_explained_by_what_changed(desk: Desk) -> None:
    first = desk.run(strategy())
    desk.work.do_next()
    changed = [row._replace(high=f"{float(row.high) * 1.5:.2f}") for row in waves(DAYS_40)[300:310]]
    for file in (desk.folder.parent / "data").rglob("AAAUSDT*"):
        if file.is_file():
            file.unlink()
    put(desk.store, "AAAUSDT", [*waves(DAYS_40)[:300], *changed, *waves(DAYS_40)[310:]])
    desk.backtests.rerun(first)
    desk.simulated()
    sentence = next(each for each in desk.book.views() if each.kind == "backtest").sentence
    assert "linear/AAAUSDT_1h changed since" in sentence


def test_a_result_that_is_not_there_cannot_be_run_again(desk: Desk) -> None:
    with pytest.raises(InputError, match="There is no result nothing"):
        desk.backtests.rerun("nothing")


def test_memory_is_leased_until_the_checks_are_over_or_called_off(desk: Desk) -> None:
    memory = desk.backtests._memory
    desk.run(strategy() + TARGET)
    assert memory.used_bytes > 0, "the checks need what is loaded"
    desk.work.do_next()
    assert memory.used_bytes == 0
    desk.run(strategy() + TARGET)
    check = next(each for each in desk.book.views() if each.kind == "check" and each.ended_ms is None)
    called_off = desk.book.board.get(check.job_id)
    assert called_off is not None
    called_off.cancel.cancel()
    desk.work.do_next()
    assert memory.used_bytes == 0


def test_a_backtest_that_needs_more_memory_than_allowed_fails_in_words(desk: Desk) -> None:
    desk.backtests._memory = MemoryBudget(10_000_000)
    desk.backtests.run(RunBacktest("two-means", strategy()))
    desk.work.do_next()
    job = next(each for each in desk.book.views() if each.kind == "backtest")
    assert job.state == "failed"
    assert "background work may take 10 MB" in job.sentence
    assert desk.backtests._memory.used_bytes == 0
