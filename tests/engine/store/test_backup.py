"""Backup and restore: everything comes back byte for byte, or nothing is touched and a sentence says why."""

from __future__ import annotations

import hashlib
import json
import stat
import threading
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError, ShortfallError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.market import Category, DatasetKey, RiskTier
from tradebot.engine.store import ImportOptions, Store, back_up, backup, restore
from tradebot.engine.store.archive import may_be_in_archive
from tradebot.engine.store.tables import Tables

MARK = DatasetKey("linear", "BTCUSDT", "1m", mark=True)
CLOCK = ManualClock(START_MS + 86_400_000)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One of everything that a folder may hold."""
    store = Store(tmp_path / "data", CLOCK)
    store.claim_source("mainnet")
    store.append(KEY, bars(*range(5, 40)))
    store.stage(KEY, bars(1, 2))
    store.append(MARK, [bar(index)._replace(volume="", turnover="") for index in range(9)])
    store.append(DatasetKey("spot", "ETHUSDT", "1h"), [bar(0)])
    store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "0.0001")])
    store.remember_holes(KEY, [(0, 60_000)], 1)
    store.save_risk_limits(Category.LINEAR, {"BTCUSDT": (RiskTier(*[Decimal(1)] * 4),)}, START_MS)
    store.save_instruments([], START_MS)
    write(store.folder / "linear" / "instruments.json", '{"version": 1, "instruments": {}}\n')
    write(store.folder / "linear" / "BTCUSDT_1m.csv.quarantine", "# why\nx\n")
    (store.folder / "results" / "r1").mkdir(parents=True)
    write(store.folder / "results" / "r1" / "result.json", "{}")
    store.load(KEY)
    store.datasets()
    return store


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "saved" / "backup.zip"


def saved_files(folder: Path) -> dict[str, bytes]:
    """What belongs into an archive, by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in named.items() if may_be_in_archive(name)}


def test_everything_comes_back_byte_for_byte_and_nothing_else(
    store: Store, archive: Path, tmp_path: Path
) -> None:
    shown: list[Progress] = []
    report = back_up(store, archive, results=True, progress=shown.append)
    assert shown[-1].done == shown[-1].total
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == [
            ".source.json",
            "linear/BTCUSDT_1m.csv",
            "linear/BTCUSDT_1m.csv.staged",
            "linear/BTCUSDT_1m_mark.csv",
            "linear/BTCUSDT_funding.csv",
            "linear/holes.json",
            "linear/instruments.json",
            "linear/risk_limits.json",
            "manifest.json",
            "results/r1/result.json",
            "spot/ETHUSDT_1h.csv",
        ]
        manifest = json.loads(packed.read("manifest.json"))
    assert manifest["source"] == "mainnet"
    assert manifest["created"] == "2024-01-02T00:00:00.000Z"
    rows = {file["name"]: file["rows"] for file in manifest["files"]}
    assert (rows["linear/BTCUSDT_1m.csv"], rows["linear/BTCUSDT_1m.csv.staged"]) == (35, 2)
    assert (report.files, report.rows) == (10, 35 + 2 + 9 + 1 + 1)
    assert "10 files with 48 rows of mainnet saved to" in report.sentence
    other = Store(tmp_path / "other", CLOCK)
    done = restore(other, archive)
    assert (done.restored, done.rows, done.same, done.kept) == (9, 48, 0, ())
    kept = saved_files(store.folder)
    back = saved_files(other.folder)
    assert other.source() == "mainnet"
    for files in (kept, back):
        files.pop(".source.json")
    assert back == kept
    assert other.load(KEY).time.tolist() == store.load(KEY).time.tolist()
    again = restore(other, archive)
    assert (again.restored, again.same) == (0, 9)


def test_results_are_left_out_unless_asked_for(store: Store, archive: Path) -> None:
    back_up(store, archive)
    with zipfile.ZipFile(archive) as packed:
        assert not [name for name in packed.namelist() if name.startswith("results")]


