"""Many files at once: a folder of monthly or daily archives becomes one dataset, whatever the order of the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.store.import_source import is_importable_name
from tradebot.engine.store.importing import ImportOptions, ImportReport, ReadImport, read_import

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

# Files are read up to this size and stored in order of time, so that each is appended to the one before it.
_WAITING_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of each file: imported (in the order they were stored), or refused with the sentence why."""

    imported: tuple[ImportReport, ...]
    refused: tuple[InputError, ...]


def files_to_import(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that are meant: a folder stands for the files of bars in it and in the folders inside.

    InputError for a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(
            each
            for each in path.rglob("*")
            if is_importable_name(each.name)
            and each.is_file()
            and not any(part.startswith(".") for part in each.relative_to(path).parts)
        )
        if not inside:
            raise InputError(
                f"The folder {path} holds no .csv, .csv.gz, .zip or freqtrade .json file to import."
            )
        files += inside
    return tuple(dict.fromkeys(files))


def import_files(
    store: Store,
    files: Sequence[Path],
    options: ImportOptions,
    now_ms: int,
    report: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> BatchReport:
    """Import files one by one; one that is refused stores nothing and hides no other one.

    CancelledError between two files where cancelled; those stored before stay.
    """
    waiting: list[ReadImport] = []
    imported: list[ImportReport] = []
    refused: list[InputError] = []

    def keep() -> None:
        for read in sorted(waiting, key=lambda read: (read.report.dataset, read.report.first_ms)):
            try:
                imported.append(store.keep_import(read))
            except InputError as error:
                refused.append(error)
        waiting.clear()

    for number, file in enumerate(files):
        if cancel is not None:
            cancel.check()
        if report is not None:
            report(Progress(number, len(files), "files", 0.0, None, file.name))
        try:
            waiting.append(read_import(file, options, now_ms))
        except InputError as error:
            refused.append(error)
        if sum(len(read.lines.text) for read in waiting) > _WAITING_BYTES:
            keep()
    keep()
    if report is not None:
        report(Progress(len(files), len(files), "files", 0.0, None))
    return BatchReport(tuple(imported), tuple(refused))
