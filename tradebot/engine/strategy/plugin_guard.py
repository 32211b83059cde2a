"""What a plug-in's functions do wrong once they are in use: a sentence with file and line instead of a crash."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.plugin_loading import Pluggable, home_of, line_in, line_of, said
from tradebot.engine.strategy.registry import IndicatorDeclaration, SignalDeclaration, Values

_LONGEST_LOOK_BACK = 10_000_000


class BrokenPluginError(InputError):
    """A plug-in failed while it was used: `name` is what it declares, `file` and `line` where it failed.

    `node` is the path of what uses it in the strategy, "" where that is not known.
    """

    def __init__(self, name: str, file: str, line: int | None, what: str, node: str = "") -> None:
        place = f"{file}:{line}" if line else file
        self.told = (
            f'the plug-in {place} {what} in "{name}"; mend it there, or leave "{name}" out of the strategy'
        )
        """The fault without its node and the full stop."""
        super().__init__(f"{node + ': ' if node else ''}{self.told}.")
        self.name = name
        self.file = file
        self.line = line
        self.what = what
        self.node = node

    def at(self, node: str) -> BrokenPluginError:
        """The same fault, said of the node of a strategy that met it: `indicators.fast`."""
        return BrokenPluginError(self.name, self.file, self.line, self.what, node)


def guarded(declaration: Pluggable) -> Pluggable:
    """The declaration with all its functions behind a guard: what they raise or return wrongly is a BrokenPluginError.

    A rule that fails says so as what is wrong with the values; words that fail give way to the label.
    """
    guard = _Guard(declaration)
    if isinstance(declaration, IndicatorDeclaration):
        changed: dict[str, Any] = {
            "compute": guard.columns(declaration.compute, len(declaration.outputs), np.dtype(np.float64)),
            "look_back": guard.look_back(declaration.look_back),
        }
    elif isinstance(declaration, SignalDeclaration):
        changed = {"compute": guard.columns(declaration.compute, 2, np.dtype(np.bool_))}
        if not isinstance(declaration.look_back, int):
            changed["look_back"] = guard.look_back(declaration.look_back)
        if declaration.words is not None:
            changed["words"] = guard.words(declaration.words)
    else:
        changed = {"compute": guard.columns(declaration.compute, 1, np.dtype(np.bool_))}
    if declaration.rule is not None:
        changed["rule"] = guard.rule(declaration.rule)
    return replace(declaration, **changed)


class _Guard:
    def __init__(self, declaration: Pluggable) -> None:
        self._declaration = declaration
        self._path = home_of(declaration.compute) or Path()

    def _fault(self, what: str, error: BaseException | None = None) -> BrokenPluginError:
        line = line_in(error, self._path) if error is not None else None
        name = self._path.name or str(self._declaration.compute.__module__)
        return BrokenPluginError(self._declaration.name, name, line or line_of(self._declaration), what)

    def columns(self, compute: Callable[..., Any], count: int, dtype: np.dtype[Any]) -> Callable[..., Any]:
        """The function itself, held to as many columns of that type as its first column has bars."""

        @functools.wraps(compute)
        def checked(*arguments: Any, **values: Any) -> Any:
            try:
                result = compute(*arguments, **values)
            except Exception as error:  # another person's code may raise anything
                raise self._fault(f"ends with {said(error)}", error) from error
            results = result if isinstance(result, tuple) else (result,)
            shape = _shape(arguments)
            wrong = [each for each in results if not _is_column(each, shape, dtype)]
            if len(results) != count or wrong:
                given = f"{len(results)} columns" if len(results) != count else _shown(wrong[0])
                size = shape[0] if shape is not None else "all"
                raise self._fault(f"gives {given} where {count} of {dtype.name} for {size} bars are due")
            return result

        return checked

    def look_back(self, function: Callable[[Values], int]) -> Callable[[Values], int]:
        """The function itself, held to a whole number of bars."""

        @functools.wraps(function)
        def checked(values: Values) -> int:
            try:
                bars: Any = function(values)
            except Exception as error:  # another person's code may raise anything
                raise self._fault(f"ends with {said(error)} in its look_back", error) from error
            if not isinstance(bars, int | np.integer) or not 0 <= bars <= _LONGEST_LOOK_BACK:
                raise self._fault(f"gives {bars!r} as its look_back, which must be a number of bars,")
            return int(bars)

        return checked

    def rule(self, function: Callable[[Values], Iterable[tuple[str, str]]]) -> Callable[[Values], Any]:
        """The function itself; where it fails the values are refused with its line."""

        @functools.wraps(function)
        def checked(values: Values) -> list[tuple[str, str]]:
            try:
                return [(str(name), str(sentence)) for name, sentence in function(values)]
            except Exception as error:  # noqa: BLE001  # another person's code may raise anything
                fault = self._fault(f"ends with {said(error)} in its rule", error)
                name = next((each.name for each in self._declaration.parameters), "use")
                return [(name, f"cannot be checked: {fault.sentence}")]

        return checked

    def words(self, function: Callable[[Mapping[str, str]], tuple[str, str]]) -> Callable[[Any], Any]:
        """The function itself; where it fails the label speaks for it."""
        label = self._declaration.label

        @functools.wraps(function)
        def checked(texts: Mapping[str, str]) -> tuple[str, str]:
            try:
                true, opposite = function(texts)
                return str(true), str(opposite)
            except Exception:  # noqa: BLE001  # another person's code may raise anything
                return f'"{label}" holds', f'the opposite of "{label}" holds'

        return checked


def _shape(arguments: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The shape of the first column among the arguments: alone, or in the list of votes of a combination."""
    for each in arguments:
        if isinstance(each, np.ndarray):
            return tuple(each.shape)
        if isinstance(each, list) and each:
            return _shape(tuple(each))
    return None


def _is_column(given: Any, shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> bool:
    return isinstance(given, np.ndarray) and given.dtype == dtype and (shape is None or given.shape == shape)


def _shown(given: Any) -> str:
    return f"{given.dtype} of shape {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
