"""Where tradebot itself is at fault: a report in a file, one sentence for the person."""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.errors import printable
from tradebot.engine.control.files import write_atomically
from tradebot.engine.control.logs import LogFiles

_LIBRARIES = ("tradebot", "textual", "rich", "numpy", "numba", "pandas", "pybit", "websockets", "aiohttp")
_KEPT = 20
_OUTPUT = "textual-output"
_LOG = logging.getLogger("tradebot.crash")


def report_crash(
    error: BaseException, log: LogFiles, arguments: Sequence[str] = (), clock: Clock | None = None
) -> str:
    """Write a crash report into the log folder and give back the sentence that names it.

    The report holds versions, the command line, the traceback and the last records of the log, secrets hidden.
    """
    what = log.redactor.redact(printable(f"{type(error).__name__}: {error}".strip().removesuffix(":")))
    first_line = what.splitlines()[0][:200]
    log.write("error", "crash", f"A defect of tradebot ended it ({first_line}).", details=_trace(error))
    now_ms = (clock or SystemClock()).now_ms()
    try:
        file = _free_name(log.folder, now_ms)
        write_atomically(file, log.redactor.redact(_report(error, log, arguments, now_ms)))
        file.chmod(0o600)
    except OSError as refused:
        reason = (refused.strerror or type(refused).__name__).lower()
        where = f"Its report could not be written to {log.folder} ({reason})."
    else:
        where = f"The report stands in {file}; secrets are hidden in it, send it along when you tell us."
        _delete_old(log.folder)
    return f"A defect of tradebot ended it ({first_line}); what was stored is on disk. {where}"


@contextmanager
def log_thread_failures() -> Iterator[None]:
    """While the screen is drawn, what fails in a thread goes to the log instead of over the screen."""

    def log(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            name = failed.thread.name if failed.thread is not None else "a thread"
            error = failed.exc_value
            if name == _OUTPUT and isinstance(error, OSError):
                # Its window was closed: no defect of ours.
                _LOG.warning("The terminal has gone away (%s).", error)
                return
            _LOG.error("A defect of tradebot ended %s (%s).", name, type(error).__name__, exc_info=error)

    before = threading.excepthook
    threading.excepthook = log
    try:
        yield
    finally:
        threading.excepthook = before


def _report(error: BaseException, log: LogFiles, arguments: Sequence[str], now_ms: int) -> str:
    when = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    lines = [
        f"time     {when}",
        f"command  tradebot {' '.join(arguments)}".rstrip(),
        f"python   {sys.version.split()[0]} on {platform.platform()}",
        f"versions {', '.join(_versions())}",
        "",
        _trace(error),
        "Last records of the log:",
    ]
    lines += [
        f"{datetime.fromtimestamp(each.time_ms / 1000, UTC):%H:%M:%S} {each.level} {each.component} {each.sentence}"
        for each in log.recent()
    ]
    return "\n".join(lines) + "\n"


def _trace(error: BaseException) -> str:
    """The traceback without values of variables, which may be secret."""
    return "".join(traceback.format_exception(error))


def _versions() -> list[str]:
    from importlib import metadata  # here: it takes a twentieth of the time of --help

    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _free_name(folder: Path, now_ms: int) -> Path:
    stem = f"crash-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%d-%H%M%S}"
    file = folder / f"{stem}.txt"
    number = 2
    while file.exists():
        file, number = folder / f"{stem}-{number}.txt", number + 1
    return file


def _delete_old(folder: Path) -> None:
    for file in sorted(folder.glob("crash-*.txt"))[:-_KEPT]:
        file.unlink(missing_ok=True)
