"""Commands about stored data that need no exchange: checks, months, imports, exports, backups. Long ones are jobs."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import Job
from tradebot.engine.control.progress import Progress, counted
from tradebot.engine.job_book import JobBook
from tradebot.engine.market import DatasetKey
from tradebot.engine.market.times import parse_utc_offset
from tradebot.engine.messages import (
    BackUp,
    CheckData,
    Command,
    DataReport,
    ExportDataset,
    GetMonths,
    GetReport,
    ImportFiles,
    MonthsView,
    VerifyData,
)
from tradebot.engine.months import months_view
from tradebot.engine.store import ImportOptions, Store, back_up
from tradebot.engine.store.check_across import check_dataset
from tradebot.engine.store.check_book import CheckBook
from tradebot.engine.store.import_batch import files_to_import, import_files

_CHUNK_BYTES = 4 * 1024 * 1024
_MOST_WORST = 3


class DataQueries:
    """Answers on the calling thread; long work becomes a job. Thread-safe.

    `checks` has the outcome of the last check of every dataset; `checked` rises with each new one.
    """

    def __init__(self, store: Store, clock: Clock, events: EventLog, book: JobBook) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._book = book
        self._lock = threading.Lock()
        self._reports: dict[str, DataReport] = {}
        self.checks = CheckBook(store.folder)
        self.checked = 0

    def answer(self, command: Command) -> Any:
        """The reply to a command, None where it is not one of these. Raises TradebotError where it is refused."""
        match command:
            case ImportFiles():
                return self._import(command).status.job_id
            case CheckData():
                return self._check(parse_key(command.key))
            case VerifyData():
                return self._verify(command.keys).status.job_id
            case GetReport():
                return self._report(command.key)
            case GetMonths():
                return self._months(parse_key(command.key))
            case ExportDataset():
                return self._export(command).status.job_id
            case BackUp():
                return self._back_up(command).status.job_id
            case _:
                return None

    # ------------------------------------------------------------------------------------------ checks

    def _check(self, key: DatasetKey) -> DataReport:
        found = check_dataset(self._store, key)
        findings = tuple((finding.level.value, finding.sentence) for finding in found.findings)
        report = DataReport(str(key), not found.failed, findings, self._clock.now_ms())
        with self._lock:
            self._reports[str(key)] = report
            if not self._store.read_only:
                self.checks.keep([found], report.checked_ms)
            self.checked += 1
        return report

    def _report(self, text: str) -> DataReport:
        key = str(parse_key(text))
        with self._lock:
            report = self._reports.get(key)
        if report is None:
            raise InputError(f"{key} has not been checked since tradebot was started; verify checks it.")
        return report

    def _verify(self, texts: Sequence[str]) -> Job:
        keys = [parse_key(text) for text in texts]
        if not keys:
            raise InputError("There is no dataset to verify: name at least one.")

        def work(job: Job) -> tuple[str, str]:
            failed: list[str] = []
            for number, key in enumerate(keys):
                job.cancel.check()
                job.report(Progress(number, len(keys), "datasets", 0.0, None, f"Reads {key}."))
                if not self._check(key).passed:
                    failed.append(str(key))
            job.report(Progress(len(keys), len(keys), "datasets", 0.0, None))
            if not failed:
                return f"{counted(len(keys), 'dataset')} checked, nothing is wrong.", ""
            worst = ", ".join(failed[:_MOST_WORST]) + (" and others" if len(failed) > _MOST_WORST else "")
            sentence = f"{counted(len(failed), 'dataset')} of {len(keys)} failed the check: {worst}."
            self._events.warning("verify", sentence)
            return f"{sentence} Verify shows what was found, repair asks the exchange for it.", ""

        return self._start("verify", f"verify {_named(keys)}", work, "datasets", keys)

    def _months(self, key: DatasetKey) -> MonthsView:
        info = self._store.info(key)
        if info is None or info.first_ms is None or info.last_ms is None:
            raise InputError(f"{key} holds no bars yet, so there are no months to show; collect it first.")
        missing = self._store.missing(key, info.first_ms, info.last_ms + key.timeframe.ms)
        holes = [(hole.start_ms, hole.end_ms, hole.seen_ms) for hole in self._store.holes(key)]
        return months_view(key, info.first_ms, info.last_ms, missing, holes)

    # ------------------------------------------------------------------------------------------ files in and out

    def _import(self, command: ImportFiles) -> Job:
        options = import_options(command.category, command.symbol, command.timeframe, command.clock)
        if not command.paths:
            raise InputError("There is no file to import: name at least one.")
        files = files_to_import([Path(path) for path in command.paths])

        def work(job: Job) -> tuple[str, str]:
            outcome = import_files(self._store, files, options, self._clock.now_ms(), job.report, job.cancel)
            done = [report.sentence for report in outcome.imported]
            refused = [refusal.sentence for refusal in outcome.refused]
            for sentence in (*done, *refused):
                self._events.info("import", sentence)
            if refused:
                more = (
                    [f"{counted(len(refused) - _MOST_WORST, 'more file')} refused."]
                    if refused[_MOST_WORST:]
                    else []
                )
                others = [f"{counted(len(done), 'other file')} imported."] if done else []
                raise InputError(" ".join([*refused[:_MOST_WORST], *more, *others]))
            return " ".join(done[-2:]), ""

        names = ", ".join(Path(path).name for path in command.paths[:2])
        return self._start("import", f"import {names}", work, "files", ())

    def _export(self, command: ExportDataset) -> Job:
        key = parse_key(command.key)
        info = self._store.info(key)
        if info is None:
            raise InputError(f"There is no dataset {key} to export.")
        target = export_path(command.path, key)

        def work(job: Job) -> tuple[str, str]:
            if not self._store.read_only:
                self._store.settle(key)  # what is gathered beside the file belongs into the copy
            written = copy_table(info.path, target, job)
            return f"{counted(info.rows, 'bar')} of {key} written to {target} ({written:,} bytes).", ""

        return self._start("export", f"export {key.symbol} {key.timeframe_name}", work, "bytes", [key])

    def _back_up(self, command: BackUp) -> Job:
        archive = archive_path(command.path)

        def work(job: Job) -> tuple[str, str]:
            report = back_up(self._store, archive, progress=job.report, cancel=job.cancel)
            self._events.info("backup", report.sentence)
            return report.sentence, ""

        return self._start("backup", "back up all data", work, "bytes", ())

    def _start(self, kind: str, title: str, work: Any, unit: str, keys: Sequence[DatasetKey]) -> Job:
        def begin() -> Job:
            job = self._book.board.run(kind, title, work, unit)
            return self._book.note(job, begin, tuple(str(key) for key in keys))

        return begin()


def export_path(text: str, key: DatasetKey) -> Path:
    """Where an export goes: into a folder as `CATEGORY_SYMBOL_TIMEFRAME.csv`. InputError for what cannot be written."""
    if not text.strip():
        raise InputError("There is no file to write to: name one that ends in .csv or .csv.gz, or a folder.")
    path = Path(text.strip().strip("\"'")).expanduser().absolute()
    if path.is_dir():
        path = path / f"{key.category}_{key.file_name}"
    if not path.name.endswith((".csv", ".csv.gz")):
        raise InputError(f"{path} does not end in .csv or .csv.gz, and is no folder; name it so.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it first, or choose another one.")
    if path.exists():
        raise InputError(f"{path} is there already and is not replaced; choose another name.")
    return path


def archive_path(text: str) -> Path:
    """Where a backup goes. Raises InputError for what cannot be written, and for what is there already."""
    if not text.strip():
        raise InputError("There is no archive to write to: name a new file that ends in .zip.")
    path = Path(text.strip().strip("\"'")).expanduser().absolute()
    if path.is_dir() or path.suffix != ".zip":
        raise InputError(f"{path} does not name an archive: give a new file that ends in .zip.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it first, or choose another one.")
    if path.exists():
        raise InputError(f"{path} is there already and is not replaced; choose another name.")
    return path


def copy_table(source: Path, target: Path, job: Job) -> int:
    """Copy a CSV file, compressed where the target ends in .gz; whole or not at all. Returns the bytes written."""
    part = target.with_name(f"{target.name}.part")
    size = source.stat().st_size
    try:
        with source.open("rb") as reader, part.open("wb") as raw, ExitStack() as stack:
            packed = target.name.endswith(".gz")
            writer = stack.enter_context(gzip.GzipFile("", "wb", 6, raw, 0)) if packed else raw
            done = 0
            while chunk := reader.read(min(_CHUNK_BYTES, size - done)):
                job.cancel.check()
                writer.write(chunk)
                done += len(chunk)
                job.report(Progress(done, size, "bytes", 0.0, None))
        os.replace(part, target)
    except OSError as error:
        raise ShortfallError(
            f"{target} could not be written ({error.strerror or error}); make room or choose another place."
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return target.stat().st_size


def _named(keys: Sequence[DatasetKey]) -> str:
    return f"{keys[0].symbol} {keys[0].timeframe_name}" if len(keys) == 1 else f"{len(keys)} datasets"


def import_options(category: str, symbol: str, timeframe: str, clock: str) -> ImportOptions:
    """Options of an import from texts; empty ones are left to the file's name. Raises InputError."""
    try:
        offset = parse_utc_offset(clock) if clock.strip() else None
    except ValueError as error:
        raise InputError(f"{error}.") from None
    return ImportOptions(category or None, symbol.upper() or None, timeframe or None, offset)


def parse_key(text: str) -> DatasetKey:
    """`BTCUSDT_1m` or `spot/BTCUSDT_1m` as a key; linear where no category is named. Raises InputError."""
    category, slash, name = text.strip().removesuffix(".csv").rpartition("/")
    symbol, underscore, rest = name.partition("_")
    try:
        return DatasetKey.parse(f"{category}{slash}{symbol.upper()}{underscore}{rest}")
    except ValueError:
        raise InputError(
            f"{text!r} names no dataset; write SYMBOL_TIMEFRAME such as BTCUSDT_1m, or spot/BTCUSDT_1m."
        ) from None
