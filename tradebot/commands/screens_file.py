"""The file in which the state of the screens outlives the app: read before it starts, written beside it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradebot.engine.control.files import write_atomically

__all__ = ["ScreensFile"]

_LOG = logging.getLogger("tradebot.app")
_VERSION = 1
_MOST_FOLDERS = 20
_PAUSE_SECONDS = 3.0
_END_SECONDS = 2.0


class ScreensFile:
    """`screens.json`: one state of the screens for each data folder, the newest first.

    `keep` may be called from any thread and returns at once; a thread of its own writes at most every `pause_seconds`.
    A file that cannot be read is left out with a sentence in the log; one that cannot be written is, too.
    """

    def __init__(self, path: Path, data_folder: Path, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._path = path
        self._folder = str(data_folder)
        self._pause = pause_seconds
        self._lock = threading.Lock()
        self._wanted: str | None = None
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        found = self._read().get(self._folder)
        self._state: Mapping[str, Any] = found if isinstance(found, dict) else {}

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last session left for this data folder."""
        return self._state

    def keep(self, state: Mapping[str, Any]) -> None:
        """Take the state to be written."""
        text = json.dumps(state, ensure_ascii=False)
        with self._lock:
            self._wanted = text
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="screens-file", daemon=True)
                self._thread.start()
        self._changed.set()

    def close(self) -> None:
        """Write what is still to be written; returns after at most two seconds."""
        self._ending.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)

    # ------------------------------------------------------------------------------------------ the thread

    def _work(self) -> None:
        while not self._ending.is_set():
            self._changed.wait()
            self._changed.clear()
            self._write()
            self._ending.wait(self._pause)
        self._write()

    def _write(self) -> None:
        with self._lock:
            text, self._wanted = self._wanted, None
        if text is None:
            return
        others = {name: state for name, state in self._read().items() if name != self._folder}
        folders = {self._folder: json.loads(text), **dict(list(others.items())[: _MOST_FOLDERS - 1])}
        document = {"version": _VERSION, "folders": folders}
        try:
            write_atomically(self._path, json.dumps(document, ensure_ascii=False, indent=1))
        except OSError as error:
            _LOG.warning("What the screens show could not be kept in %s (%s).", self._path, error)

    def _read(self) -> dict[str, Any]:
        """The states by data folder; none where the file is missing, damaged or of another version."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            _LOG.warning("%s cannot be read (%s); the screens begin anew.", self._path, error)
            return {}
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            _LOG.warning("%s is damaged (%s); the screens begin anew.", self._path, error)
            return {}
        if not isinstance(document, dict) or document.get("version") != _VERSION:
            _LOG.warning("%s is of another version of tradebot; the screens begin anew.", self._path)
            return {}
        folders = document.get("folders")
        return folders if isinstance(folders, dict) else {}
