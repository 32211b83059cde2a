"""What a data folder knows of symbols beside their bars: trading rules, risk limits, holes of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.market import Category, DatasetKey, Instrument, RiskTier
from tradebot.engine.store.holes import Hole, read_holes, with_seen, write_holes
from tradebot.engine.store.instruments import read_instruments, write_instruments
from tradebot.engine.store.json_files import DamagedTableError, put_aside
from tradebot.engine.store.layout import FileStamp, Layout, stamp_of
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.notices import Notices
from tradebot.engine.store.risk_limits import last_seen_ms, read_risk_limits, write_risk_limits

_Table = TypeVar("_Table")


class Records:
    """The part of a `Store` that keeps small files, one of each kind for a category.

    A damaged one is put aside with a notice and asked again; where nothing may be written, nothing of it is known.
    """

    def __init__(self, layout: Layout, lock: FolderLock, notices: Notices, read_only: bool) -> None:
        self.read_only = read_only
        self._layout = layout
        self._lock = lock
        self._notices = notices
        self._told_damaged: set[Path] = set()
        self._held_instruments: dict[Category, tuple[FileStamp | None, dict[str, Instrument]]] = {}

    def instruments(self) -> dict[tuple[Category, str], Instrument]:
        """The rules held of all instruments."""
        return {
            (category, symbol): instrument
            for category in Category
            for symbol, instrument in self._instruments(category).items()
        }

    def save_instruments(self, instruments: Sequence[Instrument], seen_ms: int) -> None:
        """Keep the rules of instruments with the date they were seen, in place of older ones."""
        self.check_writable()
        with self._lock.held():
            for category in Category:
                chosen = [instrument for instrument in instruments if instrument.category is category]
                if chosen:
                    self._instruments(category)  # puts a damaged file aside
                    write_instruments(self._layout.instruments(category), chosen, seen_ms)
                    self._held_instruments.pop(category, None)

    def risk_limits(self, category: Category) -> dict[str, tuple[RiskTier, ...]]:
        """The risk limits held of a category, by symbol."""
        return self._known(lambda: read_risk_limits(self._layout.risk_limits(category)), {})

    def risk_limits_seen_ms(self, category: Category) -> int | None:
        """When risk limits of a category were last kept, None where none are held."""
        self.risk_limits(category)  # puts a damaged file aside
        return self._known(lambda: last_seen_ms(self._layout.risk_limits(category)), None)

    def save_risk_limits(
        self, category: Category, tiers: Mapping[str, tuple[RiskTier, ...]], seen_ms: int
    ) -> None:
        """Keep risk limits with the date they were seen, in place of older ones of the same symbols."""
        self.check_writable()
        with self._lock.held():
            self.risk_limits(category)  # puts a damaged file aside
            write_risk_limits(self._layout.risk_limits(category), tiers, seen_ms)

    def holes(self, key: DatasetKey) -> tuple[Hole, ...]:
        """Ranges that the exchange was seen to have no bars of, rising."""
        self._layout.bars(key)
        return self.holes_by_name(Category(key.category)).get(key.name, ())

    def holes_by_name(self, category: Category) -> dict[str, tuple[Hole, ...]]:
        """The holes of a category by dataset name (`BTCUSDT_1m`)."""
        return self._known(lambda: read_holes(self._layout.holes(category)), {})

    def all_holes(self) -> dict[DatasetKey, tuple[Hole, ...]]:
        """The holes of every dataset that has some, sorted."""
        found = {}
        for category in Category:
            for name, holes in self.holes_by_name(category).items():
                try:
                    found[DatasetKey.parse(f"{category.value}/{name}")] = holes
                except ValueError:
                    continue  # written by hand; it names no dataset of ours
        return dict(sorted(found.items()))

    def remember_holes(self, key: DatasetKey, ranges: Sequence[tuple[int, int]], seen_ms: int) -> None:
        """Note half-open ranges of open times that the exchange has no bars of."""
        self._change_holes(key, lambda known: with_seen(known, ranges, seen_ms))

    def forget_holes(self, key: DatasetKey) -> None:
        """Forget a dataset's holes, so that they are asked for again."""
        self._change_holes(key, lambda _: ())

    def _change_holes(self, key: DatasetKey, change: Callable[[tuple[Hole, ...]], tuple[Hole, ...]]) -> None:
        self.check_writable()
        self._layout.bars(key)
        file = self._layout.holes(Category(key.category))
        with self._lock.held():
            known = self.holes_by_name(Category(key.category))
            before = known.get(key.name, ())
            after = change(before)
            if after != before:
                write_holes(file, {**known, key.name: after})

    def _instruments(self, category: Category) -> dict[str, Instrument]:
        """Read again only when the file changed: 600 instruments take some milliseconds."""
        path = self._layout.instruments(category)
        stamp = stamp_of(path)
        held = self._held_instruments.get(category)
        if held is None or held[0] != stamp:
            held = stamp, self._known(lambda: read_instruments(path, category), {})
            self._held_instruments[category] = held
        return held[1]

    def _known(self, read: Callable[[], _Table], nothing: _Table) -> _Table:
        """What is read, or nothing where the file is damaged, which is put aside and said."""
        try:
            return read()
        except DamagedTableError as error:
            damaged = error
        if self.read_only:
            self._tell_damaged(damaged, "this folder is open for reading only")
            return nothing
        try:
            return self._read_or_put_aside(read, nothing)
        except ShortfallError as error:
            self._tell_damaged(damaged, f"the file cannot be put aside: {error.sentence.rstrip('.')}")
            return nothing

    def _read_or_put_aside(self, read: Callable[[], _Table], nothing: _Table) -> _Table:
        with self._lock.held():
            try:
                return read()  # another process may have put it in order meanwhile
            except DamagedTableError as error:
                aside = put_aside(error.path)
                self._notices.add(
                    f"{error.damage}; the file was put aside as {aside.name}, and what it held is asked of the "
                    "exchange again."
                )
                return nothing

    def _tell_damaged(self, error: DamagedTableError, why: str) -> None:
        """Once for each file: it stays as it is and is read many times."""
        if error.path not in self._told_damaged:
            self._told_damaged.add(error.path)
            self._notices.add(f"{error.damage}; the work goes on without it, and {why}.")

    def check_writable(self) -> None:
        """ShortfallError where the folder is open for reading only."""
        if self.read_only:
            raise ShortfallError(f"{self._layout.folder} is open for reading only; nothing was written.")
