"""One writer for each data folder, whatever becomes of it; others are told who it is."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.store.helpers import KEY, START_MS, bars, write
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.market import Category, RiskTier
from tradebot.engine.store import FolderInUseError, Store, claim_writer

CLOCK = ManualClock(START_MS)
CHILD = (
    "import sys; from pathlib import Path; from tradebot.engine.control.clock import ManualClock; "
    "from tradebot.engine.store import claim_writer; "
    "claim = claim_writer(Path(sys.argv[1]), 'tradebot collect', ManualClock(int(sys.argv[2]))); "
    "print('held', flush=True); sys.stdin.readline()"
)


def claiming_child(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(folder), str(START_MS)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        pipe.close()
    child.wait()


def test_a_second_program_is_told_which_one_writes_and_since_when(tmp_path: Path) -> None:
    child = claiming_child(tmp_path)
    try:
        with pytest.raises(FolderInUseError) as caught:
            claim_writer(tmp_path, "the tradebot app", CLOCK)
        assert caught.value.sentence == (
            f"The data folder {tmp_path} is in use by tradebot collect (process {child.pid}) since 2024-01-01 00:00 "
            "UTC, and only one program may write to it; end that one first, or choose another folder with --data."
        )
        assert (caught.value.program, caught.value.process_id) == ("tradebot collect", child.pid)
        assert caught.value.since_ms == START_MS
    finally:
        child.kill()
        end(child)
    with claim_writer(tmp_path, "the tradebot app", CLOCK):
        note = json.loads((tmp_path / ".writer.json").read_text())
        assert note["process"] == os.getpid(), "the note of a killed program is replaced"


def test_a_second_claim_of_the_same_process_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    first = claim_writer(tmp_path / "new", "one", CLOCK)
    with pytest.raises(FolderInUseError, match="is in use by one"):
        claim_writer(tmp_path / "new", "two", CLOCK)
    first.release()
    first.release()
    with claim_writer(tmp_path / "new", "two", CLOCK):
        assert first.folder == tmp_path / "new"


@pytest.mark.parametrize("note", [None, "", "{", '{"program": "x"}', "[1]"])
def test_a_note_that_cannot_be_read_is_no_obstacle(tmp_path: Path, note: str | None) -> None:
    with claim_writer(tmp_path, "one", CLOCK):
        if note is None:
            (tmp_path / ".writer.json").unlink()
        else:
            write(tmp_path / ".writer.json", note)
        with pytest.raises(FolderInUseError, match="is in use by another tradebot, and only one"):
            claim_writer(tmp_path, "two", CLOCK)


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "file", "x")
    with pytest.raises(ShortfallError, match="so its data can only be read"):
        claim_writer(tmp_path / "file", "one", CLOCK)

    def read_only(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(ShortfallError, match=r"\(read-only file system\), so its data can only be read"):
        claim_writer(tmp_path, "one", CLOCK)


def test_two_stores_still_append_side_by_side_under_one_claim(tmp_path: Path) -> None:
    """The collecting child works under its parent's claim: a store itself never asks for one."""
    with claim_writer(tmp_path, "the tradebot app", CLOCK):
        Store(tmp_path).append(KEY, bars(0))
        assert Store(tmp_path).append(KEY, bars(1)) == 1


class TestReadOnly:
    def test_every_writing_call_says_that_the_folder_is_open_for_reading_only(self, tmp_path: Path) -> None:
        Store(tmp_path).append(KEY, bars(0, 1))
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        reader = Store(tmp_path, read_only=True)
        reader.load(KEY)
        reader.info(KEY)
        reader.datasets()
        reader.content_hash(KEY)
        reader.check(KEY)
        calls = (
            lambda: reader.append(KEY, bars(2)),
            lambda: reader.merge(KEY, bars(2)),
            lambda: reader.stage(KEY, bars(2)),
            lambda: reader.settle(KEY),
            lambda: reader.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "0")]),
            lambda: reader.save_instruments([], START_MS),
            lambda: reader.save_risk_limits(Category.LINEAR, {}, START_MS),
            lambda: reader.remember_holes(KEY, [(0, 60_000)], START_MS),
            lambda: reader.forget_holes(KEY),
            lambda: reader.import_file(tmp_path / "x.csv"),
            lambda: reader.write_waiting(),
        )
        for call in calls:
            with pytest.raises(ShortfallError, match="is open for reading only; nothing was written"):
                call()
        with pytest.raises(InputError, match="is open for reading only and holds no bars of mainnet"):
            reader.claim_source("mainnet")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_it_reads_what_waits_beside_a_file(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.append(KEY, bars(5))
        store.stage(KEY, bars(1))
        reader = Store(tmp_path, read_only=True)
        assert len(reader.load(KEY)) == 2
        assert [info.rows for info in reader.datasets()] == [2]


class TestRiskLimits:
    TIERS = (
        RiskTier(Decimal(2_000_000), Decimal("0.005"), Decimal("0.01"), Decimal(100)),
        RiskTier(Decimal("4E+6"), Decimal("0.01"), Decimal("0.018"), Decimal("55.56"), Decimal("10000.5")),
    )

    def test_limits_come_back_exactly_with_the_date_they_were_seen(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        assert store.risk_limits(Category.LINEAR) == {}
        store.save_risk_limits(Category.LINEAR, {"BTCUSDT": self.TIERS[::-1]}, START_MS)
        store.save_risk_limits(Category.LINEAR, {"ETHUSDT": self.TIERS[:1]}, START_MS + 1)
        assert Store(tmp_path).risk_limits(Category.LINEAR) == {
            "BTCUSDT": self.TIERS,
            "ETHUSDT": self.TIERS[:1],
        }
        entry = json.loads((tmp_path / "linear" / "risk_limits.json").read_text())["risk_limits"]["BTCUSDT"]
        assert entry["seen"] == "2024-01-01T00:00:00.000Z"
        assert entry["tiers"][0]["limit"] == "4000000"

    @pytest.mark.parametrize("entry", [{"tiers": [{"limit": "x"}]}, {"tiers": 3}, [], None])
    def test_a_damaged_entry_is_put_aside_and_said(self, tmp_path: Path, entry: object) -> None:
        store = Store(tmp_path)
        store.save_risk_limits(Category.LINEAR, {"BTCUSDT": self.TIERS}, START_MS)
        write(
            tmp_path / "linear" / "risk_limits.json",
            json.dumps({"version": 1, "risk_limits": {"BTCUSDT": entry}}),
        )
        assert store.risk_limits(Category.LINEAR) == {}
        assert ["the entry of BTCUSDT is damaged" in notice for notice in store.notices()] == [True]
        assert (tmp_path / "linear" / "risk_limits.json.damaged").exists()
        write(tmp_path / "linear" / "risk_limits.json", "{")
        assert store.risk_limits_seen_ms(Category.LINEAR) is None
        store.save_risk_limits(Category.LINEAR, {"BTCUSDT": self.TIERS}, START_MS)
        assert store.risk_limits(Category.LINEAR) == {"BTCUSDT": self.TIERS}
