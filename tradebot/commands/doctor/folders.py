"""The settings that count, the data folder with its owner and its writer, the room on its disk, the kernels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.commands.doctor.check import Check, State
from tradebot.engine.control.errors import InputError, ShortfallError

if TYPE_CHECKING:
    from tradebot.engine.control.clock import Clock
    from tradebot.engine.control.folders import Folders
    from tradebot.engine.control.settings import Settings

_GROUP = "Folders"
_LITTLE_BYTES = 5 * 1024**3
_NO_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class Opened:
    """Settings and folders of this run; where the settings are wrong, the defaults and the sentence that says why."""

    settings: Settings
    folders: Folders
    problem: str = ""


def open_leniently(data: Path | None, config: Path | None, url: str | None) -> Opened:
    """What every command begins with, but wrong settings are told instead of ending it."""
    from tradebot.commands.context import open_context

    try:
        context = open_context(data, config, url, json_wanted=False)
    except InputError as error:
        from tradebot.engine.control.folders import find_folders
        from tradebot.engine.control.settings import Settings

        folders = find_folders(Path.cwd(), data.resolve() if data is not None else None)
        return Opened(Settings(), folders, error.sentence)
    return Opened(context.settings, context.folders)


def settings_check(opened: Opened, config: Path | None) -> Check:
    """Which settings files there are, and whether they hold."""
    places = [config or opened.folders.config / "tradebot.toml", opened.folders.saved_settings]
    found = [str(place) for place in places if place.is_file()]
    if opened.problem:
        advice = opened.problem.replace("\n", " ")
        return Check(_GROUP, "settings", "wrong; until it is mended nothing starts", State.WRONG, advice)
    return Check(
        _GROUP, "settings", " · ".join(found) or f"none in {opened.folders.config}: the defaults count"
    )


def data_checks(folder: Path, clock: Clock) -> list[Check]:
    """Where data stands, who may write to it now, whose market it holds, and how much room is left."""
    return [_place(folder), *_writer(folder, clock), _room(folder), *_alerts(folder)]


def _alerts(folder: Path) -> list[Check]:
    """Whether the alerts can be read; nothing to say where there are none."""
    from tradebot.engine.alerts.book import AlertBook

    book = AlertBook(folder)
    if book.stamp() is None:
        return []
    try:
        count = len(book.alerts())
    except InputError as error:
        return [Check(_GROUP, "alerts", "none counts", State.WRONG, error.sentence)]
    return [Check(_GROUP, "alerts", f"{count} in {book.path}")]


def _place(folder: Path) -> Check:
    if any(part.lower().startswith(("onedrive", "dropbox")) for part in folder.parts):
        advice = "Its files are locked while they are uploaded; one that is not synchronised is better: --data DIR."
        return Check(_GROUP, "data folder", str(folder), State.HINT, advice)
    return Check(_GROUP, "data folder", str(folder))


def _writer(folder: Path, clock: Clock) -> list[Check]:
    from tradebot.engine.store import Store, claim_writer
    from tradebot.engine.store.writer_claim import FolderInUseError

    advice = "Allow writing there, or name another folder with --data."
    if not folder.is_dir():
        standing = next((each for each in folder.parents if each.exists()), folder)
        if standing.is_dir() and os.access(standing, os.W_OK):
            return [Check(_GROUP, "writing", "it is made when data is first collected")]
        return [Check(_GROUP, "writing", f"it cannot be made below {standing}", State.WRONG, advice)]
    try:
        claim_writer(folder, "tradebot doctor", clock).release()
    except FolderInUseError as error:
        who = f"{error.program or 'another tradebot'}" + (
            f" (process {error.process_id})" if error.process_id else ""
        )
        told = "One program writes at a time; others read. End that one if it should not be running."
        writing = Check(_GROUP, "writing", f"in use by {who}", State.HINT, told)
    except ShortfallError:
        writing = Check(_GROUP, "writing", "nothing can be written there", State.WRONG, advice)
    else:
        writing = Check(_GROUP, "writing", "possible, and no other program is at it")
    try:
        source = Store(folder, read_only=True).source()
    except InputError as error:
        return [
            writing,
            Check(_GROUP, "holds", error.sentence, State.WRONG, "Mend or remove the file that is named."),
        ]
    return [writing, Check(_GROUP, "holds", f"market data of {source}" if source else "no market data yet")]


def _room(folder: Path) -> Check:
    from tradebot.engine.listing import free_bytes

    free = free_bytes(folder)
    value = f"{free / 1024**3:,.1f} GB free"
    if free < _NO_BYTES:
        return Check(_GROUP, "disk", value, State.WRONG, "Free some: collecting stops on a full disk.")
    if free < _LITTLE_BYTES:
        advice = "A year of minutes takes 50 MB a symbol; `tradebot data prune` cuts old bars by your rules."
        return Check(_GROUP, "disk", value, State.HINT, advice)
    return Check(_GROUP, "disk", value)


def kernels_check() -> Check:
    """Whether the backtest of this version is compiled."""
    from tradebot.engine.backtest.warm_up import kernels_ready
    from tradebot.engine.control.compiling import cache_folder

    if kernels_ready():
        return Check(_GROUP, "kernels", f"compiled, in {cache_folder()}")
    advice = (
        "Nothing to do: the app compiles them beside its first screen, the first backtest waits for it once."
    )
    return Check(_GROUP, "kernels", "not compiled yet for this version", State.HINT, advice)
