"""Reads the tables of a strategy document by their declarations and collects every problem on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tradebot.engine.control.errors import did_you_mean
from tradebot.engine.strategy.problems import Path, Problem, Severity, one_of, path_text, shown
from tradebot.engine.strategy.registry import Declaration, Parameter, ParameterKind, Registry, Values
from tradebot.engine.strategy.spec import Use
from tradebot.engine.strategy.values import convert, expected, found, table_example

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_NAMES_SHOWN = 12
_MOST_USES = 20
_LONGEST_SENTENCE = 600


class Reader:
    """Holds the document's lines and the problems found so far; every method reports and goes on."""

    def __init__(self, registry: Registry, lines: Mapping[Path, int | None]) -> None:
        self.registry = registry
        self.problems: list[Problem] = []
        self._lines = lines

    def report(self, path: Path, sentence: str, severity: Severity = Severity.ERROR) -> None:
        """Note a problem at `path`; its line is that of the value, or of the section that lacks it."""
        places = (path[:length] for length in range(len(path), 0, -1))
        known = next((place for place in places if place in self._lines), None)
        line = self._lines[known] if known is not None else None
        self.problems.append(Problem(path_text(path), shown(sentence, _LONGEST_SENTENCE), line, severity))

    @property
    def failed(self) -> bool:
        """Whether an error was reported."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def line(self, path: Path) -> int | None:
        """The line on which this very key stands."""
        return self._lines.get(path)

    def table(self, raw: object, path: Path) -> Mapping[str, object] | None:
        """`raw` as a table, or None after reporting."""
        if isinstance(raw, Mapping):
            return raw
        self.report(path, f"must be a section such as [{path_text(path)}], but {found(raw)}")
        return None

    def section(
        self, document: Mapping[str, object], name: str, required: bool = False
    ) -> dict[str, Any] | None:
        """The values of `[name]`, or None after reporting; a section that is missing is one that gives nothing."""
        if name not in document and required:
            self.report((name,), f"is missing; expected a section [{name}]")
            return None
        table = self.table(document.get(name, {}), (name,))
        return None if table is None else self.values(table, (name,), self.registry.sections[name].parameters)

    def nodes(
        self, document: Mapping[str, object], section: str
    ) -> Iterable[tuple[str, Mapping[str, object]]]:
        """The named tables of `[section.NAME]` whose names can be used."""
        table = self.table(document.get(section, {}), (section,))
        for name, raw in (table or {}).items():
            path: Path = (section, name)
            if not _NAME.fullmatch(name):
                self.report(path, "must be named with letters, digits, _ and -, beginning with a letter")
                continue
            node = raw if isinstance(raw, Mapping) else None
            if node is None:
                self.report(path, f"must be a section such as [{path_text(path)}], but {found(raw)}")
                continue
            yield name, node

    def values(
        self,
        table: Mapping[str, object],
        path: Path,
        parameters: Iterable[Parameter],
        *,
        beside: Iterable[str] = (),
        check_unknown: bool = True,
        hints: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """Every value of `parameters` in its own type, defaults filled in; None when one of them is wrong.

        Optional values that are not given are left out. `beside`: keys that are read elsewhere. `hints`: sentences
        for keys that are not known here but elsewhere.
        """
        known = {parameter.name: parameter for parameter in parameters}
        good = True
        if check_unknown:
            good = self._known_keys(table, path, [*beside, *known], hints or {})
        result: dict[str, Any] = {}
        for name, parameter in known.items():
            if name not in table:
                if parameter.required:
                    self.report((*path, name), f"is missing; expected {expected(parameter)}")
                    good = False
                elif parameter.default is not None:
                    result[name] = parameter.default
                continue
            value = self._value(parameter, table[name], (*path, name))
            if value is None:
                good = False
            else:
                result[name] = value
        return result if good else None

    def _known_keys(
        self, table: Mapping[str, object], path: Path, known: list[str], hints: Mapping[str, str]
    ) -> bool:
        good = True
        for key in table:
            if key in known:
                continue
            good = False
            if key in hints:
                self.report((*path, key), hints[key])
            else:
                close = did_you_mean(key, known)
                self.report((*path, key), f"is not known here; expected {one_of(known)}." + close)
        return good

    def _value(self, parameter: Parameter, raw: object, path: Path) -> Any:
        if parameter.kind is ParameterKind.USE:
            return self.use(raw, path, parameter)
        if parameter.kind is ParameterKind.USES:
            return self._uses(raw, path, parameter)
        if parameter.kind is ParameterKind.TABLE and not isinstance(raw, Mapping):
            self.report(path, f"must be {expected(parameter)}, but {found(raw)}")
            return None
        if parameter.parameters and isinstance(raw, Mapping):
            return self.values(raw, path, parameter.parameters)
        return convert(parameter, raw, lambda below, sentence: self.report((*path, *below), sentence))

    def chosen(
        self, table: Mapping[str, object], path: Path, family: str, key: str = "use"
    ) -> Declaration | None:
        """The declaration that `use` (or `combine`) names, or None after reporting."""
        declarations = self.registry.family(family)
        if key not in table:
            self.report((*path, key), f"is missing; expected {_names(family, declarations)}")
            return None
        name = table[key]
        if isinstance(name, str) and name in declarations:
            return declarations[name]
        if isinstance(name, str) and (family, name) in self.registry.left_out:
            self.report((*path, key), f'names "{name}", but {self.registry.left_out[family, name]}')
            return None
        sentence = f"must be {_names(family, declarations)}, but {found(name)}"
        hint = did_you_mean(name, declarations) if isinstance(name, str) else ""
        self.report((*path, key), sentence + "." + hint if hint else sentence)
        return None

    def use(self, raw: object, path: Path, parameter: Parameter) -> Use | None:
        """A table `{ use = ..., ... }`, or None after reporting."""
        if not isinstance(raw, Mapping):
            first = next(iter(self.registry.family(parameter.family).values()))
            example = table_example(first.parameters, first.name)
            self.report(path, f"must be a table such as {example}, but {found(raw)}")
            return None
        declaration = self.chosen(raw, path, parameter.family)
        if declaration is None:
            return None
        values = self.values(raw, path, declaration.parameters, beside=("use",))
        if values is None or not self.obeys(declaration, values, path):
            return None
        return Use(declaration.name, values)

    def _uses(self, raw: object, path: Path, parameter: Parameter) -> tuple[Use, ...] | None:
        if not isinstance(raw, list):
            single = self.use(raw, path, parameter)
            return None if single is None else (single,)
        if len(raw) > _MOST_USES:
            self.report(path, f"must be a list of at most {_MOST_USES} tables, but has {len(raw)} entries")
            return None
        entries = [self.use(entry, (*path, position), parameter) for position, entry in enumerate(raw, 1)]
        return None if None in entries else tuple(entry for entry in entries if entry is not None)

    def obeys(self, declaration: Declaration, values: Values, path: Path) -> bool:
        """Whether the values fit together as the declaration's rule demands."""
        good = True
        for name, sentence in declaration.rule(values) if declaration.rule else ():
            self.report((*path, name), sentence)
            good = False
        return good


def _names(family: str, declarations: Iterable[str]) -> str:
    """All names of a small family, a few of a large one: a sentence of a hundred names is read by nobody."""
    names = list(declarations)
    if len(names) <= _NAMES_SHOWN:
        return one_of(names)
    return f"the name of one of the {family}, such as {one_of(names[:3])}"
