"""A finished new content beside a table, to be put in the table's place in one step."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from io import BufferedWriter
from pathlib import Path

from tradebot.engine.store.side_files import not_written

_HOUR_NS = 3600 * 10**9


def build_beside(path: Path, parts: Iterable[bytes]) -> Path:
    """The parts as a file beside table `path`, safely on disk; ShortfallError where the system refuses to write.

    What the parts raise goes through and leaves no file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        with _created(temporary, path) as file:
            for part in parts:
                try:
                    file.write(part)
                except OSError as error:
                    raise not_written(path, error) from None
            try:
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise not_written(path, error) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sweep(path, temporary.stat().st_mtime_ns)
    return temporary


def _created(temporary: Path, path: Path) -> BufferedWriter:
    try:
        return temporary.open("wb")
    except OSError as error:
        raise not_written(path, error) from None


def _sweep(path: Path, now_ns: int) -> None:
    """Delete what a kill left of earlier tries."""
    for leftover in path.parent.glob(f".{path.name}.*.new"):
        try:
            if now_ns - leftover.stat().st_mtime_ns > _HOUR_NS:
                leftover.unlink()
        except OSError:
            continue  # another process has just used or deleted its own
