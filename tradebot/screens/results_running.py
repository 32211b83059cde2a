"""A backtest that runs, seen in the Test area: how far it is, its curve growing, then its result and its checks."""

from __future__ import annotations

import asyncio

from tradebot.engine.messages import EngineSnapshot, JobView, OpenForm, RunBacktest
from tradebot.screens.area import write_subtitle, write_title
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.first_run import collecting, example_of, starter_cost
from tradebot.screens.results_panes import ChartsPane, MetricsPane, ResultsPane, Summary
from tradebot.screens.results_reality import RealityPane
from tradebot.screens.results_shown import ShownResult
from tradebot.screens.results_trades import TradesPane
from tradebot.screens.widgets.palette import Line, wrap

__all__ = ["RunningResult"]

_ALIVE = {"running", "queued"}
_PAUSE_SECONDS = 0.25
_PATIENCE_MS = 400
"""A backtest that ends sooner is not drawn while it runs: only its result appears."""


class RunningResult(ShownResult):
    """An area that follows a backtest and the checks of the open result."""

    def __init__(self) -> None:
        super().__init__()
        self._job_id: int | None = None
        self._job: JobView | None = None
        self._seen_at_ms: int | None = None
        self._is_drawn = False
        self._failed = False
        self._seen: frozenset[str] = frozenset()

    def follow(self, job_id: int) -> None:
        """Show how far a backtest is, then its result."""
        self._job_id, self._job, self._seen_at_ms = job_id, None, None
        self._failed = False

    def look_elsewhere(self) -> None:
        """Leave a backtest alone: it goes on, and its result is said and listed when it has ended."""
        self._job_id = self._job = None
        self._is_drawn = self._failed = False

    @property
    def trade_count(self) -> int | None:
        """How many trades the open result has; None while another one is being made."""
        return None if self._is_drawn else super().trade_count

    @property
    def running_job(self) -> JobView | None:
        """What `x` stops: the backtest that is followed, else the checks of the open result."""
        return next(
            (job for job in (self._job, self._check) if job is not None and job.state in _ALIVE), None
        )

    # ------------------------------------------------------------------------------------------ snapshots

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the runs and, while one goes on, how far it is; open what has just ended."""
        self.query_one(ResultsPane).show(snapshot.results, self._view.result_id if self._view else "")
        self._follow_job(snapshot)
        self._follow_checks(snapshot)
        self._look_for_open(snapshot)
        self._seen |= {each.result_id for each in snapshot.results}
        self.show_tabs()

    def _look_for_open(self, snapshot: EngineSnapshot) -> None:
        if self._job is not None or self._failed:
            return
        if self._view is None:
            newest = max(snapshot.results, key=lambda each: (each.created_ms, each.result_id), default=None)
            opened_last = self.kept.text("result")
            newest = next((each for each in snapshot.results if each.result_id == opened_last), newest)
            if newest is None:
                self.query_one(Summary).show_lines(_empty_lines(snapshot))
                self._follow_any(snapshot)
            elif self._opening in {"", self._unreadable} and newest.result_id != self._unreadable:
                self.open_result(newest.result_id)
        elif self._is_gone(self._view.result_id, snapshot):
            self.forget()
            self._seen = frozenset()
        elif self.size.width != self._width:
            self.draw(self._view)

    def _is_gone(self, result_id: str, snapshot: EngineSnapshot) -> bool:
        """Whether the open result was deleted; one that has just been made may not be listed yet."""
        return result_id in self._seen and all(each.result_id != result_id for each in snapshot.results)

    def _follow_any(self, snapshot: EngineSnapshot) -> None:
        """Without a result to show, a backtest that somebody else started is as good."""
        job = next((job for job in snapshot.jobs if job.kind == "backtest" and job.state in _ALIVE), None)
        if job is not None and self._job_id is None:
            self.follow(job.job_id)

    # ------------------------------------------------------------------------------------------ the first backtest

    @errand("results-run", exclusive=True)
    async def run_example(self) -> None:
        """Run an example strategy on what is collected; while that is on its way, as soon as it is there."""
        desk = desk_of(self)
        while collecting(desk.latest):
            desk.say("The example runs as soon as the history is there.")
            await asyncio.sleep(_PAUSE_SECONDS)
        example = example_of(desk.latest)
        if example is not None:
            form = await desk.ask(OpenForm(example.strategy))
            run = RunBacktest(example.strategy, form.toml, overrides=example.overrides)
            self.follow(int(await desk.ask(run)))

    # ------------------------------------------------------------------------------------------ the backtest

    def _follow_job(self, snapshot: EngineSnapshot) -> None:
        job = next((job for job in snapshot.jobs if job.job_id == self._job_id), None)
        if self._job_id is None or job is None:
            return
        self._job = job
        if job.state in _ALIVE:
            if self._seen_at_ms is None:
                self._seen_at_ms = snapshot.time_ms
                self.refresh_bindings()
            if self._is_drawn or snapshot.time_ms - self._seen_at_ms >= _PATIENCE_MS:
                self._draw_progress(job)
            return
        was_drawn, self._is_drawn = self._is_drawn, False
        self._job_id = self._job = None
        if job.state == "done" and job.result_id:
            self.open_result(job.result_id)
        elif job.state == "failed":
            self._show_failure(job)
        elif self._view is not None:
            if was_drawn:
                self.draw(self._view)
        else:
            self.query_one(Summary).show_lines(_empty_lines(snapshot))
        self.refresh_bindings()

    def _draw_progress(self, job: JobView) -> None:
        """The layout of a result with what there is of one; what belongs to the result before is taken away."""
        summary = self.query_one(Summary)
        write_title(summary, f"{job.title} · {job.state}{f' · {job.sentence}' if job.sentence else ''}")
        summary.show_progress(job)
        self.query_one(ChartsPane).show_so_far(job.so_far)
        if not self._is_drawn:
            self._is_drawn = True
            write_subtitle(summary, "")
            self.query_one(TradesPane).wait()
            self.query_one(RealityPane).wait()
            self.query_one(MetricsPane).show(())
            for pane in self.lines_panes:
                pane.wait()

    def _show_failure(self, job: JobView) -> None:
        """Say why there is no result; the one before stays below, and Esc brings its figures back."""
        self._failed = True
        if self._view is not None:
            self.draw(self._view)
        summary = self.query_one(Summary)
        width = max(20, self.size.width - 4)
        lines: list[Line] = [
            ((text, "bad"),) for text in wrap(f"× {job.title} failed. {job.sentence}", width)
        ]
        after: Line = (("4", "key"), (" Build corrects the strategy, ", "dim"), ("2", "key"))
        after += ((" Data collects what is missing", "dim"),)
        if self._view is not None:
            after += (("; ", "dim"), ("Esc", "key"), (" shows the figures of the result below again.", "dim"))
        summary.show_lines([*lines[:4], after])
        write_title(summary, job.title)
        write_subtitle(summary, "below: the result before" if self._view is not None else "")

    def action_dismiss(self) -> None:
        """Show the figures of the open result again after a failure."""
        self._failed = False
        if self._view is not None:
            self.draw(self._view)
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ its checks

    def _follow_checks(self, snapshot: EngineSnapshot) -> None:
        """Take in what the checks of the open result find, as they find it."""
        if self._view is None or self._is_drawn:
            return
        result_id = self._view.result_id
        of_it = (job for job in snapshot.jobs if job.kind == "check" and job.result_id == result_id)
        check = next(of_it, None)
        before, self._check = self._check, check
        if check is None:
            return
        if before is None or (before.state, before.done) != (check.state, check.done):
            self.look_again()
            self.refresh_bindings()
        if check.state in _ALIVE or before != check:
            self._draw_reality()


def _empty_lines(snapshot: EngineSnapshot) -> tuple[Line, ...]:
    """Why there is no result, and the one key that makes one."""
    example = example_of(snapshot)
    if collecting(snapshot):
        name = example.strategy if example is not None else "an example"
        return (
            (("No backtest yet: the history is on its way.", "bold"),),
            (("r", "key"), (f" runs {name} as soon as it is there.", "text")),
        )
    if example is None:
        return (
            (("No backtest yet, and nothing to run one on.", "bold"),),
            (
                ("2", "key"),
                (" Data, there ", "text"),
                ("Enter", "key"),
                (f" collects: {starter_cost()}.", "text"),
            ),
            (
                ("Then ", "text"),
                ("5", "key"),
                (" and ", "text"),
                ("r", "key"),
                (" run an example on it.", "text"),
            ),
        )
    cost = (
        "under a second"
        if snapshot.kernels == "ready"
        else "once half a minute for the compiler, then under a second"
    )
    return (
        (("No backtest yet.  ", "bold"), ("r", "key"), (f" runs {example.words}  ", "text"), (cost, "dim")),
        (
            ("4", "key"),
            (" Build opens or makes another strategy; ", "dim"),
            ("r", "key"),
            (" runs it there.", "dim"),
        ),
    )
