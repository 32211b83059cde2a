"""An archive of a data folder brought back: every hash is verified before anything is touched.

Each file is written beside its place and put there in one step, so that a kill leaves whole files only and a second
run finishes the rest. A file that differs is not overwritten unless asked for, and is then kept under another name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter, counted
from tradebot.engine.store.archive import SOURCE, ArchiveEntry, read_manifest
from tradebot.engine.store.replacing import build_beside
from tradebot.engine.store.side_files import not_written

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

_BLOCK_BYTES = 1_000_000
_SPARE_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was brought back: `restored` files with `rows` rows; `same` were there already; `kept` are the names under
    which differing files were put aside.
    """

    archive: Path
    source: str | None
    restored: int
    rows: int
    same: int
    kept: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        parts = [
            f"{counted(self.restored, 'file')} with {counted(self.rows, 'row')} restored from {self.archive}"
        ]
        if self.same:
            parts.append(f"{counted(self.same, 'file')} stood there already")
        if self.kept:
            more = f" and {len(self.kept) - 1:,} more" if len(self.kept) > 1 else ""
            parts.append(f"what differed was kept as {self.kept[0]}{more}")
        return "; ".join(parts) + "."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "archive": str(self.archive),
            "source": self.source,
            "restored": self.restored,
            "rows": self.rows,
            "same": self.same,
            "kept": list(self.kept),
        }


