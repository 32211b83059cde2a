"""The strategies on disk: one TOML file each, the user's own before the examples that came with tradebot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.files import replace_patiently, write_atomically

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """One strategy on disk; `example` where it came with tradebot and is not the user's own."""

    name: str
    path: Path
    example: bool


class StrategyLibrary:
    """Finds, reads and writes strategies. `own` is the user's folder; `examples` is only read."""

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
        file = self.find(name_or_path)
        try:
            return file.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{file.path} is not UTF-8 text; save the strategy file as UTF-8.") from None
        except OSError:
            raise InputError(f"{file.path} cannot be read; check that you may open it.") from None

    def save(self, name: str, toml: str, overwrite: bool = True) -> Path:
        """Write a strategy to the user's folder.

        Raises InputError for a name that cannot be a file name, or one that is taken while `overwrite` is false.
        """
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} cannot name a strategy: use small letters, digits, - and _, at most 60, beginning with a "
                "letter or digit."
            )
        path = self._own / f"{name}.toml"
        try:
            if path.exists() and not overwrite:
                raise InputError(f"There is a strategy {name} already ({path}); choose another name.")
            write_atomically(path, toml if toml.endswith("\n") else toml + "\n")
        except OSError:
            raise InputError(
                f"The strategy could not be written to {path}: the disk is full or writing there is not allowed; "
                "what you typed is kept."
            ) from None
        return path

    def delete(self, name: str) -> Path:
        """Move an own strategy to the folder `deleted` beside it, so that nothing is lost. Examples are refused."""
        file = self.find(name)
        if file.example:
            raise InputError(f"{name} is an example that came with tradebot; it cannot be deleted.")
        target = self._own / "deleted" / file.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_patiently(file.path, target)
        return target

    def free_name(self, wish: str) -> str:
        """A name close to `wish` that is not taken: `My idea!` -> `my-idea`, then `my-idea-2`, ..."""
        base = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-")[:50] or "strategy"
        taken = {file.name for file in self.files()}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        return name

    @staticmethod
    def _names(known: dict[str, StrategyFile]) -> str:
        return ", ".join(known) or "the saved ones (there are none yet)"
