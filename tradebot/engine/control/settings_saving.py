"""What the screens and `tradebot config` save: `local.toml`, with the version before it kept.

A person's own file is never written. Everything is checked as a whole before a byte is written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.control.keys import flat_keys
from tradebot.engine.control.settings import SAVED, Resolved, resolve_settings, steps_of
from tradebot.engine.control.settings_schema import spec_of, value_at, value_of

_HEADING = (
    "# Saved by tradebot: its Settings and `tradebot config set` write this file.\n"
    "# local.previous.toml beside it is the version before.\n"
)


class SavedSettings:
    """Saves settings over those of a file; environment and command line (`overrides`) still go over both."""

    def __init__(
        self,
        saved: Path,
        file: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.path = saved
        self._file = file
        self._overrides = overrides
        self._environment = environment

    @property
    def previous(self) -> Path:
        """The version before."""
        return self.path.with_name("local.previous.toml")

    @property
    def can_roll_back(self) -> bool:
        """Whether there is a version before."""
        return self.previous.is_file()

    def read(self) -> Resolved:
        """The settings as they are. Raises InputError."""
        return resolve_settings(self._file, self._overrides, self._environment, self.path)

    def try_out(self, changes: Mapping[str, str | None]) -> Resolved:
        """The settings as they would be. Raises InputError with a sentence for each wrong value.

        `changes` are texts by path; None takes what was saved away.
        """
        return self._resolved(self._changed(changes))

    def save(self, changes: Mapping[str, str | None]) -> Resolved:
        """Check the changes and write them. Raises InputError where one is wrong, ShortfallError on a full disk."""
        import tomli_w

        document = self._changed(changes)
        resolved = self._resolved(document)
        for path in changes:
            if _has(document, path):  # as the schema understands it: a number is written as one
                alone = resolve_settings(None, None, {}, document).settings
                _put(document, path, _plain(value_at(alone, path)))
        self._write(_HEADING + "\n" + tomli_w.dumps(document))
        return resolved

    def roll_back(self) -> None:
        """Put the version before back; once more undoes it. Raises InputError where there is none."""
        if not self.can_roll_back:
            raise InputError("Nothing was saved before; there is no version to go back to.")
        text = self.previous.read_text(encoding="utf-8")
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            before = self.path.read_text(encoding="utf-8") if self.path.is_file() else _HEADING
            write_atomically(self.previous, before)
            write_atomically(self.path, text)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise ShortfallError(
                f"{self.path} could not be written ({reason}); what was saved before stays. Allow writing there."
            ) from None

    def _resolved(self, document: Mapping[str, Any]) -> Resolved:
        try:
            # Alone, so that a wrong value is found though the environment goes over it.
            resolve_settings(None, None, {}, document)
            return resolve_settings(self._file, self._overrides, self._environment, document)
        except InputError as error:
            own = f"{SAVED}: "
            raise InputError(
                "\n".join(line.removeprefix(own) for line in error.sentence.splitlines())
            ) from None

    def _changed(self, changes: Mapping[str, str | None]) -> dict[str, Any]:
        document = self._document()
        if isinstance(document.get("keys"), dict):
            document["keys"] = flat_keys(document["keys"])
        for path, text in changes.items():
            spec = spec_of(path)
            if text is None:
                _drop(document, steps_of(path))
            else:
                _put(document, path, value_of(spec, text))
        return document

    def _document(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {}
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(
                f"{self.path} cannot be read; mend it, or go back with tradebot config rollback."
            ) from None


def _has(document: Mapping[str, Any], path: str) -> bool:
    here: Any = document
    for name in steps_of(path):
        if not isinstance(here, Mapping) or name not in here:
            return False
        here = here[name]
    return True


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *tables, last = steps_of(path)
    for name in tables:
        document = document.setdefault(name, {})
    document[last] = value


def _drop(document: dict[str, Any], steps: Sequence[str]) -> None:
    first, *rest = steps
    if not rest:
        document.pop(first, None)
    elif isinstance(document.get(first), dict):
        _drop(document[first], rest)
        if not document[first]:
            del document[first]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, Mapping) else value