def restore(
    store: Store,
    archive: Path,
    replace: bool = False,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> RestoreReport:
    """Bring an archive of `back_up` into the folder.

    InputError for an archive that is damaged, is not ours, holds bars of another source than the folder, or would
    overwrite files that differ while `replace` is False: nothing is changed then. ShortfallError where the disk has
    no room or refuses; CancelledError: what was restored stays, a second run finishes.
    """
    store.check_writable()
    try:
        with zipfile.ZipFile(archive) as packed:
            return _Restoring(store, archive, packed, replace, progress, cancel).run()
    except FileNotFoundError:
        raise InputError(
            f"There is no archive {archive}; name one that `tradebot data backup` made."
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise InputError(
            f"{archive} is no archive that can be read (it is damaged or of another kind); nothing was changed, "
            "use one that `tradebot data backup` made."
        ) from None
    except OSError as error:
        raise ShortfallError(
            f"{archive} could not be restored ({(error.strerror or 'refused').lower()}); free some space or allow "
            "reading and writing, then run it again: it goes on where it stopped."
        ) from None


class _Restoring:
    """One call of `restore`."""

    def __init__(
        self,
        store: Store,
        archive: Path,
        packed: zipfile.ZipFile,
        replace: bool,
        progress: Callable[[Progress], None] | None,
        cancel: CancelToken | None,
    ) -> None:
        self._store = store
        self._archive = archive
        self._packed = packed
        self._replace = replace
        self._cancel = cancel
        self._manifest = read_manifest(packed, archive)
        total = 2.0 * sum(entry.bytes for entry in self._manifest.entries)
        self._meter = ProgressMeter(total, "bytes", store.parts.clock, progress or (lambda _: None))

    def run(self) -> RestoreReport:
        """Verify, compare, and only then write."""
        entries = [entry for entry in self._manifest.entries if entry.name != SOURCE]
        for entry in self._manifest.entries:
            for _ in self._blocks(entry, f"verifying {entry.name}"):
                pass
        provenance = self._provenance()
        self._store.parts.provenance.check_mixable(self._manifest.source, provenance)
        missing, differing = self._compared(entries)
        if differing and not self._replace:
            more = f" and {len(differing) - 1:,} more" if len(differing) > 1 else ""
            raise InputError(
                f"{self._store.folder / differing[0].name}{more} differ from the archive and were not overwritten; "
                "nothing was changed: restore into another folder with --data, or say that they are to be replaced "
                "(they are kept under another name)."
            )
        self._check_room([*missing, *differing])
        with self._store.parts.lock.held():
            # First, so that a kill cannot leave bars whose source nobody knows.
            self._store.parts.provenance.take_over(self._manifest.source, provenance)
        kept = [name for entry in (*missing, *differing) for name in self._put(entry)]
        restored = [*missing, *differing]
        return RestoreReport(
            self._archive,
            self._manifest.source,
            len(restored),
            sum(entry.rows for entry in restored),
            len(entries) - len(restored),
            tuple(kept),
        )

    def _provenance(self) -> dict[str, Any]:
        """The archive's imports by dataset."""
        entry = next((entry for entry in self._manifest.entries if entry.name == SOURCE), None)
        if entry is None:
            return {}
        try:
            content = json.loads(b"".join(self._blocks(entry, SOURCE)))
            imports = content.get("imports", {})
        except (ValueError, AttributeError):
            imports = None
        if not isinstance(imports, dict):
            raise InputError(
                f"{self._archive} was not restored because its {SOURCE} is damaged; nothing was changed."
            )
        return imports

    def _compared(self, entries: list[ArchiveEntry]) -> tuple[list[ArchiveEntry], list[ArchiveEntry]]:
        """The files that the folder lacks, and those that it has with another content."""
        missing, differing = [], []
        for entry in entries:
            path = self._store.folder / entry.name
            if not os.path.lexists(path):
                missing.append(entry)
            elif not path.is_file() or path.is_symlink() or _sha256(path, entry.bytes) != entry.sha256:
                differing.append(entry)
        return missing, differing

    def _check_room(self, entries: list[ArchiveEntry]) -> None:
        folder = self._store.folder
        folder.mkdir(parents=True, exist_ok=True)
        wanted, free = sum(entry.bytes for entry in entries) + _SPARE_BYTES, shutil.disk_usage(folder).free
        if wanted > free:
            raise ShortfallError(
                f"{folder} has room for {free / 1e6:,.0f} MB, and {self._archive} unpacks to {wanted / 1e6:,.0f} MB; "
                "free some space, then try again: nothing was changed."
            )

    def _put(self, entry: ArchiveEntry) -> list[str]:
        """Write one file; gives the name under which a differing one was put aside."""
        path = self._store.folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = build_beside(path, self._blocks(entry, entry.name))
        kept: list[str] = []
        try:
            with self._store.parts.lock.held():
                if os.path.lexists(path):
                    aside = _free_name(path)
                    os.replace(path, aside)
                    kept.append(str(aside))
                try:
                    self._store.parts.tables.put_in_place(path, temporary)
                except OSError:
                    for name in kept:
                        os.replace(name, path)
                    raise
        except OSError as error:
            raise not_written(path, error) from None
        finally:
            temporary.unlink(missing_ok=True)
        return kept

    def _blocks(self, entry: ArchiveEntry, note: str) -> Iterator[bytes]:
        """The content of a file of the archive; InputError at its end where it is not what the manifest says."""
        digest, left = hashlib.sha256(), entry.bytes
        with self._packed.open(entry.name) as source:
            while block := source.read(_BLOCK_BYTES):
                if self._cancel is not None:
                    self._cancel.check()
                digest.update(block)
                left -= len(block)
                if left < 0:
                    break
                self._meter.advance(len(block), note)
                yield block
        if left or digest.hexdigest() != entry.sha256:
            raise InputError(
                f'{self._archive} was not restored because "{entry.name}" in it is damaged; nothing of it was '
                "written, use an archive that is whole."
            )


def _sha256(path: Path, size: int) -> str | None:
    """Hash of a file of that size, None for one of another size."""
    if path.stat().st_size != size:
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _free_name(path: Path) -> Path:
    """A name beside the file that nothing has."""
    name = path.with_name(f"{path.name}.before-restore")
    number = 2
    while os.path.lexists(name):
        name = path.with_name(f"{path.name}.before-restore-{number}")
        number += 1
    return name
