"""What a data folder knows of symbols beside their bars: trading rules, risk limits, holes of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.market import Category, DatasetKey, Instrument, RiskTier
from tradebot.engine.store.holes import Hole, read_holes, with_seen, write_holes
from tradebot.engine.store.instruments import read_instruments, write_instruments
from tradebot.engine.store.layout import Layout
from tradebot.engine.store.locks import FolderLock
from tradebot.engine.store.risk_limits import last_seen_ms, read_risk_limits, write_risk_limits


class Records:
    """The part of a `Store` that keeps small files, one of each kind for a category."""

    def __init__(self, layout: Layout, lock: FolderLock, read_only: bool) -> None:
        self.read_only = read_only
        self._layout = layout
        self._lock = lock

    def instruments(self) -> dict[tuple[Category, str], Instrument]:
        """The rules held of all instruments; InputError where a file is damaged."""
        found = {}
        for category in Category:
            for symbol, instrument in read_instruments(self._layout.instruments(category), category).items():
                found[category, symbol] = instrument
        return found

    def save_instruments(self, instruments: Sequence[Instrument], seen_ms: int) -> None:
        """Keep the rules of instruments with the date they were seen, in place of older ones."""
        self.check_writable()
        with self._lock.held():
            for category in Category:
                chosen = [instrument for instrument in instruments if instrument.category is category]
                if chosen:
                    write_instruments(self._layout.instruments(category), chosen, seen_ms)

    def risk_limits(self, category: Category) -> dict[str, tuple[RiskTier, ...]]:
        """The risk limits held of a category, by symbol; InputError where the file is damaged."""
        return read_risk_limits(self._layout.risk_limits(category))

    def risk_limits_seen_ms(self, category: Category) -> int | None:
        """When risk limits of a category were last kept, None where none are held."""
        return last_seen_ms(self._layout.risk_limits(category))

    def save_risk_limits(
        self, category: Category, tiers: Mapping[str, tuple[RiskTier, ...]], seen_ms: int
    ) -> None:
        """Keep risk limits with the date they were seen, in place of older ones of the same symbols."""
        self.check_writable()
        with self._lock.held():
            write_risk_limits(self._layout.risk_limits(category), tiers, seen_ms)

    def holes(self, key: DatasetKey) -> tuple[Hole, ...]:
        """Ranges that the exchange was seen to have no bars of, rising; InputError where the file is damaged."""
        self._layout.bars(key)
        return read_holes(self._layout.holes(Category(key.category))).get(key.name, ())

    def all_holes(self) -> dict[DatasetKey, tuple[Hole, ...]]:
        """The holes of every dataset that has some, sorted; InputError where a file is damaged."""
        found = {}
        for category in Category:
            for name, holes in read_holes(self._layout.holes(category)).items():
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
            known = read_holes(file)
            before = known.get(key.name, ())
            after = change(before)
            if after != before:
                write_holes(file, {**known, key.name: after})

    def check_writable(self) -> None:
        """ShortfallError where the folder is open for reading only."""
        if self.read_only:
            raise ShortfallError(f"{self._layout.folder} is open for reading only; nothing was written.")
