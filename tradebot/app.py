"""The terminal app: its areas, keys and themes, and the engine's lifetime."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Hashable
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.css.query import NoMatches
from textual.widget import AwaitMount
from textual.widgets import Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import EngineSnapshot, KeyChoice
from tradebot.screens import formats
from tradebot.screens.area import Area, Pane
from tradebot.screens.area_makers import AREA_MAKERS
from tradebot.screens.console import ask_for_synchronized_output, own_terminal
from tradebot.screens.desk import Desk, errand
from tradebot.screens.frame import AREAS, Banner, HealthBar, KeyBar, NavBar, asked_by_actions, problem_of
from tradebot.screens.glyphs import AsciiFilter
from tradebot.screens.handle import EngineHandle
from tradebot.screens.help import help_on
from tradebot.screens.leaving import ask_to_leave
from tradebot.screens.look import Look
from tradebot.screens.messages_dialog import MessagesDialog
from tradebot.screens.news import News
from tradebot.screens.palette import Palette
from tradebot.screens.remembering import Remembering, ScreenMemory
from tradebot.screens.theme import THEMES, Pair, meanings_of, readable
from tradebot.screens.widgets.chart import prepare_charts

__all__ = ["TradebotApp"]

_LOG = logging.getLogger("tradebot.screens")
_HERTZ = 4
_STOP_SECONDS = 5.0
_SMALLEST = (80, 24)


class TradebotApp(Desk):
    """The app around an engine that is started after the first frame and stopped at the end.

    `start_area` is dashboard, data, chart, build, test, logs or settings.
    """

    TITLE = "tradebot"
    # Here and not in the constructor, because the colours are asked for before it ends.
    pair = Pair.GREEN_RED
    CSS_PATH = [  # noqa: RUF012 - the type Textual gives it
        "screens/frame.tcss",
        "screens/dashboard.tcss",
        "screens/data.tcss",
        "screens/build.tcss",
        "screens/build_preview.tcss",
        "screens/results.tcss",
        "screens/chart.tcss",
        "screens/alerts.tcss",
        "screens/logs.tcss",
        "screens/settings.tcss",
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - the type Textual gives it
        (0, "-too-narrow"), (80, "-narrow"), (100, "-mid"), (120, "-wide"), (160, "-broad"),
    ]  # fmt: skip
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - the type Textual gives it
        (0, "-too-low"),
        (24, "-low"),
        (30, "-usual"),
        (44, "-tall"),
    ]
    ENABLE_COMMAND_PALETTE = True
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(digit, f"visit('{name}')", title, show=False, id=f"app.{name}")
            for digit, name, title in AREAS
        ),
        Binding("ctrl+p", "command_palette", "commands", show=False, priority=True, id="app.palette"),
        Binding("colon", "command_palette", "commands", show=False, key_display=":", id="app.palette_colon"),
        Binding("question_mark", "help", "help", show=False, key_display="?", id="app.help"),
        Binding("f1", "help", "help", show=False, id="app.help_f1"),
        Binding("exclamation_mark", "messages", "messages", show=False, key_display="!", id="app.messages"),
        Binding("ctrl+c", "help_quit", "how to quit", show=False, id="app.help_quit"),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(
        self,
        engine: EngineHandle,
        *,
        start_area: str = "data",
        on_crash: Callable[[BaseException], str] | None = None,
        look: Look | None = None,
        memory: ScreenMemory | None = None,
        keys: tuple[KeyChoice, ...] = (),
    ) -> None:
        super().__init__(engine)
        self._on_crash = on_crash
        self._look = look or Look(refresh_hz=_HERTZ)
        if self._look.ascii_only:
            self._filters.append(AsciiFilter())  # the list that Textual keeps its own filters in
        self._memory = Remembering(memory)
        self._start_area = self._memory.area_to_open(AREA_MAKERS, start_area)
        self._drawn = 0
        self._told: Hashable = None
        self._begun = False
        self._key_choices = keys
        self._nav = NavBar()
        self._health = HealthBar()
        self._banner = Banner()
        self._visible: Area | None = None
        self._areas: dict[str, Area] = {}
        self._way_back = ("", "")
        self._trouble = ""
        self._engine_trouble = ""
        self._news = News(self)
        self._palette = Palette(self, self._memory)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = Look().theme
        self.use_look(*self._memory.look((self._look.theme, self._look.up_down)))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our names, so that every builtin theme has them too."""
        return {**super().get_theme_variable_defaults(), **meanings_of(self.current_theme.dark, self.pair)}

    def get_css_variables(self) -> dict[str, str]:
        """All colours of the theme, strong enough to be read."""
        self.theme_variables = readable(self.current_theme, super().get_css_variables())
        return self.theme_variables

    # ------------------------------------------------------------------------------------------ life

    def compose(self) -> ComposeResult:
        """The frame; areas are put between its rows when they are first visited."""
        with Container(id="frame"):
            yield self._nav
            yield self._health
            yield self._banner
            yield Container(id="areas")
            yield KeyBar()
        yield Static(id="guard")

    def on_mount(self) -> None:
        """Show the first area; the engine follows the first frame."""
        self.visit(self._start_area)

    def _after_first_frame(self) -> None:
        if self._look.synchronized_output:
            ask_for_synchronized_output(self._driver, own_terminal())
        self._open_engine()
        self._take_keys()
        self.set_interval(1 / self._look.refresh_hz, self._drain)

    @errand("keys")
    async def _take_keys(self) -> None:
        await self.use_keys(self._key_choices)

    @work(thread=True, group="engine", exit_on_error=False)
    def _open_engine(self) -> None:
        try:
            self.engine.start()
        except TradebotError as error:
            self._engine_trouble = error.sentence
        except Exception as error:  # noqa: BLE001 - whatever it is, the person reads a sentence, not a traceback
            self._engine_trouble = f"The engine could not be started ({type(error).__name__}: {error})."
        prepare_charts()  # here, not at the first chart: it takes a quarter of a second

    async def on_unmount(self) -> None:
        """Let the engine end its work."""
        await asyncio.get_running_loop().run_in_executor(None, self.engine.stop, _STOP_SECONDS)

    # ------------------------------------------------------------------------------------------ drawing

    def _drain(self) -> None:
        """Take a snapshot and draw what changed; whatever fails here becomes a banner, never the end of the app."""
        if not self._nav.is_attached or not self.screen_stack:
            return  # before the first frame, or while the app is closing
        before = self._trouble
        try:
            snapshot = self.engine.snapshot()
            with self.batch_update():
                self._show(snapshot)
            self._trouble = ""
            self._drawn += 1
            if self._drawn % self._look.refresh_hz == 0:
                self._note()
        except Exception as error:  # noqa: BLE001 - an exception in a timer would end the app
            self._trouble = (
                f"The screen could not be drawn ({type(error).__name__}: {error}); the engine goes on."
            )
            if self._trouble != before:
                _LOG.error(self._trouble, exc_info=error)
            self._banner.show(("error", self._trouble))
            self.log.error(error)

    def _show(self, snapshot: EngineSnapshot) -> None:
        self.latest = snapshot
        screen = self.screen_stack[0]
        size = self.size
        if size.width < _SMALLEST[0] or size.height < _SMALLEST[1]:
            self._show_guard(snapshot)
            return
        is_due = self._status_is_due(snapshot)
        if is_due:
            self._nav.show(self._visible_name(), snapshot)
            self._health.show(snapshot)
        self._banner.show(self._problem())
        if self._visible is not None and self._visible.is_mounted:
            self._visible.apply(snapshot)
        self._news.tell(snapshot)
        if is_due and self.screen is screen:
            screen.refresh_bindings()

    def _status_is_due(self, snapshot: EngineSnapshot) -> bool:
        """Whether clock, health and working keys are drawn: once a second, and at once where they say something else.

        They are the upper and lower edge of the screen: a frame with them goes through all the widgets in between.
        """
        before = self._told
        self._told = (self._visible_name(), self.size, self.theme, self.pair, asked_by_actions(snapshot))
        return before != self._told or self._drawn % self._look.refresh_hz == 0

    def _problem(self) -> tuple[str, str] | None:
        """What the banner says: (level, sentence)."""
        return ("error", self._engine_trouble) if self._engine_trouble else problem_of(self.latest)

    def _show_guard(self, snapshot: EngineSnapshot) -> None:
        running = sum(job.state == "running" for job in snapshot.jobs)
        self.screen_stack[0].query_one("#guard", Static).update(
            f"Terminal is {self.size.width}x{self.size.height}. "
            f"This app needs {_SMALLEST[0]}x{_SMALLEST[1]} at least.\n"
            f"The engine keeps running: {formats.plural(running, 'job')}.\n"
            "Enlarge the window or zoom out (Ctrl+-)."
        )

    def on_resize(self) -> None:
        """Draw for the new size without waiting for the timer."""
        self.call_after_refresh(self._drain)

    def _note(self) -> None:
        """Let what is shown be remembered, so that it is there at the next start, after a power cut too."""
        area = self._visible
        if area is None or not area.is_mounted:
            return
        look: tuple[str, ...] = ()
        settings = self._areas.get("settings")
        if len(self.screen_stack) == 1 and not (settings is not None and settings.unsaved()):
            # A theme that is only being tried is not chosen.
            look = (self.theme, str(self.pair), self._look.theme, self._look.up_down)
        self._memory.note(self._visible_name(), area.remembered(), look)

    def report(self, error: Exception) -> None:
        """Something of ours failed beside the screen: a word to the person, the traceback in the log."""
        _LOG.error("That did not work (%s: %s).", type(error).__name__, error, exc_info=error)
        self.log.error(error)
        if self._nav.is_attached and self.is_running:
            self.say(f"That did not work ({type(error).__name__}: {error}); the engine goes on.", "error")

    def say(self, sentence: str, level: str = "info") -> None:
        """A toast."""
        self._news.say(sentence, level)

    # ------------------------------------------------------------------------------------------ areas

    def _visible_name(self) -> str:
        return next((name for name, area in self._areas.items() if area is self._visible), self._start_area)

    def visit(self, area: str) -> Area:
        """Show an area, made on its first visit, and give it the focus."""
        wanted = self._areas.get(area)
        mounting: AwaitMount | None = None
        if wanted is None:
            wanted = self._areas[area] = AREA_MAKERS[area]()
            wanted.kept = self._memory.of(area)
            mounting = self.screen_stack[0].query_one("#areas").mount(wanted)
        if wanted is not self._visible:
            if self._visible is not None:
                self._visible.display = False
                self._way_back = (area, self._visible_name())
            self._visible = wanted
            wanted.display = True
            self.call_next(self._arrive, wanted, mounting)
        return wanted

    async def _arrive(self, area: Area, mounting: AwaitMount | None) -> None:
        if mounting is not None:
            await mounting
        if area is self._visible:
            self._drain()
            area.focus_inside()
        if not self._begun:
            self._begun = True
            self.call_after_refresh(self._after_first_frame)

    def action_visit(self, area: str) -> None:
        """Show an area."""
        self.visit(area)
        self._way_back = ("", "")

    def key_escape(self) -> None:
        """What nothing else takes Esc for: the end of a maximised pane, then back to the area that led here."""
        led_to, back = self._way_back
        if len(self.screen_stack) > 1 or self._visible is None:
            return
        if self._visible.has_class("-maximised"):
            self._visible.action_maximise()
        elif led_to == self._visible_name():
            self.action_visit(back)

    # ------------------------------------------------------------------------------------------ help and commands

    def action_help(self) -> None:
        """Help on the focused pane."""
        self.push_screen(help_on(self.screen, self._focused_pane()))

    def _focused_pane(self) -> Pane | None:
        if self.focused is not None:
            for node in self.focused.ancestors_with_self:
                if isinstance(node, Pane):
                    return node
        return self._visible.current_pane if self._visible is not None and self._visible.is_mounted else None

    def action_command_palette(self) -> None:
        """Show what can be done."""
        self._palette.open()

    def action_messages(self) -> None:
        """Show what is wrong and what was told."""
        if not isinstance(self.screen, MessagesDialog):
            self.push_screen(MessagesDialog(self._problem(), tuple(self._news.told)))

    def action_help_quit(self) -> None:
        """Ctrl+C: people expect it to end or to copy."""
        names = self.key_names
        quit_key, copy_key = names.of("app.quit"), names.of("area.copy")
        self.say(
            f"Ctrl+C does not end tradebot: {quit_key} quits. {copy_key} copies the row or text in focus; "
            "Shift and the mouse select as everywhere."
        )

    def use_look(self, theme: str, up_down: str) -> None:
        """Draw in a theme and a pair of colours by their names; a name that is not known changes nothing."""
        if up_down in tuple(Pair) and up_down != self.pair:
            self._use_pair(Pair(up_down))
        if theme in self.available_themes and theme != self.theme:
            self.theme = theme

    def _use_pair(self, pair: Pair) -> None:
        """Draw up and down in these colours; all that draws follows as it follows a theme."""
        self.pair = pair
        self._watch_theme(self.theme)

    # ------------------------------------------------------------------------------------------ end

    def _fatal_error(self) -> None:
        """Textual's door for what nobody caught: a sentence that names the report instead of a traceback."""
        if self._on_crash is None or self._exception is None:
            super()._fatal_error()
            return
        self._exit_renderables = [Text(self._on_crash(self._exception))]
        self._close_messages_no_wait()

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the app; what is shown is noted once more."""
        with contextlib.suppress(NoMatches):  # an area that is only half there has nothing to remember
            self._note()
        super().exit(result, return_code, message)

    async def action_quit(self) -> None:
        """Leave; asks where work would be interrupted or lost."""
        ask_to_leave(self, self._areas.values())
