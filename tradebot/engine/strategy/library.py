"""The strategies on disk: one TOML file each with its versions, the user's own before those that came with tradebot.

Beside `my-idea.toml` stands `versions/my-idea/0001.toml` and so on, one for each text that was saved. A version is
written before the strategy itself is replaced, so that a kill at any moment loses neither.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.files import replace_patiently, write_atomically

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_VERSION = re.compile(r"(\d{4,9})\.toml")
# Windows takes these for devices, whatever stands behind a dot.
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)))
)


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """One strategy on disk; `example` where it came with tradebot and is not the user's own."""

    name: str
    path: Path
    example: bool


@dataclass(frozen=True, slots=True)
class StrategyVersion:
    """One saved text of a strategy; `current` is the newest that equals the strategy as it is now."""

    number: int
    path: Path
    saved_ms: int
    current: bool


class StrategyLibrary:
    """Finds, reads and writes strategies. `own` is the user's folder; `examples` is only read. Several may share it."""

    def __init__(self, own: Path, examples: Path) -> None:
        self._own = own
        self._examples = examples

    def files(self) -> list[StrategyFile]:
        """All strategies by name; an own one hides the example of the same name."""
        found: dict[str, StrategyFile] = {}
        same_folder = self._examples.is_dir() and self._own.is_dir() and self._examples.samefile(self._own)
        for folder, example in ((self._examples, not same_folder), (self._own, False)):
            for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
                found[path.stem] = StrategyFile(path.stem, path, example)
        return [found[name] for name in sorted(found)]

    def find(self, name_or_path: str) -> StrategyFile:
        """A strategy by its name or by the path of its file.

        Raises InputError naming the nearest known strategy.
        """
        path = Path(name_or_path)
        if path.is_file():
            return StrategyFile(path.stem, path, example=False)
        known = {file.name: file for file in self.files()}
        if name_or_path in known:
            return known[name_or_path]
        if path.suffix == ".toml" and path.stem in known and path.parent == Path():
            return known[path.stem]
        raise InputError(
            f"There is no strategy {name_or_path}: neither a file nor one of {self._names(known)}."
            f"{did_you_mean(name_or_path, known)}"
        )

    def read(self, name_or_path: str) -> str:
        """The TOML text of a strategy. Raises InputError where it is unknown or not readable."""
        return read_text(self.find(name_or_path).path)

    # ---- saving

    def save(self, name: str, toml: str, overwrite: bool = True) -> Path:
        """Write a strategy to the user's folder as a new version; a text that is the current one makes none.

        Raises InputError for a name that cannot be a file name, or one that is taken while `overwrite` is false.
        """
        check_name(name)
        path = self._own / f"{name}.toml"
        text = toml if toml.endswith("\n") else toml + "\n"
        try:
            if path.exists() and not overwrite:
                raise InputError(f"There is a strategy {name} already ({path}); choose another name.")
            self._keep_version(name, path, text)
            write_atomically(path, text)
        except OSError:
            raise InputError(
                f"The strategy could not be written to {path}: the disk is full or writing there is not allowed; "
                "what you typed is kept."
            ) from None
        return path

    def _keep_version(self, name: str, path: Path, text: str) -> None:
        """Keep the new text as a version, and before it the file's own where somebody changed it by hand."""
        numbers = self._numbers(name)
        newest = _plain_text(self._version_path(name, numbers[-1])) if numbers else None
        present = _plain_text(path) if path.is_file() else None
        if present is not None and present != newest:
            self._write_version(name, path.read_bytes())
            newest = present
        if newest != text:
            self._write_version(name, text.encode("utf-8"))

    def _write_version(self, name: str, content: bytes) -> None:
        folder = self._version_path(name, 1).parent
        folder.mkdir(parents=True, exist_ok=True)
        taken = (_VERSION.fullmatch(entry.name) for entry in folder.iterdir())
        number = max((int(found[1]) for found in taken if found), default=0)
        while True:
            number += 1
            path = self._version_path(name, number)
            try:
                path.open("xb").close()  # takes the number, also from another process
            except FileExistsError:
                continue
            write_atomically(path, content)
            return

    def delete(self, name: str) -> Path:
        """Move an own strategy and its versions to the folder `deleted` beside it, so that nothing is lost.

        Examples are refused. Where one of that name was deleted before, both are kept.
        """
        file = self.find(name)
        if file.example:
            raise InputError(f"{name} is an example that came with tradebot; it cannot be deleted.")
        deleted = self._own / "deleted"
        stem, number = file.name, 2
        while (deleted / f"{stem}.toml").exists() or (deleted / "versions" / stem).exists():
            stem, number = f"{file.name}-{number}", number + 1
        target = deleted / f"{stem}.toml"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_patiently(file.path, target)
            versions = self._version_path(file.name, 1).parent
            if versions.is_dir() and file.path.parent == self._own:
                (deleted / "versions").mkdir(exist_ok=True)
                replace_patiently(versions, deleted / "versions" / stem)
        except OSError:
            raise InputError(
                f"{name} could not be moved to {deleted}: another program has it open, or writing there is not allowed."
            ) from None
        return target

    # ---- versions

    def versions(self, name: str) -> list[StrategyVersion]:
        """The versions of an own strategy, the oldest first; none for an example."""
        path = self._own / f"{name}.toml"
        numbers = self._numbers(name)
        now = _plain_text(path) if path.is_file() else None
        current = next(
            (each for each in reversed(numbers) if _plain_text(self._version_path(name, each)) == now), None
        )
        return [
            StrategyVersion(each, version, version.stat().st_mtime_ns // 1_000_000, each == current)
            for each in numbers
            for version in [self._version_path(name, each)]
        ]

    def newest_version(self, name: str) -> int:
        """The number of the newest version, 0 where there is none."""
        return max(self._numbers(name), default=0)

    def read_version(self, name: str, number: int) -> str:
        """The text of a version. Raises InputError where there is none of that number."""
        numbers = self._numbers(name)
        if number not in numbers:
            known = f"it has {numbers[0]} to {numbers[-1]}" if numbers else "it was never saved here"
            raise InputError(f"There is no version {number} of {name}: {known}.")
        return read_text(self._version_path(name, number))

    def _numbers(self, name: str) -> list[int]:
        """The versions there are; an empty file is one that was never finished."""
        if not _NAME.fullmatch(name):
            return []
        folder = self._version_path(name, 1).parent
        try:
            found = [(_VERSION.fullmatch(entry.name), entry) for entry in os.scandir(folder)]
        except OSError:
            return []
        return sorted(int(match[1]) for match, entry in found if match and entry.stat().st_size)

    def _version_path(self, name: str, number: int) -> Path:
        return self._own / "versions" / name / f"{number:04}.toml"

    # ---- names

    def free_name(self, wish: str) -> str:
        """A name close to `wish` that is not taken: `My idea!` -> `my-idea`, then `my-idea-2`, ..."""
        base = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-")[:50] or "strategy"
        base = f"{base}-strategy" if base in _DEVICES else base
        taken = {file.name for file in self.files()}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        return name

    @staticmethod
    def _names(known: dict[str, StrategyFile]) -> str:
        return ", ".join(known) or "the saved ones (there are none yet)"


def check_name(name: str) -> None:
    """Raise InputError where a strategy's name cannot be a file's name on every system."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a strategy: use small letters, digits, - and _, at most 60, beginning with a "
            "letter or digit."
        )
    if name in _DEVICES:
        raise InputError(f"{name!r} is a device to Windows and cannot name a file; choose another name.")


def _plain_text(path: Path) -> str:
    """A text as it is compared: whatever its line ends, and whether or not it is UTF-8."""
    return path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


def read_text(path: Path) -> str:
    """The text of a strategy file. Raises InputError where it is not readable or no UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save the strategy file as UTF-8.") from None
    except OSError:
        raise InputError(f"{path} cannot be read; check that you may open it.") from None
