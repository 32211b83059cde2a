"""What the last check of each dataset found, kept so that a list can say it without checking again.

It stands in `.checks.json` of the data folder and may be deleted at any time: then datasets count as not checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from tradebot.engine.control.files import write_atomically
from tradebot.engine.market.times import iso_date
from tradebot.engine.store.check_findings import CheckReport, Level
from tradebot.engine.store.layout import FileStamp, stamp_of

_VERSION = 1
_NAME = ".checks.json"


class CheckState(Enum):
    """How the last check of a dataset went; the value is the word for people."""

    NEVER = "not checked"
    SOUND = "sound"
    WARNINGS = "warnings"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The last check of a dataset: its state, the worst sentence, when it was (UTC ms, None where never), and whether
    the file is another one since.
    """

    state: CheckState
    sentence: str = ""
    checked_ms: int | None = None
    changed: bool = False

    @property
    def text(self) -> str:
        """A few words for a list: `sound`, `FAILED: 3 bars are missing ...`, `sound on 2024-05-01, changed since`."""
        if self.checked_ms is None:
            return self.state.value
        when = f" on {iso_date(self.checked_ms)}, changed since" if self.changed else ""
        said = f": {self.sentence}" if self.sentence and not self.changed else ""
        return f"{self.state.value}{when}{said}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"state": self.state.value.lower(), "sentence": self.sentence, "changed": self.changed}


NOT_CHECKED = CheckOutcome(CheckState.NEVER)


class CheckBook:
    """The outcomes of one data folder; a damaged file counts as none."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME
        self._entries = self._read()

    def outcome(self, dataset: str, path: Path) -> CheckOutcome:
        """The last check of a dataset (`linear/BTCUSDT_1m`) whose file is `path`."""
        entry = self._entries.get(dataset)
        if entry is None:
            return NOT_CHECKED
        try:
            stamp = FileStamp(int(entry["size"]), int(entry["mtime_ns"]))
            state = CheckState(entry["state"])
            return CheckOutcome(
                state, str(entry["sentence"]), int(entry["checked_ms"]), stamp_of(path) != stamp
            )
        except (KeyError, ValueError, TypeError):
            return NOT_CHECKED

    def keep(self, reports: Iterable[CheckReport], now_ms: int) -> None:
        """Note what checks just found; where the folder cannot be written, nothing is noted."""
        self._entries = self._read() or self._entries  # another program may have checked meanwhile
        for report in reports:
            stamp = stamp_of(report.path)
            if stamp is None:
                continue
            worst = next((each for each in report.findings if each.level is not Level.INFO), None)
            state = {Level.FAILURE: CheckState.FAILED, Level.WARNING: CheckState.WARNINGS}
            self._entries[report.dataset] = {
                "size": stamp.size,
                "mtime_ns": stamp.mtime_ns,
                "state": state.get(report.worst, CheckState.SOUND).value,
                "sentence": worst.sentence if worst is not None else "",
                "checked_ms": now_ms,
            }
        try:
            write_atomically(self._file, json.dumps({"version": _VERSION, "checks": self._entries}))
        except OSError:
            return  # only a convenience; the next check notes it again

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._file.read_bytes())
            if content["version"] != _VERSION:
                return {}
            return {name: dict(entry) for name, entry in content["checks"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