def test_a_file_that_is_being_appended_is_cut_at_its_last_whole_line(store: Store, archive: Path) -> None:
    path = store.folder / "linear" / "BTCUSDT_1m.csv"
    whole = path.read_bytes()
    path.write_bytes(whole + b"17040672")
    back_up(store, archive)
    with zipfile.ZipFile(archive) as packed:
        assert packed.read("linear/BTCUSDT_1m.csv") == whole


def test_bars_appended_while_it_is_made_do_no_harm(store: Store, archive: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def follow() -> None:
        writer, index = Store(store.folder), 40
        while not stop.is_set():
            writer.append(KEY, bars(*range(index, index + 3)))
            index += 3

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        for number in range(5):
            back_up(store, tmp_path / f"{number}.zip")
    finally:
        stop.set()
        thread.join()
    for number in range(5):
        other = Store(tmp_path / str(number))
        restore(other, tmp_path / f"{number}.zip")
        held = (other.folder / "linear" / "BTCUSDT_1m.csv").read_text()
        assert held == text_of(bars(*range(5, 5 + held.count("\n") - 1)))


def test_an_archive_that_exists_is_not_overwritten(store: Store, archive: Path) -> None:
    back_up(store, archive)
    before = archive.read_bytes()
    with pytest.raises(InputError, match="exists already and is not overwritten"):
        back_up(store, archive)
    assert archive.read_bytes() == before


def test_an_empty_folder_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is nothing to save"):
        back_up(Store(tmp_path / "none"), tmp_path / "x.zip")


@pytest.mark.parametrize("after", [1, 6, 14])
def test_a_cancelled_backup_leaves_nothing(store: Store, archive: Path, after: int) -> None:
    cancel, calls = CancelToken(), 0

    def progress(_: Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            cancel.cancel()

    with pytest.raises(CancelledError):
        back_up(store, archive, progress=progress, cancel=cancel)
    assert list(archive.parent.iterdir()) == []


def test_an_archive_that_does_not_read_back_is_deleted(
    store: Store, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    real = backup._write

    def damaged(store: Store, partial: Path, *rest: Any) -> object:
        manifest = real(store, partial, *rest)
        content = bytearray(partial.read_bytes())
        content[len(content) // 4] ^= 0x10
        partial.write_bytes(content)
        return manifest

    monkeypatch.setattr(backup, "_write", damaged)
    with pytest.raises(ShortfallError, match="does not read back as it was written"):
        back_up(store, archive)
    assert list(archive.parent.iterdir()) == []


def test_files_that_differ_are_not_overwritten_unless_asked_for_and_are_kept_then(
    store: Store, archive: Path
) -> None:
    back_up(store, archive)
    path = store.folder / "linear" / "BTCUSDT_1m.csv"
    saved = path.read_bytes()
    store.append(KEY, bars(40, 41))
    grown = path.read_bytes()
    (store.folder / "linear" / "BTCUSDT_funding.csv").unlink()
    before = saved_files(store.folder)
    with pytest.raises(InputError, match=r"BTCUSDT_1m\.csv differ from the archive and were not overwritten"):
        restore(store, archive)
    assert saved_files(store.folder) == before
    report = restore(store, archive, replace=True)
    assert path.read_bytes() == saved
    aside = path.with_name("BTCUSDT_1m.csv.before-restore")
    assert aside.read_bytes() == grown
    assert report.kept == (str(aside),)
    assert report.restored == 2
    assert store.append(KEY, bars(40)) == 1
    restore(store, archive, replace=True)
    assert path.with_name("BTCUSDT_1m.csv.before-restore-2").exists()
    assert [str(info.key) for info in store.datasets()] == [
        "linear/BTCUSDT_1m",
        "linear/BTCUSDT_1m_mark",
        "spot/ETHUSDT_1h",
    ]


@pytest.mark.parametrize(
    ("held", "refused"),
    [(None, False), ("mainnet", False), ("testnet", True), ("simulator seed 1", True), ("demo", True)],
)
def test_sources_are_never_mixed(
    store: Store, archive: Path, tmp_path: Path, held: str | None, refused: bool
) -> None:
    back_up(store, archive)
    other = Store(tmp_path / "other")
    if held:
        other.claim_source(held)
    if refused:
        with pytest.raises(InputError, match=f"holds bars of {held}, and the archive bars of mainnet"):
            restore(other, archive)
        assert other.datasets() == []
        return
    restore(other, archive)
    assert other.source() == "mainnet"


def test_imports_are_not_mixed_with_made_up_bars(tmp_path: Path, archive: Path) -> None:
    source = tmp_path / "ETHUSDT_1m.csv"
    write(source, text_of(bars(0, 1)))
    imported = Store(tmp_path / "imported", CLOCK)
    imported.import_file(source, ImportOptions("linear"))
    back_up(imported, archive)
    made_up = Store(tmp_path / "made up")
    made_up.claim_source("simulator seed 1")
    with pytest.raises(InputError, match="the archive bars of imported files"):
        restore(made_up, archive)
    real = Store(tmp_path / "real")
    real.claim_source("mainnet")
    restore(real, archive)
    content = json.loads((real.folder / ".source.json").read_text())
    assert content["source"] == "mainnet"
    assert content["imports"]["linear/ETHUSDT_1m"]["file"] == "ETHUSDT_1m.csv"


@pytest.mark.parametrize("stop_at", range(6))
def test_killed_in_the_middle_a_second_run_finishes(
    store: Store, archive: Path, tmp_path: Path, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    back_up(store, archive)
    other = Store(tmp_path / "other", CLOCK)
    put: list[Path] = []
    real = Tables.put_in_place

    def killed(self: Tables, path: Path, new: Path) -> None:
        if len(put) == stop_at:
            raise Killed
        put.append(path)
        real(self, path, new)

    monkeypatch.setattr(Tables, "put_in_place", killed)
    with pytest.raises(Killed):
        restore(other, archive)
    monkeypatch.undo()
    expected = saved_files(store.folder)
    for name, content in saved_files(other.folder).items():
        assert name == ".source.json" or content == expected[name], "whole files only"
    report = restore(other, archive)
    assert (report.restored, report.same) == (8 - stop_at, stop_at)
    assert {name for name in expected if not name.startswith("results")} == set(saved_files(other.folder))


Change = Callable[[dict[str, bytes], dict[str, Any]], None]


def rebuilt(
    archive: Path, target: Path, change: Change, prepare: Callable[[zipfile.ZipInfo], None] | None = None
) -> Path:
    """The archive with other files and another manifest, hashes and sizes put right."""
    with zipfile.ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files, manifest)
    listed = {file["name"] for file in manifest["files"]}
    for name, content in files.items():
        if name not in listed:
            digest = hashlib.sha256(content).hexdigest()
            manifest["files"].append({"name": name, "bytes": len(content), "rows": 0, "sha256": digest})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if prepare is not None:
                prepare(info)
            packed.writestr(info, content)
        packed.writestr("manifest.json", json.dumps(manifest))
    return target


EVIL = [
    "../evil.csv",
    "linear/../../evil.csv",
    "/etc/evil.csv",
    "C:/evil.csv",
    "C:evil.csv",
    "linear\\..\\evil.csv",
    "linear/BTCUSDT_1m.csv:stream",
    "linear/.cache/BTCUSDT_1m/000001.columns",
    "linear/notes.txt",
    "results/../evil",
    "results/r1/..",
    "results/con",
    "results/r1/nul.txt",
    "results/r1/x.",
    ".lock",
    ".writer.json",
    "linear/XUSDT_1m.csv\0.txt",
]


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    store: Store, archive: Path, tmp_path: Path, name: str
) -> None:
    assert not may_be_in_archive(name)
    back_up(store, archive)
    evil = rebuilt(archive, tmp_path / "evil.zip", lambda files, _: files.update({name: b"x"}))
    other = tmp_path / "deep" / "other"
    with pytest.raises(InputError, match="was not restored because"):
        restore(Store(other), evil)
    assert not other.exists()
    assert not list(tmp_path.rglob("evil.csv"))


def as_link(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def drop(files: dict[str, bytes], _: dict[str, Any]) -> None:
    del files["linear/BTCUSDT_1m.csv"]


def smaller(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["files"][1]["bytes"] -= 1


def other_hash(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["files"][1]["sha256"] = "0" * 64


def other_version(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["version"] = 2


def bomb(files: dict[str, bytes], _: dict[str, Any]) -> None:
    files["linear/AUSDT_1m.csv"] = bytes(3_000_000)


def doubled(files: dict[str, bytes], _: dict[str, Any]) -> None:
    files["results/A"] = files["results/a"] = b"x"


@pytest.mark.parametrize(
    ("change", "prepare", "sentence"),
    [
        (lambda *_: None, as_link, "as something else than a plain file"),
        (drop, None, "its files are not those that its manifest.json lists"),
        (smaller, None, "is not the one its manifest.json says"),
        (other_hash, None, "in it is damaged"),
        (other_version, None, "is damaged or of another version"),
        (bomb, None, "would unpack to 200 times its size or more"),
        (doubled, None, "it names a file twice"),
    ],
    ids=["symbolic link", "file missing", "other size", "other hash", "other version", "bomb", "doubled"],
)
def test_an_archive_that_was_tampered_with_is_refused(
    store: Store,
    archive: Path,
    tmp_path: Path,
    change: Change,
    prepare: Callable[[zipfile.ZipInfo], None] | None,
    sentence: str,
) -> None:
    back_up(store, archive)
    evil = rebuilt(archive, tmp_path / "evil.zip", change, prepare)
    with pytest.raises(InputError) as caught:
        restore(Store(tmp_path / "other"), evil)
    assert sentence in caught.value.sentence
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("place", range(0, 100, 9))
def test_an_archive_damaged_anywhere_changes_nothing(
    store: Store, archive: Path, tmp_path: Path, place: int
) -> None:
    back_up(store, archive)
    content = bytearray(archive.read_bytes())
    content[len(content) * place // 100] ^= 0xFF
    archive.write_bytes(content)
    other = Store(tmp_path / "other")
    try:
        restore(other, archive)
    except InputError:
        assert not other.folder.exists()
    else:  # the damage hit bytes that mean nothing, such as a date
        assert other.load(KEY).time.tolist() == store.load(KEY).time.tolist()


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file at all"])
def test_what_is_no_archive_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InputError, match="is no archive that can be read"):
        restore(Store(tmp_path / "other"), tmp_path / "x.zip")
    with pytest.raises(InputError, match="There is no archive"):
        restore(Store(tmp_path / "other"), tmp_path / "y.zip")


def test_a_disk_without_room_is_said_before_anything_is_written(
    store: Store, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store, archive)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
    with pytest.raises(ShortfallError, match="free some space, then try again: nothing was changed"):
        restore(Store(tmp_path / "other"), archive)
    assert saved_files(tmp_path / "other") == {}


def test_a_locked_file_stays_and_is_said(
    store: Store, archive: Path, windows: WindowsRules, tmp_path: Path
) -> None:
    back_up(store, archive)
    store.append(KEY, bars(40))
    path = store.folder / "linear" / "BTCUSDT_1m.csv"
    before = path.read_bytes()
    with windows.locked(path), pytest.raises(ShortfallError, match="could not be written"):
        restore(store, archive, replace=True)
    assert path.read_bytes() == before
    assert restore(store, archive, replace=True).kept


def test_a_read_only_store_can_be_saved_but_not_restored_into(store: Store, archive: Path) -> None:
    reader = Store(store.folder, CLOCK, read_only=True)
    assert back_up(reader, archive).files == 9
    with pytest.raises(ShortfallError, match="open for reading only"):
        restore(reader, archive)
