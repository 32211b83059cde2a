"""Plug-ins: a person's own indicators and signals, one Python file or more in the folder `plugins` of the settings.

A file is a plain module whose decorated functions are taken into the registry. A file with anything wrong in it is left
out as a whole and named with the line; everything else works. Before it is taken in, each function is tried on random
bars: it must return columns of the right shape, and the same values when later bars are not known yet.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tradebot import __version__
from tradebot.engine.control.files import write_atomically
from tradebot.engine.strategy.registry import (
    Declaration,
    IndicatorDeclaration,
    Registry,
    SignalDeclaration,
    builtin_registry,
)

_TRIED = ".tried.json"


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why a plug-in was left out: its file, the line where it is known, and a sentence."""

    file: Path
    line: int | None
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file.name}:{self.line}" if self.line else self.file.name
        return f"The plug-in {place} was left out: {self.sentence}"


class PluginError(Exception):
    """A plug-in cannot be taken in; `line` is where, None where no line is to blame."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


def load_registry(folder: Path) -> tuple[Registry, tuple[PluginProblem, ...]]:
    """A new registry of everything that comes with the program and of the plug-ins in `folder`, which may be missing.

    Files are read in the order of their names; those that begin with `_` or `.` are no plug-ins.
    """
    registry = builtin_registry()
    problems = []
    files = [path for path in sorted(folder.glob("*.py")) if path.name[0] not in "_."]
    tried = _read_tried(folder) if files else set()
    passed = set()
    homes: dict[tuple[str, str], str] = {}
    for path in files:
        try:
            declarations, digest = _declarations(path)
            _check_names(declarations, registry, homes)
            if digest not in tried:
                _try(declarations, path)
            passed.add(digest)
            for each in declarations:
                registry.add(each)
                homes[each.family, each.name] = path.name
        except PluginError as error:
            problems.append(PluginProblem(path, error.line, str(error)))
    if passed - tried:
        _write_tried(folder, passed)
    return registry, tuple(problems)


def _declarations(path: Path) -> tuple[list[Declaration], str]:
    """What a file declares, in its order, and a hash of its content."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise PluginError(f"the file cannot be read ({error.strerror}).") from None
    digest = hashlib.sha256(__version__.encode() + b"\n" + source).hexdigest()
    module = _run(path, digest)
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, IndicatorDeclaration | SignalDeclaration)
        and each.compute.__module__ == module.__name__
    ]
    if not found:
        raise PluginError("it declares nothing; put @indicator(...) or @signal(...) above a function.")
    return list({id(each): each for each in found}.values()), digest


def _run(path: Path, digest: str) -> ModuleType:
    # The name holds the content's hash, so that columns kept for an older text are not taken for those of a newer one.
    name = f"tradebot_plugin_{path.stem}_{digest[:12]}"
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    if spec is None:
        raise PluginError("it cannot be loaded as a Python module.")
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and numba look a function's module up there
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102  # a plug-in is code to be run
    except SyntaxError as error:
        raise PluginError(f"it is no valid Python: {error.msg}.", error.lineno) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # another person's code may raise anything
        raise PluginError(f"it ends with {_said(error)}.", line_in(error, path)) from None
    return module


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": .")


def line_in(error: BaseException, path: Path) -> int | None:
    """The innermost line of a file that an exception passed through."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return lines[-1] if lines else None


def _line_of(declaration: IndicatorDeclaration | SignalDeclaration) -> int:
    return int(declaration.compute.__code__.co_firstlineno)


def _check_names(
    declarations: list[Declaration], registry: Registry, homes: dict[tuple[str, str], str]
) -> None:
    names: set[tuple[str, str]] = set()
    for each in _both(declarations):
        key = (each.family, each.name)
        if key in names or each.name in registry.family(each.family):
            where = "this file" if key in names else homes.get(key, "tradebot itself")
            raise PluginError(
                f'the name "{each.name}" is taken among the {each.family} by {where}; choose another.',
                _line_of(each),
            )
        names.add(key)


def _try(declarations: list[Declaration], path: Path) -> None:
    from tradebot.engine.strategy.plugin_trial import fault  # here: only a file that changed is tried

    for each in _both(declarations):
        try:
            sentence = fault(each)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # another person's code may raise anything
            line = line_in(error, path) or _line_of(each)
            raise PluginError(f'"{each.name}" fails on ordinary bars with {_said(error)}.', line) from None
        if sentence:
            raise PluginError(f'"{each.name}" {sentence}', _line_of(each))


def _both(declarations: list[Declaration]) -> Iterator[IndicatorDeclaration | SignalDeclaration]:
    for each in declarations:
        if isinstance(each, IndicatorDeclaration | SignalDeclaration):
            yield each


def _read_tried(folder: Path) -> set[str]:
    try:
        return set(json.loads((folder / _TRIED).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there yet, or damaged: everything is tried again
        return set()


def _write_tried(folder: Path, digests: set[str]) -> None:
    try:
        write_atomically(folder / _TRIED, json.dumps(sorted(digests)))
    except OSError:  # a folder that is only read: the trial is repeated at the next start
        return
