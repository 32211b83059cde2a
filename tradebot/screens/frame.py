"""The rows around every area: areas and mode on top, health below, a banner when something is wrong, keys last."""

from __future__ import annotations

from collections.abc import Hashable

from textual import events
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tradebot.engine.messages import EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.desk import desk_of
from tradebot.screens.jump import Spot
from tradebot.screens.key_names import in_order, shown_binding
from tradebot.screens.widgets.palette import Line, Part, line_length, palette_of, spread, to_strip, wrap

AREAS = (
    ("1", "dashboard", "Dash"),
    ("2", "data", "Data"),
    ("3", "chart", "Chart"),
    ("4", "build", "Build"),
    ("5", "test", "Test"),
    ("8", "logs", "Logs"),
    ("9", "settings", "Setup"),
)
# A long sentence of the exchange on the narrowest screen; more would push the area away.
_BANNER_ROWS = 4
_NARROW = 100


class OneLine(Widget):
    """A row of the frame; `line` is painted only where it changed."""

    DEFAULT_CSS = "OneLine { height: 1; width: 1fr; }"
    line: reactive[Line] = reactive((), repaint=False)

    def watch_line(self, old: Line, new: Line) -> None:
        """Paint the row where it looks different."""
        if old != new:
            self.refresh(Region(0, 0, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """The row."""
        return to_strip(self.line if y == 0 else (), self.size.width, palette_of(self.app)).apply_style(
            self.rich_style
        )

    @property
    def plain(self) -> str:
        """The row as text."""
        return "".join(text for text, _ in self.line).rstrip()


class NavBar(OneLine):
    """Areas on digits, the badge of the mode with the source of the bars, the exchange's clock."""

    def __init__(self) -> None:
        super().__init__(id="nav")
        self._spans: list[tuple[int, int, str]] = []

    def show(self, area: str, snapshot: EngineSnapshot) -> None:
        """Draw the row for an area and a snapshot."""
        width = self.size.width
        left, right = self._areas(area, narrow=width < _NARROW), _mode(snapshot, short=width < _NARROW)
        if line_length((*left, *right)) > width:
            right = _mode(snapshot, short=True)
        if line_length((*left, *right)) > width:
            left = self._areas(area, narrow=True)
        self.line = spread(left, right, width)

    def _areas(self, area: str, *, narrow: bool) -> Line:
        """The areas with their digits; where it is narrow only the one that is open has its name."""
        parts: list[Part] = [(" ◆ ", "primary"), ("" if narrow else "tradebot ", "bold")]
        self._spans = []
        names = desk_of(self).key_names
        for _, name, title in AREAS:
            digit = names.of(f"app.{name}")
            start = line_length(parts)
            if name == area:
                parts.append((f" {digit} {title} ", "badge-primary"))
            elif narrow:
                parts.append((f" {digit} ", "dim"))
            else:
                parts.extend(((f" {digit}", "key"), (f" {title} ", "text")))
            self._spans.append((start, line_length(parts), name))
            parts.append((" ", ""))
        return tuple(parts)

    def spots(self) -> dict[Spot, str]:
        """Where each area has its key, with its name, for a letter to jump by."""
        names = desk_of(self).key_names
        found = {Spot(names.of(f"app.{name}"), start, self.region.y): name for start, _, name in self._spans}
        return {spot: name for spot, name in found.items() if len(spot.key) == 1}

    async def on_click(self, event: events.Click) -> None:
        """A click on an area opens it."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                await self.app.run_action(f"visit('{name}')")


def _mode(snapshot: EngineSnapshot, *, short: bool) -> Line:
    """The badge of the mode, the source of the bars, the clock."""
    mode = snapshot.mode if snapshot.mode in {"demo", "data"} else "data"
    source = snapshot.source.split(",")[0] if short else snapshot.source
    return (
        (f" {mode.upper()} ", f"badge-{mode}"),
        (f" {source}  " if source else " ", mode),
        (formats.clock(snapshot.time_ms) if snapshot.time_ms else "--:--:--Z", "text"),
        (" ", ""),
    )


class HealthBar(OneLine):
    """Stream, REST budget, bitcoin's price, jobs, room on the disk."""

    def __init__(self) -> None:
        super().__init__(id="health")

    def show(self, snapshot: EngineSnapshot) -> None:
        """Draw the row for a snapshot."""
        narrow = self.size.width < _NARROW
        groups = [_stream(snapshot), _rest(snapshot), _bitcoin(snapshot), _jobs(snapshot)]
        if not narrow:
            groups += [_kernels(snapshot), _disk(snapshot)]
        parts: list[Part] = [(" ", "")]
        for group in groups:
            if group and line_length(parts) + line_length(group) <= self.size.width:
                parts.extend((*group, ("   " if not narrow else "  ", "")))
        self.line = tuple(parts)


def _stream(snapshot: EngineSnapshot) -> Line:
    link = snapshot.connection
    match link.stream:
        case "ok":
            late = link.silent_seconds is not None and link.silent_seconds > 15
            latency = f" {link.stream_latency_ms:.0f}ms" if link.stream_latency_ms is not None else ""
            if late:
                return (
                    ("● ", "warning"),
                    (f"stream silent {formats.span(link.silent_seconds or 0)}", "warning"),
                )
            return (("● ", "live"), (f"stream{latency}", "text"))
        case "lost":
            age = f" {formats.span(link.silent_seconds)}" if link.silent_seconds is not None else ""
            return (("× ", "bad"), (f"stream lost{age}", "bad"))
        case "connecting":
            return (("○ ", "warning"), ("stream connecting", "warning"))
        case _:
            return (("○ ", "dim"), ("stream off", "dim"))


def _rest(snapshot: EngineSnapshot) -> Line:
    budget, state = snapshot.budget, snapshot.connection.rest
    if budget.banned_until_ms is not None and budget.banned_until_ms > snapshot.time_ms:
        left = (budget.banned_until_ms - snapshot.time_ms) / 1000
        return (("× ", "bad"), (f"REST refused for {formats.countdown(left)}", "bad"))
    glyph, tone = {"ok": ("●", "live"), "lost": ("×", "bad"), "connecting": ("○", "warning")}.get(
        state, ("○", "dim")
    )
    text = f"REST {budget.used}/{budget.limit}" if state in {"ok", "off"} else f"REST {state}"
    return ((f"{glyph} ", tone), (text, "bad" if state == "lost" else "text" if state == "ok" else tone))


def _bitcoin(snapshot: EngineSnapshot) -> Line:
    quote = next((quote for quote in snapshot.quotes if quote.symbol == "BTCUSDT"), None)
    if quote is None:
        return ()
    price = f"BTC {formats.grouped(quote.last)} "
    if quote.age_ms > 15_000:
        return ((price, "stale"), (f"stale {formats.span(quote.age_ms / 1000)}", "warning"))
    if quote.change_24h is None:
        return ((price, "bold"),)
    return ((price, "bold"), (formats.percent(quote.change_24h), formats.tone_of(quote.change_24h)))


def _jobs(snapshot: EngineSnapshot) -> Line:
    running = sum(job.state == "running" for job in snapshot.jobs)
    failed = sum(job.state == "failed" for job in snapshot.jobs)
    if not running and not failed:
        return (("no jobs", "dim"),)
    parts: list[Part] = [(formats.plural(running, "job"), "text")] if running else []
    if failed:
        parts.append((f"{'  ' if running else ''}! {failed} failed", "warning"))
    return tuple(parts)


def _kernels(snapshot: EngineSnapshot) -> Line:
    match snapshot.kernels:
        case "compiling":
            return (("backtest kernel compiling", "warning"),)
        case "failed":
            return (("× backtest kernel failed", "bad"),)
        case _:
            return ()


def _disk(snapshot: EngineSnapshot) -> Line:
    if not snapshot.free_bytes:
        return ()
    tone = "bad" if snapshot.free_bytes < 1_000_000_000 else "dim"
    return ((f"disk {formats.size_of(snapshot.free_bytes)} free", tone),)


class Banner(OneLine):
    """A sentence: what is wrong, what was done, what the person can do; as high as it needs, gone when all is well."""

    def __init__(self) -> None:
        super().__init__(id="banner")
        self.display = False
        self._rows: list[str] = []

    def show(self, problem: tuple[str, str] | None) -> None:
        """Draw (level, sentence), or take the row away."""
        if problem is None:
            self.display = False
            return
        level, sentence = problem
        self.set_class(level == "error", "-error")
        self.display = True
        self._rows = wrap(sentence, max(20, self.app.size.width - 4))[:_BANNER_ROWS]
        self.styles.height = len(self._rows)
        self.line = ((" × " if level == "error" else " ! ", "bold"), (sentence, ""))

    def watch_line(self, old: Line, new: Line) -> None:
        """Paint all rows where the sentence changed."""
        if old != new:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of its rows."""
        glyph: Part = self.line[0] if y == 0 and self.line else ("   ", "")
        text = self._rows[y] if y < len(self._rows) else ""
        return to_strip((glyph, (text, "")), self.size.width, palette_of(self.app)).apply_style(
            self.rich_style
        )


def problem_of(snapshot: EngineSnapshot) -> tuple[str, str] | None:
    """The one thing wrong that a person should know about most: (level, sentence), or None."""
    link, budget = snapshot.connection, snapshot.budget
    if budget.banned_until_ms is not None and budget.banned_until_ms > snapshot.time_ms:
        until = formats.clock(budget.banned_until_ms)
        return (
            "warning",
            f"The exchange refuses requests until {until}; collecting waits and goes on by itself.",
        )
    if link.rest == "lost":
        done = "Saved data, building and testing work without it."
        return (
            "error",
            f"{link.sentence or 'The exchange cannot be reached; it is asked again and again.'} {done}",
        )
    if link.stream == "lost":
        return "error", link.sentence or "The live stream is lost; connecting again, prices below are old."
    if snapshot.kernels == "failed":
        return (
            "error",
            f"{snapshot.kernels_sentence or 'The backtest kernel could not be compiled.'} "
            "Data and building work; starting a backtest tries it again.",
        )
    if 0 < snapshot.free_bytes < 1_000_000_000:
        return (
            "warning",
            f"Only {formats.size_of(snapshot.free_bytes)} are free on the disk; make room before collecting.",
        )
    if snapshot.read_only:
        return "warning", snapshot.read_only
    return None


class KeyBar(OneLine):
    """The keys that work here and now: those of the focused pane first, the ones that work everywhere at the end."""

    LAST = (("app.palette", "cmds"), ("app.help", "help"), ("app.quit", "quit"))

    def __init__(self) -> None:
        super().__init__(id="keys")

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.call_after_refresh(self.show))

    def on_resize(self) -> None:
        """Show what fits now."""
        self.show()

    def show(self) -> None:
        """Draw the row anew; what does not fit is left out from the least important end."""
        if not self.is_attached or not self.app.is_running:
            return
        last: list[Part] = []
        names = desk_of(self).key_names
        for action, what in self.LAST:
            key = names.of(action)
            last.extend(((f" {key}", "key"), (f" {what} ", "dim")))
        room = self.size.width - line_length(last) - 1
        parts: list[Part] = [(" ", "")]
        for key, what in key_hints(self):
            hint: tuple[Part, ...] = ((key, "key"), (f" {what}  ", "text"))
            if line_length(parts) + line_length(hint) > room:
                break
            parts.extend(hint)
        self.line = spread(tuple(parts), tuple(last), self.size.width)


def asked_by_actions(snapshot: EngineSnapshot) -> Hashable:
    """What of a snapshot decides which keys work: two equal answers show the same keys."""
    jobs = tuple((job.job_id, job.state) for job in snapshot.jobs)
    some = (bool(snapshot.quotes), len(snapshot.datasets), len(snapshot.strategies), len(snapshot.results))
    link = snapshot.connection
    return jobs, some, link.rest, link.stream, snapshot.kernels, snapshot.ready, snapshot.read_only


def key_hints(widget: Widget) -> list[tuple[str, str]]:
    """(key, what it does) for every shown binding that is active on a widget's screen, one line per action."""
    hints: list[tuple[str, str]] = []
    seen: set[str] = set()
    for active in in_order(widget.screen.active_bindings.values()):
        binding = active.binding
        if not binding.show or not active.enabled or binding.action in seen:
            continue
        seen.add(binding.action)
        hints.append((shown_binding(binding), binding.description))
    return sorted(hints, key=lambda hint: hint[0] == "Tab")
