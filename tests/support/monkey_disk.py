"""What a session leaves on disk: bars against the exchange's truth, the check of the data, strategies, drafts, logs."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support.monkey_exchange import DemoExchange
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.market import DatasetKey
from tradebot.engine.store import Store

_STALE_BARS = 3


def differences(data: Path, exchange: DemoExchange, notes: list[str]) -> list[str]:
    """How stored bars differ from what the exchange has between the first and the last of each dataset."""
    found: list[str] = []
    store = Store(data, read_only=True)
    compared = 0
    for key in sorted(store.keys()):
        if key.mark or store.imported_from(key):
            continue
        try:
            found += _difference(data, key, exchange)
            compared += 1
        except (OSError, TradebotError) as error:
            notes.append(f"{key} was not compared: {error}")
    notes.append(f"{compared} datasets compared with the exchange's truth")
    return found


def _difference(data: Path, key: DatasetKey, exchange: DemoExchange) -> list[str]:
    rows = [line.split(",") for line in _lines(data, key)]
    if not rows:
        return []
    times = [int(row[0]) for row in rows]
    if times != sorted(set(times)):
        return [f"{key}: rows are doubled or out of order"]
    true = {int(row[0]): row for row in exchange.bars(key, times[0], times[-1])}
    altered = [row for row in rows if int(row[0]) in true and true[int(row[0])] != row]
    # An exchange that was started again begins its clock anew: what lies beyond its newest bar it cannot know.
    extra = [row for row in rows if int(row[0]) not in true and int(row[0]) < max(true, default=0)]
    lost = sorted(set(true) - set(times))
    return [
        f"{key}: {len(each)} of {len(rows)} rows {what}, such as {each[0]}"
        for what, each in (("altered", altered), ("that the exchange never had", extra), ("lost", lost))
        if each
    ]


def _lines(data: Path, key: DatasetKey) -> Iterator[str]:
    text = (data / key.category / key.file_name).read_text(encoding="utf-8")
    return iter(text.splitlines()[1:])


def defects_on_disk(data: Path, folder: Path, notes: list[str]) -> list[str]:
    """What is wrong with the files after the app has ended."""
    return [
        *_damage(data, folder, notes),
        *_unreadable(data),
        *(f"{file.name} was left behind" for file in data.rglob("*.tmp")),
    ]


def _damage(data: Path, folder: Path, notes: list[str]) -> list[str]:
    """What `tradebot data check` finds; bars that the exchange never had are no damage."""
    command = [sys.executable, "-m", "tradebot", "data", "check", "--json", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    try:
        datasets = json.loads(done.stdout)["datasets"]
    except (ValueError, KeyError):
        return [
            f"data check ended with status {done.returncode} and says {(done.stderr or done.stdout)[-200:]!r}"
        ]
    found = []
    for each in datasets:
        findings = each.get("findings", [])
        notes += [f"data check, {each['dataset']}: {json.dumps(one)[:160]}" for one in findings]
        damage = [one for one in findings if one["level"] == "failure" and one["kind"] != "gap"]
        found += [f"data check fails {each['dataset']}: {one['sentence']}" for one in damage]
    return found


def _unreadable(data: Path) -> list[str]:
    found = []
    for file in data.rglob("*.toml"):
        try:
            text = file.read_text(encoding="utf-8")
            if not file.name.startswith("draft-"):  # a draft is whatever was typed
                tomllib.loads(text)
        except ValueError as error:
            found.append(f"{file.relative_to(data)} cannot be read ({error})")
    for file in data.rglob("*.json"):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            found.append(f"{file.relative_to(data)} cannot be read ({error})")
    return found


class LogWatch:
    """Reads what was logged since the last look below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def defects(self) -> list[str]:
        """New records that carry a traceback, as nobody expected them: what and where."""
        found = []
        for file in sorted(self._folder.rglob("tradebot-*.jsonl")):
            with file.open("rb") as stream:
                stream.seek(self._read.get(file, 0))
                lines = stream.read().rpartition(b"\n")[0]
            self._read[file] = self._read.get(file, 0) + len(lines) + (1 if lines else 0)
            for line in lines.decode("utf-8", errors="replace").splitlines():
                found += _defect(file, line)
        return found


def _defect(file: Path, line: str) -> list[str]:
    try:
        record = json.loads(line)
    except ValueError:
        return [f"{file.name} has a line that is no JSON: {line[:80]!r}"]
    if "Traceback" not in record.get("details", ""):
        return []
    where = record["details"].strip().splitlines()[-4:]
    return [f"logged: {record['sentence'][:160]} | {' / '.join(each.strip() for each in where)[:300]}"]
