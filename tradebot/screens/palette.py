"""The palette: what it offers is looked through while a person types, what was used last stands first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen
from textual.style import Style

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import Command, GetSettings, GetSymbols, SettingField, SymbolChoice
from tradebot.screens.desk import Desk
from tradebot.screens.palette_commands import KINDS, Entry, commands_of, settings_of, things_of
from tradebot.screens.remembering import Remembering
from tradebot.screens.window import Window

__all__ = ["Palette", "Ranked", "ranked"]

_PLACEHOLDER = "Search · > command  @ symbol  # strategy  : setting"
_MOST = 60
"""More than that nobody reads; one more letter finds what is further down."""
_PATIENCE_SECONDS = 1.0
_TITLE = 34
_KEY = 8
_MARGIN = 10


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entry that fits a search: how well (0 to 1), and which letters of its title did (start, end)."""

    entry: Entry
    score: float
    spans: tuple[tuple[int, int], ...] = ()


class _Window(CommandPalette, Window[None]):
    """Textual's own, whose list fails over a page key as long as it has not been laid out."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).size.height:
            super()._action_command_list(action)


class Palette:
    """What the palettes of one app have in common: what they asked the engine for, and what was used last."""

    def __init__(self, desk: Desk, remembering: Remembering) -> None:
        self._desk = desk
        self._remembering = remembering
        self._symbols: tuple[SymbolChoice, ...] = ()
        self._settings: tuple[SettingField, ...] = ()

    def open(self) -> None:
        """Show it, unless it is there, or a window that wants an answer first."""
        desk = self._desk
        if isinstance(desk.screen, CommandPalette):
            return
        if len(desk.screen_stack) > 1:
            desk.say("Esc closes this window; the palette works behind it.")
            return
        # Textual makes providers of whatever is called with a screen and a style.
        provider: Any = partial(_Offers, palette=self)
        desk.push_screen(_Window([lambda: provider], placeholder=_PLACEHOLDER, id="--command-palette"))

    async def load(self) -> None:
        """Ask what only the engine knows."""
        await asyncio.gather(self._load_settings(), self._load_symbols())

    async def _load_settings(self) -> None:
        view = await self._answer(GetSettings())
        self._settings = view.fields if view is not None else self._settings

    async def _load_symbols(self) -> None:
        if not self._symbols:
            self._symbols = tuple(await self._answer(GetSymbols()) or ())

    async def _answer(self, command: Command) -> Any:
        try:
            return await self._desk.ask(command)
        except TradebotError:
            return None  # without a network there are no symbols to collect

    def entries(self) -> list[Entry]:
        """Everything, as it is now."""
        return [
            *commands_of(self._desk),
            *things_of(self._desk, self._symbols),
            *settings_of(self._desk, self._settings),
        ]

    def first(self, entries: Sequence[Entry]) -> list[Entry]:
        """What is shown before anything is typed: what was used last, then the commands."""
        by_name = {entry.name: entry for entry in entries if entry.name}
        recent = [by_name[name] for name in self._remembering.recent if name in by_name]
        commands = [entry for entry in entries if entry.kind == "command" and entry not in recent]
        return [*recent, *sorted(commands, key=lambda entry: entry.last)]

    def search(self, entries: Sequence[Entry], query: str) -> list[Ranked]:
        """What fits, the best first."""
        return ranked(entries, query, self._remembering.recent)

    def run(self, entry: Entry) -> object:
        """Do it, and remember that it was wanted."""
        if entry.name and not entry.last:
            self._remembering.used(entry.name)
        return entry.run()


def ranked(entries: Sequence[Entry], query: str, recent: Sequence[str] = ()) -> list[Ranked]:
    """The entries that a search fits, the best first, at most sixty.

    All its words must be found: at the start of words before inside them, in the title before the explanation. A sign
    before it keeps one kind. What was used lately goes before, what ends something behind.
    """
    kind = KINDS.get(query[:1], "")
    words = (query[1:] if kind else query).lower().split()
    found: list[Ranked] = []
    for place, entry in enumerate(entries):
        if kind and entry.kind != kind:
            continue
        fits = _fit(entry, words)
        if fits is None:
            continue
        score, spans = fits
        if entry.name in recent:
            score += 0.15 * (1 - recent.index(entry.name) / len(recent))
        score = min(score * (0.2 if entry.last else 1.0), 1.0)
        found.append(Ranked(entry, max(score - place * 1e-7, 1e-6), spans))
    found.sort(key=lambda each: -each.score)
    return found[:_MOST]


def _fit(entry: Entry, words: Sequence[str]) -> tuple[float, tuple[tuple[int, int], ...]] | None:
    title = entry.title.lower()
    about = ""
    score = 0.0
    spans: list[tuple[int, int]] = []
    for word in words:
        at = title.find(word)
        if at < 0:
            about = about or entry.about.lower()
            if word not in about:
                return None
            score += 0.2
            continue
        inside = at
        while at > 0 and title[at - 1].isalnum():
            at = title.find(word, at + 1)
        at = inside if at < 0 else at
        starts = at == 0 or not title[at - 1].isalnum()
        whole = starts and (at + len(word) == len(title) or not title[at + len(word)].isalnum())
        score += 0.8 if whole else 0.7 if starts else 0.4
        spans.append((at, at + len(word)))
    return (score / len(words) if words else 0.5), tuple(spans)


class _Offers(Provider):
    """One opening of the palette."""

    def __init__(self, screen: Screen[Any], match_style: Style | None = None, *, palette: Palette) -> None:
        super().__init__(screen, match_style)
        self._palette = palette
        self._entries: list[Entry] = []
        self._loading: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Gather what there is; what the engine has to be asked for comes while the person types."""
        self._entries = self._palette.entries()
        self._loading = asyncio.create_task(self._load())

    async def _load(self) -> None:
        await self._palette.load()
        self._entries = self._palette.entries()

    async def search(self, query: str) -> Hits:
        """What fits, as it is typed. Only a search that would find nothing else waits for the engine, for a moment."""
        if self._loading is not None and not self._palette.search(self._entries, query):
            await asyncio.wait([self._loading], timeout=_PATIENCE_SECONDS)
        for hit in self._palette.search(self._entries, query):
            run = partial(self._palette.run, hit.entry)
            yield Hit(hit.score, self._line(hit.entry, hit.spans), run, hit.entry.title)

    async def discover(self) -> Hits:
        """What was used last, and the commands."""
        for entry in self._palette.first(self._entries):
            yield DiscoveryHit(self._line(entry), partial(self._palette.run, entry), entry.title)

    def _line(self, entry: Entry, spans: tuple[tuple[int, int], ...] = ()) -> Content:
        """Title, explanation and key in one row."""
        title = Content(entry.title)
        for start, end in spans:
            title = title.stylize(self.match_style or "bold underline", start, end)
        width = max(40, self.app.size.width - _MARGIN)
        room = max(0, width - max(_TITLE, len(entry.title)) - _KEY - 3)
        about = entry.about if len(entry.about) <= room else f"{entry.about[: max(0, room - 2)]}.."
        return Content.assemble(
            title,
            " " * (max(_TITLE - len(entry.title), 0) + 2),
            (about.ljust(room), "$dim"),
            (f" {entry.key:>{_KEY}}", "$accent"),
        )
