"""The settings as a form shows them: every field with its kind, help, default and what it takes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.keys import flat_keys, read_keys
from tradebot.engine.control.settings import Settings, steps_of

_KEYS_TAKE = "a key such as f7, or several with commas"
_NOW = frozenset({"look.theme", "look.up_down", "keys", "alerts.system_notification"})


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting: `kind` is switch, integer, number, choice, list, table, keys or text; `takes` says what it takes.

    `at_once` tells that a saved value counts now; others count from the next start.
    """

    path: str
    section: str
    kind: str
    help: str
    default: str
    choices: tuple[str, ...] = ()
    takes: str = ""
    at_once: bool = False


def setting_specs() -> tuple[SettingSpec, ...]:
    """Every setting there is, in the order of the schema."""
    return tuple(_specs(Settings, ""))


def _specs(model: type[BaseModel], prefix: str) -> list[SettingSpec]:
    found: list[SettingSpec] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _specs(kind, f"{prefix}{name}.")
            continue
        path = f"{prefix}{name}"
        default = field.get_default(call_default_factory=True)
        found.append(
            SettingSpec(
                path,
                prefix.rstrip("."),
                _kind(field),
                field.description or "",
                text_of(default),
                tuple(str(each) for each in get_args(kind)) if get_origin(kind) is Literal else (),
                _takes(field),
                path in _NOW,
            )
        )
    return found


def _kind(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return "choice"
    if get_origin(kind) in {tuple, list}:
        return "list"
    if get_origin(kind) is dict:
        return "table"
    return {bool: "switch", int: "integer", float: "number"}.get(kind, "text")


def _takes(field: FieldInfo) -> str:
    """`above 0, at most 100`: the bounds of a number; what a list or table is written like."""
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = [
        f"{word} {getattr(each, name):g}"
        for each in field.metadata
        for name, word in words.items()
        if getattr(each, name, None) is not None
    ]
    kind = _kind(field)
    if kind == "list":
        return "texts with commas between them"
    if kind == "table":
        example = field.examples[0] if field.examples else '{ "1m" = "400d" }'
        return f"a table such as {example}"
    return ", ".join(bounds)


def text_of(value: Any) -> str:
    """A value as it is typed: `true`, `75`, `BTCUSDT, ETHUSDT`, `{ "1m" = "400d" }`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, tuple | list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f'"{name}" = {_quoted(each)}' for name, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return str(value)


def _quoted(value: Any) -> str:
    if isinstance(value, tuple):
        return _quoted(value[0]) if len(value) == 1 else f"[{', '.join(map(_quoted, value))}]"
    return f'"{value}"' if isinstance(value, str) else text_of(value)


def value_of(spec: SettingSpec, text: str) -> Any:
    """What a typed text means for a setting, before the schema checks it. Raises InputError for a broken table."""
    text = text.strip()
    if spec.kind == "keys":
        return list(read_keys(text))
    if spec.kind == "list":
        return [part.strip() for part in text.strip("[]").replace('"', "").split(",") if part.strip()]
    if spec.kind == "table":
        is_keys = spec.path == "keys"
        try:
            table = tomllib.loads(f"value = {text or '{}'}")["value"]
        except tomllib.TOMLDecodeError:
            raise InputError(f"{spec.path} must be {spec.takes}, was {text!r}.") from None
        return {name: list(read_keys(keys)) for name, keys in flat_keys(table).items()} if is_keys else table
    return text


def spec_of(path: str) -> SettingSpec:
    """The setting of that path. Raises InputError with the nearest name."""
    if path.startswith("keys.") and len(steps_of(path)) == 2:
        return SettingSpec(path, "keys", "keys", "keys of this action", "", takes=_KEYS_TAKE, at_once=True)
    specs = {spec.path: spec for spec in setting_specs()}
    if path not in specs:
        raise InputError(f"{path} is not a setting.{did_you_mean(path, specs)}")
    return specs[path]


def value_at(settings: Settings, path: str) -> Any:
    """The value of a setting."""
    if path.startswith("keys."):
        return settings.keys.get(path.removeprefix("keys."), ())
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value
