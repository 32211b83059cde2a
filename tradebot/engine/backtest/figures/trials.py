"""The trial ledger: every run on a span of data is counted, because the best of many looks good by chance.

One line of JSON a trial in `trials.jsonl` of the results folder. Deleting the file forgets the trials.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.strategy import StrategySpec

FILE_NAME = "trials.jsonl"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: what data it saw (symbols, open times [start, end) in UTC ms), what ran, its Sharpe ratio per day.

    `key` names strategy and costs, so that running the same again is no further trial.
    """

    symbols: tuple[str, ...]
    start_ms: int
    end_ms: int
    key: str
    sharpe: float | None

    def overlaps(self, other: Trial) -> bool:
        """Whether both saw some of the same data."""
        together = self.start_ms < other.end_ms and other.start_ms < self.end_ms
        return together and not set(self.symbols).isdisjoint(other.symbols)


@dataclass(frozen=True, slots=True)
class TrialCount:
    """How many different trials saw some of the same data, and the variance (ddof 1) of their daily Sharpe ratios."""

    trials: int
    variance: float


class TrialLedger:
    """The trials of one results folder; safe to use from several threads, cheap to ask again and again."""

    def __init__(self, results_folder: Path) -> None:
        self._file = results_folder / FILE_NAME
        self._lock = threading.Lock()
        self._trials: dict[tuple[object, ...], Trial] = {}
        self._read_bytes = 0
        self._torn = False

    def count(self, trials: Sequence[Trial]) -> list[TrialCount]:
        """Count these trials in one write, and say of each how many saw its data now.

        ShortfallError where the folder refuses.
        """
        with self._lock:
            try:
                self._read_on()
                new = {_identity(trial): trial for trial in trials if _identity(trial) not in self._trials}
                if new:
                    self._append("".join(_line(trial) for trial in new.values()))
            except OSError as error:
                raise ShortfallError(
                    f"The trial could not be counted in {self._file} ({error.strerror or 'refused'}); free some space "
                    "or allow writing there."
                ) from None
            return [self._counted(trial) for trial in trials]

    def _counted(self, trial: Trial) -> TrialCount:
        same = [other for other in self._trials.values() if other.overlaps(trial)]
        ratios = np.array([other.sharpe for other in same if other.sharpe is not None])
        return TrialCount(len(same), float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0)

    def _append(self, lines: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            file.write(("\n" if self._torn else "").encode() + lines.encode())
        self._read_on()

    def _read_on(self) -> None:
        """Take in what was added since the last look, by us or by another process; all where the file shrank."""
        try:
            with self._file.open("rb") as file:
                if file.seek(0, 2) < self._read_bytes:
                    self._trials.clear()
                    self._read_bytes = 0
                file.seek(self._read_bytes)
                text = file.read()
        except FileNotFoundError:
            self._trials.clear()
            self._read_bytes = 0
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        self._torn = len(whole) < len(text)
        for line in whole.splitlines():
            trial = _trial(line)
            if trial is not None:
                self._trials.setdefault(_identity(trial), trial)


def trial_key(specs: Sequence[StrategySpec], settings: RunSettings) -> str:
    """Names what ran: the strategies without their names and remarks, the cash and the costs."""
    digest = hashlib.blake2b(digest_size=12)
    for spec in specs:
        digest.update(replace(spec, name="", note="").to_toml().encode())
    digest.update(f"{settings.cash!r} {settings.costs!r}".encode())
    return digest.hexdigest()


def _identity(trial: Trial) -> tuple[object, ...]:
    return trial.symbols, trial.start_ms, trial.end_ms, trial.key


def _line(trial: Trial) -> str:
    entry = {
        "symbols": trial.symbols,
        "start": trial.start_ms,
        "end": trial.end_ms,
        "key": trial.key,
        "sharpe": trial.sharpe,
    }
    return json.dumps(entry, allow_nan=False) + "\n"


def _trial(line: bytes) -> Trial | None:
    """The trial of a line, None for one that was torn or written by hand."""
    try:
        entry: dict[str, Any] = json.loads(line)
        sharpe = entry["sharpe"]
        return Trial(
            tuple(map(str, entry["symbols"])),
            int(entry["start"]),
            int(entry["end"]),
            str(entry["key"]),
            None if sharpe is None else float(sharpe),
        )
    except (ValueError, TypeError, KeyError):
        return None
