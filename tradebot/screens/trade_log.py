"""The trade log of a result as a sequence that fetches its rows window by window, when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from tradebot.engine.messages import TradePage, TradeRow

__all__ = ["WINDOW", "TradeLog"]

WINDOW = 200


class TradeLog(Sequence[TradeRow | None]):
    """Rows of a trade log, newest first; None for a row that is still being fetched.

    `request(offset)` is called once for each window that is wanted; `put` hands its rows over.
    """

    def __init__(self, total: int, request: Callable[[int], None]) -> None:
        self._total = total
        self._request = request
        self._pages: dict[int, tuple[TradeRow, ...]] = {}
        self._asked: set[int] = set()

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, index: int) -> TradeRow | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TradeRow | None]: ...
    def __getitem__(self, index: int | slice) -> TradeRow | Sequence[TradeRow | None] | None:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._total))]
        if not 0 <= index < self._total:
            raise IndexError(index)
        page, place = divmod(index, WINDOW)
        rows = self._pages.get(page)
        if rows is None:
            if page not in self._asked:
                self._asked.add(page)
                self._request(page * WINDOW)
            return None
        return rows[place] if place < len(rows) else None

    def put(self, page: TradePage) -> None:
        """Take the rows of a window."""
        self._pages[page.offset // WINDOW] = page.rows

    def forget(self, offset: int) -> None:
        """Let a window be asked for again, after it could not be had."""
        self._asked.discard(offset // WINDOW)
