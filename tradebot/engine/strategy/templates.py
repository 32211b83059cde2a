"""Strategies to begin with: files of a folder whose note says when they earn, and what they made on stored data."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.library import read_text
from tradebot.engine.strategy.registry import Registry

_NEW = """\
[strategy]
name = "New strategy"
category = "linear"
symbols = [{symbols}]
timeframe = "15m"

[entry]
combine = "unanimous"
signals = []

[risk]
sizing = {{ use = "equity", percent = 50 }}
stop_loss = {{ use = "atr", length = 14, multiple = 2.0 }}
"""
_FIGURES = re.compile(r"\bFigures:\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its file's name, its title, and its note without and with the figures."""

    name: str
    title: str
    note: str
    figures: str


class Templates:
    """The templates of a folder that may be missing, in the order of their files' names.

    A note such as "Earns in trends. Figures: BTCUSDT 15m 2024: 212 trades, +18 %." is parted at "Figures:".
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Template]:
        """Every template that can be read."""
        found = []
        for path in self._files().values():
            try:
                head = tomllib.loads(read_text(path)).get("strategy", {})
            except (tomllib.TOMLDecodeError, InputError):
                continue
            note, figures = _parted(str(head.get("note", "")))
            found.append(Template(path.stem, str(head.get("name", path.stem)), note, figures))
        return found

    def text(self, name: str, registry: Registry, symbol: str = "") -> str:
        """The text of a new strategy made from a template, on another symbol where one is given.

        The figures are left out: they are those of the template, not of what becomes of it. Raises InputError where
        there is no such template.
        """
        files = self._files()
        if name not in files:
            raise InputError(f"There is no template {name}.{did_you_mean(name, files)}")
        text = read_text(files[name])
        try:
            note = str(tomllib.loads(text).get("strategy", {}).get("note", ""))
        except tomllib.TOMLDecodeError:
            raise InputError(f"The template {files[name]} is no valid TOML.") from None
        plain, figures = _parted(note)
        if figures:
            text = apply_edit(text, FormEdit("note", "strategy", plain), registry)
        return apply_edit(text, FormEdit("set", "strategy.symbols", symbol), registry) if symbol else text

    def _files(self) -> dict[str, Path]:
        paths = sorted(self._folder.glob("*.toml")) if self._folder.is_dir() else []
        return {path.stem: path for path in paths}


def new_strategy(symbol: str = "") -> str:
    """The text of a strategy that is only begun: a market, the usual size and stop, and no rule yet."""
    return _NEW.format(symbols=f'"{symbol}"' if symbol else "")


def _parted(note: str) -> tuple[str, str]:
    """A note and the figures in it."""
    parts = _FIGURES.split(note, maxsplit=1)
    return parts[0].strip(), parts[1].strip() if len(parts) > 1 else ""
