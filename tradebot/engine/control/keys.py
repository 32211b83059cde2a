"""Keys as a person writes them (`f7`, `^s`, `?`), by the names that the screens use, and those a terminal keeps."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from tradebot.engine.control.errors import InputError, did_you_mean

__all__ = ["flat_keys", "is_typed", "read_key", "read_keys", "shown_key", "split_keys"]

_ALIASES = {
    "esc": "escape",
    "del": "delete",
    "ins": "insert",
    "return": "enter",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "page_down": "pagedown",
}
_MOVING = frozenset({"up", "down", "left", "right", "home", "end", "pageup", "pagedown"})
_FUNCTION = frozenset(f"f{number}" for number in range(1, 13))
_NAMED = _MOVING | _FUNCTION | {"enter", "tab", "escape", "space", "delete", "insert", "backspace"}
_CTRL_LETTERS = frozenset("abdegklnopqrstuwy")
_COMMON = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_SHOWN = {
    "enter": "Enter",
    "tab": "Tab",
    "escape": "Esc",
    "space": "Space",
    "delete": "Del",
    "insert": "Ins",
    "backspace": "Backspace",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
_TAKEN = {
    "ctrl+h": "is Backspace in most terminals",
    "ctrl+i": "is Tab in most terminals",
    "ctrl+j": "is the end of a line in most terminals",
    "ctrl+m": "is Enter in most terminals",
    "ctrl+left_square_bracket": "is Esc in most terminals",
    "ctrl+c": "copies or interrupts in most terminals",
    "ctrl+v": "pastes in Windows Terminal",
    "ctrl+x": "cuts in fields of text",
    "ctrl+z": "puts a program to sleep in most terminals",
    "ctrl+f": "searches in some terminals",
    "ctrl+tab": "goes to the next tab of Windows Terminal",
    "ctrl+shift+tab": "goes to the tab before in Windows Terminal",
    "ctrl+comma": "opens the settings of Windows Terminal",
    "ctrl+plus": "makes the letters of Windows Terminal larger",
    "ctrl+minus": "makes the letters of Windows Terminal smaller",
    "ctrl+0": "brings the letters of Windows Terminal back to their size",
    "alt+enter": "fills the screen with Windows Terminal",
    "f11": "fills the screen with Windows Terminal",
}


def _character_name(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _COMMON.get(name, name)


_CHARACTERS = {_character_name(chr(code)): chr(code) for code in range(33, 127) if not chr(code).isalnum()}


def is_typed(key: str) -> bool:
    """Whether a field of text takes that key as a character."""
    return len(key) == 1 or key == "space" or key in _CHARACTERS


def shown_key(key: str) -> str:
    """A key as short as the footer shows it: `^s`, `F7`, `?`, `Enter`."""
    *modifiers, base = key.split("+")
    shown = _SHOWN.get(base) or _CHARACTERS.get(base) or (base.upper() if base in _FUNCTION else base)
    if modifiers == ["ctrl"]:
        return f"^{shown}"
    return "+".join((*(modifier.capitalize() for modifier in modifiers), shown))


def read_key(text: str) -> str:
    """The name of a key that is written as a person would. Raises InputError where no key, or none for us."""
    given = text.strip() if text != " " else "space"
    if len(given) == 2 and given[0] == "^":
        given = f"ctrl+{given[1].lower()}"
    if given == "+" or given.endswith("++"):
        given = f"{given[:-1]}plus"
    *modifiers, base = given.split("+") if given else [""]
    modifiers = sorted(modifier.strip().lower() for modifier in modifiers)
    base = base.strip()
    if len(base) == 1:
        base = _character_name(base.lower() if modifiers and "shift" not in modifiers else base)
    else:
        base = base.lower().replace(" ", "_").replace("-", "_")
        base = _ALIASES.get(base, _COMMON.get(base, base))
    if modifiers == ["shift"] and len(base) == 1:
        return base.upper()
    key = "+".join((*modifiers, base))
    if base == "tab" and key == "shift+tab":
        return key
    is_key = len(base) == 1 or base in _NAMED or base in _CHARACTERS
    if not is_key or not {"alt", "ctrl", "shift"}.issuperset(modifiers):
        raise InputError(
            f"{text!r} is no key; write one such as f7, n, N, ? or ctrl+s.{did_you_mean(key, _every_name())}"
        )
    _refuse_taken(key, modifiers, base)
    return key


def _every_name() -> list[str]:
    return sorted({*_NAMED, *_CHARACTERS, *_ALIASES, *(f"ctrl+{letter}" for letter in _CTRL_LETTERS)})


def _refuse_taken(key: str, modifiers: Sequence[str], base: str) -> None:
    why = _TAKEN.get(key, "")
    if not why and "alt" in modifiers:
        why = "is taken by menus and panes of many terminals"
    if not why and modifiers == ["ctrl", "shift"]:
        why = "is taken by Windows Terminal, or not told from the same key without shift"
    if not why and modifiers == ["ctrl"] and base not in _CTRL_LETTERS and base not in _MOVING:
        why = "is not told apart by every terminal"
    if not why and modifiers == ["shift"] and base not in _MOVING:
        why = "is not told apart by every terminal"
    if why:
        raise InputError(
            f"{key} {why}; take a letter, a digit, F1 to F10, F12 or ctrl with a b d e g k l n o p q r s t u w y."
        )


def split_keys(value: Any) -> Any:
    """One key or a list of keys as texts, as settings hold them; anything else is given back as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, str):
        alone = value.strip() == "," or "," not in value
        value = [value] if alone else value.split(",")
    if isinstance(value, list | tuple):
        return tuple(str(each).strip() or "space" for each in value if str(each))
    return value


def read_keys(value: Any) -> tuple[str, ...]:
    """The keys of an action by their names. Raises InputError where there is none, or one cannot be used."""
    given = split_keys(value)
    if not isinstance(given, tuple) or not given:
        raise InputError(f"{value!r} names no key; write one such as f7, or several with commas.")
    return tuple(dict.fromkeys(read_key(each) for each in given))


def flat_keys(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys by the whole name of their action: in TOML `chart.symbol = "f7"` without quotes is a table in a table."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= flat_keys(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
