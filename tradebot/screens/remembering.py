"""What the screens looked like, as plain values that outlive the app: the open area, and what was chosen in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["Kept", "Remembering", "ScreenMemory", "Value"]

Value = str | int | bool | list[str] | None
"""What an area may remember under a name."""

_AREAS, _OPEN, _LOOK, _RECENT = "areas", "open", "look", "recent"
_MOST_RECENT = 12


class ScreenMemory(Protocol):
    """Where the state of the screens is kept between two sessions. Reading and writing happen elsewhere."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last session left; empty where there was none."""
        ...

    def keep(self, state: Mapping[str, Any]) -> None:
        """Take the state to be written. Returns at once."""
        ...


class Kept:
    """The values an area remembered, each checked as it is taken out: a file can hold anything."""

    def __init__(self, values: object = None) -> None:
        self._values: Mapping[Any, object] = values if isinstance(values, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, name: str, default: str = "") -> str:
        """A text, the default where there is none."""
        value = self._values.get(name)
        return value if isinstance(value, str) else default

    def number(self, name: str) -> int | None:
        """A whole number, None where there is none."""
        value = self._values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false, the default where there is neither."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Several texts; what is none is left out."""
        value = self._values.get(name)
        return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()

    def part(self, name: str) -> Kept:
        """What is kept under a name as values of its own."""
        return Kept(self._values.get(name))


class Remembering:
    """The state of all screens: begun with what the last session left, handed over whenever it has changed."""

    def __init__(self, memory: ScreenMemory | None) -> None:
        self._memory = memory
        state = Kept(memory.state if memory is not None else None)
        self._open = state.text(_OPEN)
        self._areas: dict[str, object] = {}
        if memory is not None and isinstance(memory.state.get(_AREAS), Mapping):
            self._areas = dict(memory.state[_AREAS])
        self._look = state.texts(_LOOK)
        self.recent: tuple[str, ...] = state.texts(_RECENT)[:_MOST_RECENT]
        """The commands that were used last, the newest first, by their names."""
        self._given = self._document()

    def area_to_open(self, known: Iterable[str], usual: str) -> str:
        """The area that was open last, the usual one where none was, the first that is known where that is not."""
        areas = tuple(known)
        return next(area for area in (self._open, usual, *areas) if area in areas)

    def of(self, area: str) -> Kept:
        """What an area remembered."""
        return Kept(self._areas.get(area))

    def look(self, settings: tuple[str, str]) -> tuple[str, str]:
        """Theme and pair as they were chosen in passing, unless the settings have been changed since."""
        if len(self._look) == 4 and self._look[2:] == settings:
            return self._look[0], self._look[1]
        return settings

    def used(self, command: str) -> None:
        """A command of the palette was used."""
        self.recent = (command, *(each for each in self.recent if each != command))[:_MOST_RECENT]

    def note(self, area: str, values: Mapping[str, Value], look: tuple[str, ...]) -> None:
        """Take the state of the area that is shown, and hand all of it over where it is another one."""
        self._open = area
        self._areas[area] = dict(values)
        if look:
            self._look = look
        document = self._document()
        if self._memory is not None and document != self._given:
            self._given = document
            self._memory.keep(document)

    def _document(self) -> dict[str, Any]:
        return {
            _OPEN: self._open,
            _AREAS: dict(self._areas),
            _LOOK: list(self._look),
            _RECENT: list(self.recent),
        }
