"""What the data commands share: the store of the run, its one writer, and the datasets that are meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tradebot.commands.context import Context, print_note
from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from tradebot.engine.market import DatasetKey
    from tradebot.engine.store import Store

PATTERN_MARKS = "*?["


def open_store(context: Context) -> Store:
    """The store of this run's data folder."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store import Store

    return Store(context.folders.data, SystemClock())


@contextmanager
def writing_store(context: Context, who: str) -> Iterator[Store]:
    """The store while this command is the folder's one writer; FolderInUseError where another program is."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store import claim_writer

    with claim_writer(context.folders.data, who, SystemClock()):
        store = open_store(context)
        yield store
        tell_notices(store)


def tell_notices(store: Store) -> None:
    """What the store has to say beside the answer."""
    for sentence in store.notices():
        print_note(sentence)


def chosen_keys(store: Store, texts: Sequence[str]) -> list[DatasetKey]:
    """The datasets that names and patterns mean, each once, all where there are none.

    InputError for a name that is none, and for a pattern that nothing matches.
    """
    from tradebot.engine.queries import parse_key

    held = [info.key for info in store.datasets()]
    if not texts:
        return held
    chosen: dict[DatasetKey, None] = {}
    for text in texts:
        if not any(mark in text for mark in PATTERN_MARKS):
            chosen[parse_key(text)] = None
            continue
        matching = [key for key in held if fnmatchcase(key.name, text) or fnmatchcase(str(key), text)]
        if not matching:
            raise InputError(
                f"No dataset in {store.folder} matches {text!r}: it was compared with names such as "
                f"{held[0] if held else 'linear/BTCUSDT_1m'}."
            )
        chosen.update(dict.fromkeys(matching))
    return list(chosen)
