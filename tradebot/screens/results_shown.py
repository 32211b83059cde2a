"""The result that is open in the Test area: fetched, drawn, searched, walked through."""

from __future__ import annotations

from textual import on

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    BacktestView,
    GetAnalysis,
    GetResult,
    GetTrades,
    JobView,
    ResultAnalysis,
    ResultSummary,
    TradeRow,
)
from tradebot.screens import formats
from tradebot.screens.area import write_subtitle, write_title
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.results_layout import ResultLayout
from tradebot.screens.results_panes import ChartsPane, MetricsPane, ResultsPane, Summary
from tradebot.screens.results_reality import RealityPane
from tradebot.screens.results_trades import TradesPane
from tradebot.screens.trade_dialog import TradeDialog
from tradebot.screens.trade_log import WINDOW, TradeLog
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["ShownResult"]

_NAMED = 4


class ShownResult(ResultLayout):
    """An area with one result open."""

    def __init__(self) -> None:
        super().__init__()
        self._view: BacktestView | None = None
        self._analysis: ResultAnalysis | None = None
        self._check: JobView | None = None
        self._opening = ""
        self._unreadable = ""
        self._width = 0
        self.log_of_trades = TradeLog(0, self._request)

    @property
    def view(self) -> BacktestView | None:
        """The result that is shown."""
        return self._view

    @property
    def analysis(self) -> ResultAnalysis | None:
        """The result taken apart; None while that is on its way."""
        return self._analysis

    @property
    def trade_count(self) -> int | None:
        """How many trades the open result has."""
        return self._view.trade_count if self._view is not None else None

    def remembered(self) -> dict[str, Value]:
        """What the layout remembers, the open result, filter and order of its trades."""
        result_id = self._view.result_id if self._view is not None else self.kept.text("result")
        trades = self.query_one(TradesPane).remembered()
        return {**super().remembered(), "result": result_id, **trades}

    # ------------------------------------------------------------------------------------------ opening

    def open_result(self, result_id: str) -> None:
        """Show a stored result."""
        self._opening = result_id
        self._open_result(result_id)

    @errand("results-open", exclusive=True)
    async def _open_result(self, result_id: str) -> None:
        await self.composed()
        try:
            view = await desk_of(self).ask(GetResult(result_id, points=2 * max(100, self.size.width)))
        except TradebotError as error:
            self._show_unreadable(result_id, error.sentence)
            return
        if self._opening != result_id:
            return
        self._view, self._analysis, self._check = view, None, None
        self.log_of_trades = TradeLog(view.trade_count, self._request)
        trades = self.query_one(TradesPane)
        trades.reset()
        self.draw(view)
        trades.table.move_to(0, quietly=True)
        self.query_one(ResultsPane).show(desk_of(self).latest.results, result_id)
        self.refresh_bindings()
        if result_id == self.kept.text("result"):
            trades.remember(self.kept)
        self.kept = Kept()
        await self._take_apart(view)

    def _show_unreadable(self, result_id: str, sentence: str) -> None:
        """Say why a result is not shown: on the strip where there is no other one, else in passing."""
        self._unreadable = result_id
        if self._view is not None:
            desk_of(self).say(sentence, "error")
            return
        width = max(20, self.size.width - 4)
        lines: list[Line] = [
            ((text, "bad"),) for text in wrap(f"{result_id} cannot be shown. {sentence}", width)
        ]
        after: Line = (("Enter", "key"), (" in Runs opens another one; ", "dim"), ("Del", "key"))
        self.query_one(Summary).show_lines([*lines[:5], (*after, (" there puts this one aside.", "dim"))])

    @errand("results-analysis", exclusive=True)
    async def look_again(self) -> None:
        """Take the open result apart anew: its checks have found something."""
        if self._view is not None:
            await self._take_apart(self._view)

    async def _take_apart(self, view: BacktestView) -> None:
        analysis = await desk_of(self).ask(GetAnalysis(view.result_id))
        if self._view is view:
            self._analysis = analysis
            self._draw_analysis(view)

    def forget(self) -> None:
        """Show nothing, so that the newest result that is left is opened."""
        self._view = self._analysis = self._check = None
        self._opening = ""
        self.log_of_trades = TradeLog(0, self._request)
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ drawing

    def draw(self, view: BacktestView) -> None:
        """Draw everything that is known of a result."""
        self._width = self.size.width
        summary = self.query_one(Summary)
        summary.show_result(view)
        span = f"{formats.minute(view.start_ms)[:10]} to {formats.minute(view.end_ms)[:10]}"
        more = len(view.symbols) - _NAMED
        symbols = ", ".join(view.symbols[:_NAMED]) + (f" +{more}" if more > 0 else "")
        write_title(summary, f"{view.strategy} · {symbols} · {view.timeframe} · {span}")
        write_subtitle(summary, f"run {formats.short_minute(view.created_ms)} · {view.result_id}")
        self.query_one(ChartsPane).show(view)
        self.query_one(MetricsPane).show(view.metrics)
        self.query_one(TradesPane).show(self.log_of_trades, view.trade_count, self._no_trades(view))
        self._draw_analysis(view)
        self.show_tabs()

    def _draw_analysis(self, view: BacktestView) -> None:
        self._draw_reality()
        for pane in self.lines_panes:
            pane.show(view, self._analysis)

    def _draw_reality(self) -> None:
        if self._view is not None:
            self.query_one(RealityPane).show(self._view, self._analysis, self._check)

    def _no_trades(self, view: BacktestView) -> list[Line]:
        if view.trade_count:
            return [(), (("  No trade fits the filter.  ", "bold"), ("Esc", "key"), (" shows all.", "dim"))]
        # Where one pane is seen at a time, this one has no width until it is.
        width = max(20, (self.query_one(TradesPane).size.width or self.size.width) - 4)
        why, *others = view.warnings or ("No trade was made.",)
        lines: list[Line] = [(), *(((f"  {text}", "bold"),) for text in wrap(why, width)), ()]
        lines.append((("  ", ""), ("e", "key"), (" opens the strategy, where each rule is counted.", "dim")))
        for warning in others:
            lines += [(), *(((f"  {text}", "warning"),) for text in wrap(warning, width))]
        return lines

    # ------------------------------------------------------------------------------------------ trades

    def _request(self, offset: int) -> None:
        if self._view is not None:
            self._fetch(self.log_of_trades, self._view.result_id, offset)

    @errand("trades")
    async def _fetch(self, log: TradeLog, result_id: str, offset: int) -> None:
        trades = self.query_one(TradesPane)
        try:
            page = await desk_of(self).ask(GetTrades(result_id, offset, WINDOW, trades.find, trades.sort))
        except TradebotError as error:
            log.forget(offset)
            desk_of(self).say(error.sentence, "error")
            return
        if log is self.log_of_trades:
            log.put(page)
            trades.table.repaint_rows()

    @on(TradesPane.Wanted)
    @errand("trades-wanted", exclusive=True)
    async def _search(self) -> None:
        """Show other rows, or the same in another order, once their first window is there."""
        view, trades = self._view, self.query_one(TradesPane)
        if view is None:
            return
        try:
            page = await desk_of(self).ask(GetTrades(view.result_id, 0, WINDOW, trades.find, trades.sort))
        except TradebotError as error:
            trades.refuse(error.sentence)
            return
        if self._view is view:
            self.log_of_trades = TradeLog(page.total, self._request)
            self.log_of_trades.put(page)
            trades.show(self.log_of_trades, view.trade_count, self._no_trades(view))
            trades.table.move_to(0, quietly=True)

    @on(VirtualTable.Chosen, "#trades")
    def _open_trade(self, event: VirtualTable.Chosen) -> None:
        if self._view is None:
            return

        def closed(index: int | None) -> None:
            if index is not None:
                self.query_one(TradesPane).table.move_to(index)

        dialog = TradeDialog(self._view.result_id, self.log_of_trades, event.index, self._show_on_chart)
        self.app.push_screen(dialog, closed)

    @on(TradesPane.OnChart)
    def _on_chart(self, event: TradesPane.OnChart) -> None:
        self._show_on_chart(event.trade)

    def _show_on_chart(self, trade: TradeRow) -> None:
        """The trade among all others of the result on the chart; Esc there comes back."""
        view, desk = self._view, desk_of(self)
        if view is None:
            return
        of_it = {each.category for each in desk.latest.datasets if each.symbol == trade.symbol}
        category = "linear" if "linear" in of_it or not of_it else min(of_it)
        chart = desk.visit("chart")
        chart.open_chart(trade.symbol, view.timeframe, trade.entry_ms, view.result_id, category)  # type: ignore[attr-defined]  # ChartArea has it
        desk.say("n and b go from trade to trade, Esc comes back to the result.")

    @on(VirtualTable.Chosen, "#results")
    def _open_run(self, event: VirtualTable.Chosen) -> None:
        result = event.table.current
        if isinstance(result, ResultSummary):
            self.look_elsewhere()
            self.open_result(result.result_id)

    def look_elsewhere(self) -> None:
        """Another result is wanted than the one that is being made."""
