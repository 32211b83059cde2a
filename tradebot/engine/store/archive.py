"""What may stand in an archive of a data folder, and its manifest."""

from __future__ import annotations

import json
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError

MANIFEST = "manifest.json"
_VERSION = 1
_MANIFEST_MOST_BYTES = 64_000_000
_RATIO_MOST = 200
_SMALL_BYTES = 1_000_000
_CATEGORY_FILE = re.compile(
    r"(linear|inverse|spot)/("
    r"[A-Z0-9][A-Z0-9.-]{0,39}_([0-9]+[mhdw](_mark)?|funding)\.csv(\.journal|\.staged)?"
    r"|instruments\.json|holes\.json|risk_limits\.json)"
)
_RESULT_FILE = re.compile(r"results(/[A-Za-z0-9_][A-Za-z0-9_. +-]{0,119}){1,4}")
# Names that Windows takes for devices, whatever their ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
SOURCE = ".source.json"


def may_be_in_archive(name: str) -> bool:
    """Whether a file of this name inside a data folder belongs into an archive; nothing else is taken out of one.

    Names are relative with forward slashes; the pattern leaves no room for parent folders, drives or devices.
    """
    if name == SOURCE or _CATEGORY_FILE.fullmatch(name):
        return True
    if _RESULT_FILE.fullmatch(name) is None:
        return False
    parts = name.split("/")
    return not any(_DEVICE.fullmatch(part) or part.endswith((".", " ", ".new")) for part in parts)


def is_table(name: str) -> bool:
    """Whether the file holds lines that are appended, so that it is cut at the last whole one."""
    return name.endswith((".csv", ".csv.journal", ".csv.staged")) and not name.startswith("results/")


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One file of an archive: its name, bytes, rows (0 for what is no table) and SHA-256."""

    name: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself: when it was made (ISO 8601), the source of its bars, its files."""

    created: str
    source: str | None
    entries: tuple[ArchiveEntry, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "version": _VERSION,
            "program": "tradebot",
            "created": self.created,
            "source": self.source,
            "files": [
                {"name": entry.name, "bytes": entry.bytes, "rows": entry.rows, "sha256": entry.sha256}
                for entry in self.entries
            ],
        }


def read_manifest(packed: zipfile.ZipFile, archive: Path) -> Manifest:
    """The manifest of an archive whose table of contents fits it; InputError for anything suspicious."""
    infos = packed.infolist()
    names = [info.filename for info in infos]
    if len({name.casefold() for name in names}) != len(names):  # Windows does not tell A from a
        raise _refused(archive, "it names a file twice")
    held = {info.filename: info for info in infos}
    if MANIFEST not in held:
        raise _refused(archive, f"it holds no {MANIFEST}, so it was not made by `tradebot data backup`")
    if held[MANIFEST].file_size > _MANIFEST_MOST_BYTES:
        raise _refused(archive, f"its {MANIFEST} is larger than one can be")
    try:
        content = json.loads(packed.read(MANIFEST))
        manifest = _parsed(content)
    except (
        ValueError,
        KeyError,
        TypeError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
    ):
        raise _refused(archive, f"its {MANIFEST} is damaged or of another version") from None
    listed = {entry.name: entry for entry in manifest.entries}
    if len(listed) != len(manifest.entries) or set(listed) | {MANIFEST} != set(held):
        raise _refused(archive, f"its files are not those that its {MANIFEST} lists")
    for entry in manifest.entries:
        info = held[entry.name]
        if not may_be_in_archive(entry.name) or "\\" in info.orig_filename:
            raise _refused(archive, f'it holds "{entry.name}", which is no file of a data folder')
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise _refused(archive, f'it holds "{entry.name}" as something else than a plain file')
        if info.flag_bits & 0x1:
            raise _refused(archive, f'"{entry.name}" in it is encrypted')
        if info.file_size != entry.bytes:
            raise _refused(archive, f'the size of "{entry.name}" is not the one its {MANIFEST} says')
        if info.file_size > _SMALL_BYTES and info.file_size > _RATIO_MOST * info.compress_size:
            raise _refused(
                archive, f'"{entry.name}" in it would unpack to {_RATIO_MOST} times its size or more'
            )
    return manifest


def _parsed(content: Any) -> Manifest:
    if content["version"] != _VERSION:
        raise ValueError("another version")
    source = content["source"]
    if source is not None and not isinstance(source, str):
        raise TypeError("source")
    entries = []
    for each in content["files"]:
        name, size, rows, digest = each["name"], each["bytes"], each["rows"], each["sha256"]
        if not (isinstance(name, str) and isinstance(size, int) and isinstance(rows, int) and size >= 0):
            raise TypeError("entry")
        entries.append(ArchiveEntry(name, size, rows, str(digest)))
    return Manifest(str(content["created"]), source, tuple(entries))


def _refused(archive: Path, why: str) -> InputError:
    return InputError(
        f"{archive} was not restored because {why}; nothing was changed, use an archive that is whole."
    )
