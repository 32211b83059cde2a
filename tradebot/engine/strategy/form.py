"""A strategy's TOML text as a form: sections, fields and rule rows from the declarations, and all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.editing import NAME_KEY
from tradebot.engine.strategy.form_fields import FormFields, value_text
from tradebot.engine.strategy.form_rows import RuleRows
from tradebot.engine.strategy.form_types import (
    ComponentChoice,
    FormField,
    FormProblem,
    FormSection,
    FormView,
    RuleRow,
)
from tradebot.engine.strategy.problems import Problem
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.rules.words import INDICATOR_WORDS
from tradebot.engine.strategy.toml_text import TomlText, read_toml
from tradebot.engine.strategy.words import describe

_HIDDEN = frozenset({"enabled", "note"})
_KINDS = {"indicators": "indicator", "signals": "signal", "groups": "group"}
# Parts of [risk] that people look for in other places; what is not named here stands under risk.
_EXITS = ("stop_loss", "take_profit", "trailing_stop", "break_even", "max_bars")
_LIMITS = (
    *("cooldown_bars", "max_positions", "max_exposure_percent", "max_symbol_exposure_percent"),
    *("max_daily_loss_percent", "max_drawdown_percent", "loss_streak"),
)
_RISK_PARTS = (
    ("risk", "Sides and size", "Which sides are opened, and how large."),
    ("exits", "Stops and targets", "Where a position ends, whatever the rules say."),
    ("limits", "Limits", "When no position is opened, and when everything is closed."),
)

__all__ = ["build_form", "component_choices", "value_text"]


def build_form(
    toml: str,
    registry: Registry,
    symbols: tuple[str, ...] = (),
    defaults: Callable[[str], Mapping[str, str]] | None = None,
) -> FormView:
    """The form of a text. `symbols` are offered for the market; `defaults` gives what is shown for empty fields by
    path, for the category of the strategy.

    A text that is no TOML gives a form without sections and one problem.
    """
    read = read_toml(toml)
    if not isinstance(read, TomlText):
        return FormView((), (_problem(read),), toml)
    checked = check_document(read.document, registry=registry, lines=read.lines)
    problems = tuple(map(_problem, checked.problems))
    words = describe(checked.spec, registry) if checked.spec is not None else ""
    head = read.document.get("strategy")
    category = str(head.get("category", "linear")) if isinstance(head, dict) else "linear"
    shown = defaults(category) if defaults is not None else {}
    fields = FormFields(read.document, registry, problems, symbols, shown)
    rows = tuple(RuleRows(fields).rows())
    sections = tuple(_Sections(fields).sections())
    return FormView(sections, problems, toml, words, rows, _missing(fields, rows))


def component_choices(registry: Registry) -> tuple[ComponentChoice, ...]:
    """Everything that can be added to a strategy: indicators, signals, then groups by their combination."""
    kinds = (("indicators", "indicators"), ("signals", "signals"), ("groups", "combinations"))
    return tuple(
        ComponentChoice(
            kind,
            declaration.name,
            declaration.label,
            declaration.help,
            INDICATOR_WORDS.get(declaration.name, ""),
        )
        for kind, family in kinds
        for declaration in registry.family(family).values()
    )


def _missing(fields: FormFields, rows: tuple[RuleRow, ...]) -> str:
    """What a strategy that is only begun still needs, in one sentence."""
    head = fields.table("strategy")
    entry = [row for row in rows if row.place == "entry" and row.enabled and row.kind != "missing"]
    needed = []
    if not head.get("symbols"):
        needed.append("a symbol to trade, such as BTCUSDT")
    if not head.get("timeframe"):
        needed.append("the bars to decide on, such as 15m")
    if not entry:
        needed.append("a rule to enter by, such as rsi below 30")
    if needed:
        listed = f"{', '.join(needed[:-1])}, and {needed[-1]}" if len(needed) > 1 else needed[0]
        return f"Still needed: {listed}."
    return _sideless(fields)


def _sideless(fields: FormFields) -> str:
    """Whether the rules of the entry hold for both sides at once, so that none is ever taken."""
    table = fields.table("entry")
    long, short = (fields.phrasing.combined(table, side) for side in (0, 1))
    if not long or long != short:
        return ""
    return (
        "No rule of the entry says long or short yet, so no position is ever opened: add one that does, such as close "
        "above ema 200, or begin a rule with long when."
    )


class _Sections:
    """Walks over the document in the order of the drawing."""

    def __init__(self, fields: FormFields) -> None:
        self._fields = fields
        self._registry = fields.registry

    def sections(self) -> Iterator[FormSection]:
        """Market, indicators, signals, groups, entry, exit, orders, the parts of risk, costs."""
        yield self._plain("strategy", "market")
        for section in ("indicators", "signals", "groups"):
            for name, node in nodes_of(self._fields.document, section):
                yield self._node(section, name, node)
        yield self._rule("entry")
        yield self._rule("exit")
        yield self._plain("orders", "orders")
        yield from self._risk()
        yield self._plain("costs", "costs")

    def _plain(self, name: str, kind: str) -> FormSection:
        section = self._registry.sections[name]
        table = self._fields.table(name)
        shown = tuple(each for each in section.parameters if each.name not in _HIDDEN)
        fields = tuple(self._fields.of_table(name, table, shown))
        return FormSection(
            name, kind, section.label, fields, section.help, problem=self._fields.problem(name),
            note=_note(table),
        )  # fmt: skip

    def _node(self, section: str, name: str, node: Mapping[str, Any]) -> FormSection:
        path = f"{section}.{name}"
        key, family = ("combine", "combinations") if section == "groups" else ("use", section)
        declaration = self._registry.family(family).get(str(node.get(key)))
        own = declaration.parameters if declaration is not None else ()
        common = self._registry.sections[section].parameters
        fields = [
            FormField(f"{path}.{NAME_KEY}", "name", "text", name, help="What other nodes call it."),
            self._fields.use(path, node, key, family),
            *(self._fields.field(path, node, each) for each in own),
            *(
                self._fields.field(path, node, each, declaration)
                for each in common
                if each.name not in _HIDDEN
            ),
        ]
        label = declaration.label if declaration is not None else str(node.get(key, "?"))
        return FormSection(
            path,
            _KINDS[section],
            f"{name} · {label}",
            tuple(fields),
            declaration.help if declaration is not None else "",
            removable=True,
            switchable=True,
            enabled=node.get("enabled", True) is not False,
            problem=self._fields.problem(path),
            note=_note(node),
        )

    def _rule(self, name: str) -> FormSection:
        section = self._registry.sections[name]
        table = self._fields.table(name)
        declaration = self._registry.combinations.get(str(table.get("combine", "")))
        own = declaration.parameters if declaration is not None else ()
        fields = [
            self._fields.use(name, table, "combine", "combinations"),
            *self._fields.of_table(name, table, (*own, *section.parameters)),
        ]
        return FormSection(
            name, name, section.label, tuple(fields), section.help, removable=name == "exit" and bool(table),
            problem=self._fields.problem(name),
        )  # fmt: skip

    def _risk(self) -> Iterator[FormSection]:
        table = self._fields.table("risk")
        declared = self._registry.sections["risk"].parameters
        for path, title, about in _RISK_PARTS:
            names = {"exits": _EXITS, "limits": _LIMITS}.get(path)
            shown = [
                each
                for each in declared
                if (each.name in names if names is not None else each.name not in (*_EXITS, *_LIMITS))
            ]
            fields = tuple(self._fields.of_table("risk", table, tuple(shown)))
            problem = self._fields.problem("risk") if path == "risk" else ""
            yield FormSection(path, path, title, fields, about, problem=problem)


def _problem(problem: Problem) -> FormProblem:
    return FormProblem(problem.path, problem.sentence, problem.severity.value, problem.line or 0)


def _note(table: Mapping[str, Any]) -> str:
    return str(table.get("note", ""))
