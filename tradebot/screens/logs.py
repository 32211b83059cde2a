"""The Logs area: every record of every tradebot of this user as it is written, with what can be done about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import EngineSnapshot, ExplainRecord, GetLogs, LogPage
from tradebot.screens.area import Area
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.logs_panes import Filters, RecordPane, RecordsPane
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.log_view import LogView

__all__ = ["LogsArea"]


class LogsArea(Area):
    """Records with levels, component, moment and search above, the chosen one below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="logs.search"),
        Binding("n", "match(1)", "next", id="logs.next"),
        Binding("N", "match(-1)", "previous", key_display="N", show=False, id="logs.previous"),
        Binding("l", "level", "level", id="logs.level"),
        Binding("c", "component", "component", id="logs.component"),
        Binding("s", "since", "since", id="logs.since"),
        Binding("space", "follow", "follow", key_display="Space", id="logs.follow"),
        Binding("escape", "clear", "clear the search", show=False, id="logs.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.filters = Filters()
        self.page: LogPage | None = None
        self._newest = 0
        self._asked_for: Filters | None = None
        self._refused: Filters | None = None
        self._asking = False
        self._wanted: tuple[int, str] | None = None

    def compose_panes(self) -> ComposeResult:
        """The records above, one of them below."""
        yield RecordsPane()
        yield RecordPane()

    @property
    def records(self) -> RecordsPane:
        """The pane of the records."""
        return self.query_one(RecordsPane)

    @property
    def view(self) -> LogView:
        """The view of the records."""
        return self.query_one(LogView)

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Ask for what came since, unless an answer is still awaited."""
        if not snapshot.ready or self._asking or self.filters == self._refused:
            return
        self._asking = True
        self._fetch(self.filters, snapshot.time_ms)

    @errand("logs")
    async def _fetch(self, filters: Filters, now_ms: int) -> None:
        await self.composed()
        is_new = filters != self._asked_for
        try:
            page = await desk_of(self).ask(
                GetLogs(
                    0 if is_new else self._newest,
                    filters.level,
                    filters.component,
                    filters.search,
                    filters.since_ms(now_ms),
                )
            )
        except TradebotError as error:
            self._refused = filters
            self.records.show_problem(error.sentence)
            return
        finally:
            self._asking = False
        if not self.query(LogView):
            return  # the app is closing
        if filters != self.filters:
            self.apply(desk_of(self).latest)  # others were chosen meanwhile
            return
        self._asked_for, self._newest, self.page = filters, page.newest, page
        self.records.take(page, filters, anew=is_new)
        self._go_to_wanted()
        self.show_tabs()

    def remembered(self) -> dict[str, Value]:
        """The pane and the filters."""
        return {**super().remembered(), **self.filters.remembered()}

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        super().remember(kept)
        self.filters = Filters.kept(kept)
        self.records.show_filters(self.filters)

    @errand("logs-open", exclusive=True)
    async def open_record(self, time_ms: int, sentence: str) -> None:
        """Show the record of that sentence that is nearest to a moment (UTC ms), whatever was filtered before."""
        await self.composed()
        self._wanted = (time_ms, sentence)
        self.records.close_search()
        self.use(Filters())
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        """Put the cursor on the wanted record once it is there; the clocks of app and log may differ a little."""
        if self._wanted is None or self._asked_for != Filters():
            return
        time_ms, sentence = self._wanted
        places = [n for n, each in enumerate(self.view.records) if each.sentence == sentence]
        if places:
            self._wanted = None
            self.view.move_to(min(places, key=lambda n: abs(self.view.records[n].time_ms - time_ms)))

    # ------------------------------------------------------------------------------------------ the chosen record

    @on(LogView.Moved)
    def _moved(self) -> None:
        self.records.caption_counts()
        record = self.view.current
        pane = self.query_one(RecordPane)
        if record is None:
            pane.clear()
        elif pane.show(record):
            self._explain(record.sequence)

    @errand("explain", exclusive=True)
    async def _explain(self, sequence: int) -> None:
        told = await desk_of(self).ask(ExplainRecord(sequence))
        self.query_one(RecordPane).explain(told)

    @on(LogView.Chosen)
    def _chosen(self) -> None:
        self.visit_pane(self.query_one(RecordPane))

    def copy_text(self) -> str:
        """The record under the cursor with all that is known of it."""
        return self.query_one(RecordPane).copy_text()

    # ------------------------------------------------------------------------------------------ verbs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        if not self.is_mounted or not self.query(LogView):
            return super().check_action(action, parameters)
        match action:
            case "search" | "follow" if isinstance(self.app.focused, Input):
                return False  # Textual does not know that these are letters to type
            case "clear":
                return self.current_pane is not self.records or self.records.searching
            case "match":
                return bool(self.view.matches) or None
            case "search" | "follow" | "copy" | "maximise":
                return bool(self.view.records) or None
            case "component":
                return bool(self.page is not None and self.page.components) or None
            case _:
                return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Type words to find."""
        self.visit_pane(self.records)
        self.records.open_search()

    def action_match(self, step: int) -> None:
        """Go to the next or the previous record that was found."""
        self.view.next_match(step)

    def action_clear(self) -> None:
        """Forget the search; from the record, back to the records."""
        if self.current_pane is not self.records:
            self.visit_pane(self.records)
            return
        self.records.close_search()

    def action_level(self) -> None:
        """Show from the next level on."""
        self.use(self.filters.next_level())

    def action_since(self) -> None:
        """Show a shorter or a longer time."""
        self.use(self.filters.next_since())

    def action_component(self) -> None:
        """Ask which part of the house to show."""
        assert self.page is not None  # noqa: S101 - check_action sees to it
        choices = (
            Choice("", "all", "every part of the house"),
            *(Choice(name, name) for name in self.page.components),
        )

        def picked(name: str | None) -> None:
            if name is not None:
                self.use(self.filters.of(name))

        self.app.push_screen(PickDialog("Component", choices, self.filters.component), picked)

    def action_follow(self) -> None:
        """Stay with the newest record, or stop here."""
        self.view.follow(not self.view.following)

    @on(Input.Changed, "#log-search")
    def _search_changed(self, event: Input.Changed) -> None:
        self.use(self.filters.searching(event.value))

    @on(Input.Submitted, "#log-search")
    def _search_done(self) -> None:
        self.records.end_search()
        if self.view.matches and not self.view.match_number():
            self.view.next_match(-1)

    def use(self, filters: Filters) -> None:
        """Show what fits these filters, as soon as the engine has found it."""
        self.filters = filters
        self.records.show_filters(filters)
        self.apply(desk_of(self).latest)
