"""Running a plug-in's text, and what it declares: in the trial's process as in the app's."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tradebot import __version__
from tradebot.engine.strategy.registry import (
    CombinationDeclaration,
    IndicatorDeclaration,
    SignalDeclaration,
)

ENTRY_POINTS = "tradebot.plugins"
"""The group of entry points under which an installed package names modules that are plug-ins."""

Pluggable = IndicatorDeclaration | SignalDeclaration | CombinationDeclaration


class PluginError(Exception):
    """A plug-in cannot be taken in; `line` is where, None where no line is to blame.

    `lasting`: the same text will fail again, whatever else is installed or stands on the disk.
    """

    def __init__(self, sentence: str, line: int | None = None, lasting: bool = True) -> None:
        super().__init__(sentence)
        self.line = line
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class PluginSource:
    """Where a plug-in comes from: a file, or with `module` an installed module. `digest` names its content."""

    path: str
    digest: str
    module: str = ""

    @property
    def shown(self) -> str:
        """What sentences call it: the file's name, or that of the module."""
        return self.module or Path(self.path).name


def file_sources(folder: Path) -> Iterator[PluginSource | tuple[Path, str]]:
    """The plug-ins of a folder in the order of their names; (path, sentence) for one that cannot be read."""
    for path in sorted(folder.glob("*.py")):
        if path.name[0] in "_.":
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            yield path, f"the file cannot be read ({error.strerror})."
        else:
            yield PluginSource(str(path), digest_of(content))


def installed_sources() -> list[PluginSource]:
    """The plug-ins of installed packages, by name; nothing of them is imported here."""
    import importlib.metadata  # here: it costs more than all the rest, where only the guard is wanted

    found = []
    for each in importlib.metadata.entry_points(group=ENTRY_POINTS):
        about = f"{each.dist.name} {each.dist.version}" if each.dist is not None else ""
        found.append(PluginSource("", digest_of(f"{each.name} {each.value} {about}".encode()), each.module))
    return sorted(found, key=lambda source: source.module)


def digest_of(content: bytes) -> str:
    """A hash of a plug-in's content for this version of tradebot and of Python."""
    version = f"{__version__} {sys.version_info[:2]}\n".encode()
    return hashlib.sha256(version + content).hexdigest()


def declarations_of(source: PluginSource) -> list[Pluggable]:
    """Run a plug-in and take what it declares, in its order. Raises PluginError."""
    module = _imported(source) if source.module else _run(Path(source.path), source.digest)
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, Pluggable) and each.compute.__module__ == module.__name__
    ]
    if not found:
        raise PluginError("it declares nothing; put @indicator(...) or @signal(...) above a function.")
    return list({id(each): each for each in found}.values())


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
    except ValueError as error:
        raise PluginError(f"it is no valid Python: {error}.") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # another person's code may raise anything
        raise _ended(error, path) from None
    return module


def _imported(source: PluginSource) -> ModuleType:
    try:
        return importlib.import_module(source.module)
    except SyntaxError as error:
        raise PluginError(f"it is no valid Python: {error.msg}.", error.lineno) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # another person's code may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        raise _ended(error, Path(frames[-1].filename) if frames else Path()) from None


def _ended(error: BaseException, path: Path) -> PluginError:
    # What is missing today may be installed tomorrow.
    lasting = not isinstance(error, ImportError | OSError)
    return PluginError(f"it ends with {said(error)}.", line_in(error, path), lasting)


def said(error: BaseException) -> str:
    """An exception in one line: `ZeroDivisionError: division by zero`."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": .")


def line_in(error: BaseException, path: Path) -> int | None:
    """The innermost line of a file that an exception passed through."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return lines[-1] if lines else None


def home_of(function: Any) -> Path | None:
    """The file that a function was written in, also behind decorators and compilers."""
    code = getattr(innermost(function), "__code__", None)
    return Path(code.co_filename) if code is not None else None


def line_of(declaration: Pluggable) -> int | None:
    """The line of the file at which a declaration begins."""
    code = getattr(innermost(declaration.compute), "__code__", None)
    return int(code.co_firstlineno) if code is not None else None


def innermost(function: Any) -> Any:
    """The function behind wrappers: those of functools, and numba's `py_func`."""
    for _depth in range(20):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "py_func", None)
        if inner is None:
            break
        function = inner
    return function
