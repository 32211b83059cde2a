"""Every key of the app, read from the classes' own bindings: what it does, where, and what it would clash with."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import PurePath

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, TextArea

import tradebot.screens
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.keys import is_typed, read_keys, shown_key
from tradebot.engine.messages import KeyChoice
from tradebot.screens.area import Area
from tradebot.screens.key_places import OURS, named_in

__all__ = ["Clash", "KeyAction", "KeyBook", "key_book", "shown_keys"]

_PLACES = {"app": "everywhere", "area": "every area", "table": "every table", "lines": "every text"}


@dataclass(frozen=True, slots=True)
class KeyAction:
    """What keys do: `keys` are the default ones by Textual's names, `place` says in words where they work.

    `while_typing` tells that it also works in a field of text, where a letter would be typed instead.
    """

    binding_id: str
    keys: tuple[str, ...]
    does: str
    place: str
    while_typing: bool


@dataclass(frozen=True, slots=True)
class Clash:
    """One key for two actions that work in the same place; the first was given the key, the second has it."""

    key: str
    wanted: KeyAction
    holder: KeyAction

    @property
    def sentence(self) -> str:
        """The clash, and the way out of it."""
        return (
            f'{shown_key(self.key)} is taken: "{self.holder.does}" ({self.holder.binding_id}) works in the same '
            "place. Take another key, or give that one another first."
        )


@dataclass(frozen=True, slots=True)
class _Use:
    """A binding as one class has it."""

    owner: type[DOMNode]
    binding_id: str
    keys: tuple[str, ...]


def shown_keys(keys: Iterable[str]) -> str:
    """Keys as the screens show them, with blanks between."""
    return " ".join(shown_key(key) for key in keys)


class KeyBook:
    """All actions with a key, by the id of their binding, and the rules for giving them other keys.

    `owners` are the classes whose bindings count, in the order they were found.
    """

    def __init__(self, owners: Iterable[type[DOMNode]]) -> None:
        self.owners = tuple(owners)
        self._uses = tuple(_uses_of(self.owners))
        self._inside: dict[type[DOMNode], frozenset[type[DOMNode]]] = {}
        self._pairs: dict[tuple[type[DOMNode], type[DOMNode]], bool] = {}
        self.actions: dict[str, KeyAction] = {}
        for owner in self.owners:
            for binding in _own_bindings(owner):
                self._take(owner, binding)

    def _take(self, owner: type[DOMNode], binding: Binding) -> None:
        name = binding.id or ""
        keys = _keys_of(binding)
        before = self.actions.get(name)
        if before is not None:  # the same one in a class beside it, or several lines of one action
            keys = tuple(dict.fromkeys((*before.keys, *keys)))
        prefix = name.partition(".")[0]
        place = _PLACES.get(prefix, prefix.capitalize())
        self.actions[name] = KeyAction(
            name, keys, before.does if before is not None else binding.description, place,
            binding.priority or _takes_letters(owner, keys) or (before is not None and before.while_typing),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ other keys

    def read(self, choices: Iterable[KeyChoice]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
        """Keys by binding id for what can be used of the choices, and a sentence for each one that is left out."""
        keymap: dict[str, tuple[str, ...]] = {}
        problems: list[str] = []
        choices = tuple(choices)
        sources = {choice.binding_id: choice.source for choice in choices}
        for choice in choices:
            try:
                keymap[choice.binding_id] = self.checked(choice.binding_id, choice.keys)
            except InputError as error:
                problems.append(_told(choice.binding_id, choice.source, error.sentence))
        while clashes := self.clashes(keymap):
            clash = clashes[-1]
            name = clash.wanted.binding_id
            del keymap[name]
            problems.append(_told(name, sources[name], clash.sentence))
        return keymap, tuple(problems)

    def checked(self, binding_id: str, keys: object) -> tuple[str, ...]:
        """The names of an action's new keys. Raises InputError where there is no such action or no such key."""
        action = self.actions.get(binding_id)
        if action is None:
            near = did_you_mean(binding_id, self.actions)
            raise InputError(f"There is no action {binding_id}.{near} tradebot config show keys lists them.")
        read = read_keys(keys)
        for key in read:
            if action.while_typing and is_typed(key):
                raise InputError(
                    f'{shown_key(key)} is typed into fields of text, where "{action.does}" works too; '
                    "take F1 to F10, F12 or a key with ctrl."
                )
        return read

    def would_clash(self, binding_id: str, keys: object, keymap: Mapping[str, tuple[str, ...]]) -> str:
        """What is wrong with new keys for an action beside those of `keymap`, as a sentence; "" where nothing is."""
        try:
            wanted = self.checked(binding_id, keys)
        except InputError as error:
            return error.sentence
        found = (
            clash
            for clash in self.clashes({**keymap, binding_id: wanted})
            if binding_id in {clash.wanted.binding_id, clash.holder.binding_id}
        )
        clash = next(found, None)
        if clash is None:
            return ""
        if clash.wanted.binding_id != binding_id:
            clash = Clash(clash.key, clash.holder, clash.wanted)
        return clash.sentence

    def clashes(self, keymap: Mapping[str, tuple[str, ...]]) -> list[Clash]:
        """Keys that would have two meanings in one place. A key that a pane takes from its area by default has none."""
        order = {name: number for number, name in enumerate(keymap)}
        by_key: dict[str, list[_Use]] = {}
        for use in self._uses:
            for key in keymap.get(use.binding_id, use.keys):
                by_key.setdefault(key, []).append(use)
        found: dict[tuple[str, str, str], int] = {}
        for key, uses in by_key.items():
            for one, other in combinations(uses, 2):
                names = sorted((one.binding_id, other.binding_id), key=lambda name: order.get(name, -1))
                is_new = names[1] in keymap and not set(one.keys) & set(other.keys)
                if names[0] != names[1] and is_new and self._meet(one.owner, other.owner):
                    found[key, names[1], names[0]] = order[names[1]]
        return [
            Clash(key, self.actions[wanted], self.actions[holder])
            for key, wanted, holder in sorted(found, key=lambda each: found[each])
        ]

    def default_clashes(self) -> list[Clash]:
        """Two actions of one class on the same key, and keys of the app or of every area taken by what is inside."""
        found: list[Clash] = []
        for one, other in combinations(self._uses, 2):
            shared = sorted(set(one.keys) & set(other.keys))
            if not shared or one.binding_id == other.binding_id or not self._meet(one.owner, other.owner):
                continue
            is_same = one.owner is other.owner
            wide = [use for use in (one, other) if use.owner is Area or issubclass(use.owner, App)]
            if is_same or (wide and not issubclass(one.owner, Input) and not issubclass(other.owner, Input)):
                holder, wanted = (one, other) if one in wide else (other, one)
                found.append(
                    Clash(shared[0], self.actions[wanted.binding_id], self.actions[holder.binding_id])
                )
        return found

    # ------------------------------------------------------------------------------------------ places

    def _meet(self, one: type[DOMNode], other: type[DOMNode]) -> bool:
        """Whether bindings of both classes can be alive at the same time: one inside the other."""
        pair = (one, other)
        if pair not in self._pairs:
            self._pairs[pair] = self._holds(one, other) or self._holds(other, one)
        return self._pairs[pair]

    def _holds(self, outer: type[DOMNode], inner: type[DOMNode]) -> bool:
        forms, wanted = self._forms(outer), set(self._forms(inner))
        if wanted.intersection(forms):
            return True
        if issubclass(outer, App):
            return any(wanted & {area, *self._within(area)} for area in self._areas)
        return any(wanted & self._within(form) for form in forms)

    def _forms(self, owner: type[DOMNode]) -> list[type[DOMNode]]:
        """The classes that have the bindings of a class."""
        return [each for each in self.owners if issubclass(each, owner)]

    @cached_property
    def _areas(self) -> tuple[type[DOMNode], ...]:
        return tuple(owner for owner in self.owners if issubclass(owner, Area))

    def _within(self, outer: type[DOMNode]) -> frozenset[type[DOMNode]]:
        """What may stand inside a class: the widgets that its code names, and those inside them."""
        if outer not in self._inside:
            found: set[type[DOMNode]] = set()
            waiting = [outer]
            while waiting:
                for named in named_in(waiting.pop()):
                    if named not in found and not issubclass(named, Screen | App | Area):
                        found.add(named)
                        waiting.append(named)
            self._inside[outer] = frozenset(found)
        return self._inside[outer]


