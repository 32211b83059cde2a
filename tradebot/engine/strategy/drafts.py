"""Unsaved edits on disk, so that neither a crash nor a closed window loses what was typed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.files import write_atomically

_FILE = re.compile(r"draft-(.*)\.toml")
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Draft:
    """The whole text of what was edited, under the name it was edited as; `kept_ms` is when, by the file's own time."""

    name: str
    toml: str
    kept_ms: int


class Drafts:
    """One file for each name in a folder that may be missing. The text may be anything, also no valid TOML.

    File names hold the name in small letters, digits and %XX for all else, behind a prefix: whatever a person calls a
    strategy is a name that every system takes, and two names never share a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, toml: str) -> None:
        """Keep a text in one step; the one before stays until the new one is whole. Raises InputError."""
        path = self._path(name)
        try:
            write_atomically(path, toml.encode("utf-8", errors="replace"))
        except OSError:
            raise InputError(
                f"The draft could not be kept in {self._folder}: the disk is full or writing there is not allowed. "
                "Save the strategy under a name, or copy its text elsewhere."
            ) from None

    def drop(self, name: str) -> bool:
        """Forget a draft; whether there was one."""
        try:
            self._path(name).unlink()
        except (FileNotFoundError, InputError):
            return False
        except OSError:
            raise InputError(f"The draft {name} could not be removed from {self._folder}.") from None
        return True

    def all(self) -> list[Draft]:
        """Every draft that can be read, the newest first."""
        try:
            entries = [(entry, _FILE.fullmatch(entry.name)) for entry in os.scandir(self._folder)]
        except OSError:
            return []
        found = []
        for entry, match in entries:
            if match is None:
                continue
            try:
                text = Path(entry.path).read_bytes().decode("utf-8", errors="replace")
                found.append((entry.stat().st_mtime_ns, Draft(unquote(match[1]), text, 0)))
            except OSError:
                continue  # it was dropped a moment ago, or another program holds it
        found.sort(key=lambda pair: (-pair[0], pair[1].name))
        return [Draft(draft.name, draft.toml, time_ns // 1_000_000) for time_ns, draft in found]

    def _path(self, name: str) -> Path:
        coded = "".join(
            sign
            if re.fullmatch(r"[a-z0-9_-]", sign)
            else "".join(f"%{byte:02x}" for byte in sign.encode("utf-8"))
            for sign in name.encode("utf-8", errors="replace").decode("utf-8")
        )
        if len(coded) > _LONGEST_NAME:
            raise InputError(f"The name of a draft is too long: {name[:40]}... Choose a shorter one.")
        return self._folder / f"draft-{coded}.toml"
