"""Writing files so that a kill at any moment leaves the old or the new one, on Windows too."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Windows refuses to replace a file while a virus scanner or an indexer has it open for a moment.
_RETRY_SECONDS = (0.01, 0.05, 0.2, 0.5)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` in one step; text is written as UTF-8 with `\\n` line ends.

    Raises PermissionError where another program keeps the file open, OSError on a full disk;
    the old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        replace_patiently(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_patiently(source: Path, target: Path) -> None:
    """`os.replace`, retried for under a second while another program holds the target open."""
    for pause in _RETRY_SECONDS:
        try:
            os.replace(source, target)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    os.replace(source, target)