def key_book() -> KeyBook:
    """The book of all screens; imports those that were not visited yet."""
    for module in pkgutil.walk_packages(tradebot.screens.__path__, f"{tradebot.screens.__name__}."):
        importlib.import_module(module.name)
    owners = {owner: None for owner in _subclasses(DOMNode) if owner.__module__.startswith(OURS)}
    return KeyBook(owners)


def _told(name: str, source: str, sentence: str) -> str:
    where = PurePath(source).name if "." in source else source
    return f"{where}: keys.{name} is left out. {sentence}"


def _subclasses(owner: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for each in owner.__subclasses__():
        yield each
        yield from _subclasses(each)


def _own_bindings(owner: type[DOMNode]) -> Iterator[Binding]:
    for binding in vars(owner).get("BINDINGS", ()):
        if isinstance(binding, Binding) and binding.id:
            yield binding


def _keys_of(binding: Binding) -> tuple[str, ...]:
    return tuple(key.strip() for key in binding.key.split(","))


def _uses_of(owners: Iterable[type[DOMNode]]) -> Iterator[_Use]:
    for owner in owners:
        by_id: dict[str, tuple[str, ...]] = {}
        for binding in _own_bindings(owner):
            name = binding.id or ""
            by_id[name] = (*by_id.get(name, ()), *_keys_of(binding))
        for name, keys in by_id.items():
            yield _Use(owner, name, keys)


def _takes_letters(owner: type[DOMNode], keys: tuple[str, ...]) -> bool:
    """Whether the class is a field of text, or a window around some whose keys are no letters."""
    if issubclass(owner, Input | TextArea):
        return True
    return issubclass(owner, Screen) and not any(map(is_typed, keys))
