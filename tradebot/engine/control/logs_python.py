"""Python's logging, which libraries and our own rooms write to, flows into the log files.

The root logger is the one place of a process that everything reaches, so it holds the handler, and whoever needs the
log of this process finds it there (`current_log`).
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from tradebot.engine.control.logs import LogFiles

_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# These say every frame, every lock or every compiled line at that level; it would fill a disk.
_TALKATIVE = {
    "numba": logging.WARNING,
    "websockets": logging.INFO,
    "asyncio": logging.INFO,
    "filelock": logging.INFO,
    "urllib3.util": logging.INFO,
}
_EXTRAS = ("happened", "did", "can_do", "details")


class LogFileHandler(logging.Handler):
    """Hands the records of Python's logging to log files, a traceback as their details."""

    def __init__(self, files: LogFiles) -> None:
        super().__init__()
        self.files = files
        root = logging.getLogger()
        self._before = {name: logging.getLogger(name).level for name in ("", *_TALKATIVE)}
        root.setLevel(_NUMBERS[files.level])
        for name, number in _TALKATIVE.items():
            logging.getLogger(name).setLevel(max(number, _NUMBERS[files.level]))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that cannot be put into words is written as it was asked for."""
        try:
            sentence = record.getMessage()
        except (TypeError, ValueError, KeyError):
            sentence = f"{record.msg} {record.args}"
        more = {name: str(getattr(record, name)) for name in _EXTRAS if getattr(record, name, "")}
        if record.exc_info and record.exc_info[1] is not None and "details" not in more:
            more["details"] = "".join(traceback.format_exception(record.exc_info[1]))
        self.files.write(_level(record.levelno), record.name.removeprefix("tradebot."), sentence, **more)

    def restore(self) -> None:
        """Put the levels back as they were found."""
        for name, number in self._before.items():
            logging.getLogger(name).setLevel(number)


def begin_logging(files: LogFiles) -> LogFiles:
    """Have everything that is logged in this process written to these files, instead of others from before."""
    end_logging()
    logging.getLogger().addHandler(LogFileHandler(files))
    return files


def end_logging() -> None:
    """Log no more; the files are let go of."""
    handler = _handler()
    if handler is not None:
        logging.getLogger().removeHandler(handler)
        handler.restore()
        handler.files.close()


def current_log() -> LogFiles | None:
    """The log files of this process; None where nothing is logged."""
    handler = _handler()
    return None if handler is None else handler.files


def choose_level(level: str | None) -> None:
    """Take the least level from the command line; None leaves it to the settings."""
    files = current_log()
    if files is not None and level is not None:
        files.level, files.chosen = level, True
        begin_logging(files)


def set_log(folder: Path, level: str, megabytes: float) -> None:
    """What the settings say: the folder, the least level where the command line named none, the size of all files."""
    files = current_log()
    if files is None:
        return
    files.move(folder)
    files.keep_bytes = round(megabytes * 1e6)
    if not files.chosen and level != files.level:
        files.level = level
        begin_logging(files)


def _handler() -> LogFileHandler | None:
    return next((each for each in logging.getLogger().handlers if isinstance(each, LogFileHandler)), None)


def _level(number: int) -> str:
    return next((name for name, least in reversed(_NUMBERS.items()) if number >= least), "debug")
