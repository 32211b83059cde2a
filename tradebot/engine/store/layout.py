"""Where everything stands inside a data folder, and which names are let in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Category, DatasetKey, Timeframe, is_symbol

_BAR_FILE = re.compile(
    r"(?P<symbol>[A-Z0-9][A-Z0-9.-]*)_(?P<timeframe>[0-9]+[mhdw])(?P<mark>_mark)?\.csv"
    r"(?P<side>\.journal|\.staged)?"
)


@dataclass(frozen=True, slots=True)
class TableKind:
    """One layout of CSV: its columns in order; the last may be empty where `optional_last`."""

    columns: tuple[str, ...]
    optional_last: bool

    @property
    def header(self) -> bytes:
        """The first line, with its line end."""
        return (",".join(self.columns) + "\n").encode()


BARS = TableKind(("timestamp", "open", "high", "low", "close", "volume", "turnover"), optional_last=True)
MARK_BARS = TableKind(("timestamp", "open", "high", "low", "close"), optional_last=False)
FUNDING = TableKind(("timestamp", "funding_rate"), optional_last=False)


def kind_of(key: DatasetKey) -> TableKind:
    """The layout of a dataset's file: mark prices have neither volume nor turnover."""
    return MARK_BARS if key.mark else BARS


def table_kind(path: Path) -> TableKind:
    """The layout of the table at `path`, by its name."""
    if path.name.endswith("_funding.csv"):
        return FUNDING
    return MARK_BARS if path.name.endswith("_mark.csv") else BARS


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells one state of a file from another without reading it."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Stamp of a status."""
        return cls(status.st_size, status.st_mtime_ns)


def stamp_of(path: Path) -> FileStamp | None:
    """Stamp of the file, None where there is none."""
    try:
        return FileStamp.of(path.stat())
    except FileNotFoundError:
        return None


@lru_cache(maxsize=8192)
def journal_of(path: Path) -> Path:
    """Where rows wait while `path` is locked by another program."""
    return path.with_name(path.name + ".journal")


@lru_cache(maxsize=8192)
def staged_of(path: Path) -> Path:
    """Where rows are gathered that one replacement of `path` is to take in."""
    return path.with_name(path.name + ".staged")


def quarantine_of(path: Path) -> Path:
    """Where text taken out of `path` is kept."""
    return path.with_name(path.name + ".quarantine")


def checked_category(name: str) -> Category:
    """The category of that name; InputError with the known names."""
    names = [category.value for category in Category]
    if name not in names:
        raise InputError(
            f'"{name}" is not a category; expected one of {", ".join(names)}.{did_you_mean(name, names)}'
        )
    return Category(name)


def checked_symbol(name: str) -> str:
    """The symbol, if its characters can be one; InputError else."""
    if not is_symbol(name) or "_" in name:
        raise InputError(
            f'"{name}" cannot be a symbol; expected upper-case letters and digits such as BTCUSDT, at most 40.'
        )
    return name


def checked_timeframe(name: str) -> Timeframe:
    """The timeframe of that name; InputError with the known names."""
    names = Timeframe.names()
    if name not in names:
        raise InputError(
            f'"{name}" is not a timeframe; expected one of {", ".join(names)}.{did_you_mean(name, names)}'
        )
    return Timeframe(name)


@dataclass(frozen=True, slots=True)
class BarFile:
    """One dataset's file and its state (of no bytes where there is none yet); `waiting` where rows wait beside it."""

    key: DatasetKey
    path: Path
    stamp: FileStamp
    waiting: bool


class Layout:
    """The paths of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / ".source.json"
        self.lock = folder / ".lock"
        self.inventory = folder / ".inventory.json"
        self._bars: dict[DatasetKey, Path] = {}

    def bars(self, key: DatasetKey) -> Path:
        """The CSV of a dataset; InputError for a key whose parts cannot be."""
        path = self._bars.get(key)
        if path is None:
            checked_category(key.category)
            checked_symbol(key.symbol)
            checked_timeframe(key.timeframe_name)
            path = self._bars[key] = self.folder / key.category / key.file_name
        return path

    def funding(self, category: Category, symbol: str) -> Path:
        """The CSV of a symbol's funding payments."""
        return self.folder / category.value / f"{checked_symbol(symbol)}_funding.csv"

    def instruments(self, category: Category) -> Path:
        """The rules of a category's instruments."""
        return self.folder / category.value / "instruments.json"

    def holes(self, category: Category) -> Path:
        """The holes that the exchange itself has."""
        return self.folder / category.value / "holes.json"

    def risk_limits(self, category: Category) -> Path:
        """The risk limits of a category's symbols."""
        return self.folder / category.value / "risk_limits.json"

    def cache(self, path: Path) -> Path:
        """The folder that holds the column cache of one CSV."""
        return path.parent / ".cache" / path.name.removesuffix(".csv")

    def bar_files(self) -> list[BarFile]:
        """Every dataset of the folder with the state of its file, sorted by key."""
        timeframes = frozenset(Timeframe.names())
        found: dict[DatasetKey, BarFile] = {}
        waiting: set[DatasetKey] = set()
        for category in Category:
            try:
                entries = os.scandir(self.folder / category.value)
            except (FileNotFoundError, NotADirectoryError):
                continue
            with entries:
                for entry in entries:
                    match = _BAR_FILE.fullmatch(entry.name)
                    if match is None or match["timeframe"] not in timeframes:
                        continue
                    mark = match["mark"] is not None
                    key = DatasetKey(category.value, match["symbol"], match["timeframe"], mark)
                    if match["side"]:
                        waiting.add(key)
                        continue
                    path = Path(entry.path)
                    # On Windows the entry's own status may lag behind a file that is being written.
                    stamp = stamp_of(path)
                    if stamp is not None:
                        found[key] = BarFile(key, path, stamp, False)
        for key in waiting:
            held = found.get(key)
            path, stamp = (held.path, held.stamp) if held else (self.bars(key), FileStamp(0, 0))
            found[key] = BarFile(key, path, stamp, True)
        return sorted(found.values(), key=lambda file: file.key)
