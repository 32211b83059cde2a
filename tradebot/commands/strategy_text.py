"""Strategies as text and JSON for the command line: what is wrong with one, and what one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.backtest.lint.lint import LintFinding
    from tradebot.engine.strategy import Registry, StrategySpec
    from tradebot.engine.strategy.check import CheckedStrategy
    from tradebot.engine.strategy.needs import DataNeed
    from tradebot.engine.strategy.plugins import PluginProblem

_ORDER = ("error", "warning", "hint")
_SAID_BY_THE_CHECK = ("entry_never", "entry_wrong_side", "exit_never")
"""Findings that only repeat, with a count, what the check warns of at the same place."""
_MORE_EXACT = {
    "stop_beyond_liquidation": ("risk.stop_loss.percent",),
    "always_reduced": ("risk.sizing.percent", "risk.sizing.start_percent"),
}
"""Findings that say more exactly what the check could only guess at these places."""


def listing(rows: Sequence[Mapping[str, Any]], templates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Strategies with their market, version and what is wrong, and the templates that one can begin with."""
    lines = []
    for row in rows:
        version = f"v{row['version']}" if row["version"] else "example" if row["example"] else ""
        errors = counted(row["errors"], "error") if row["errors"] else row["title"]
        market = f"{row['timeframe']:<4} {', '.join(row['symbols'])[:30]:<30}"
        lines.append(f"{row['name']:<22} {market} {version:<8} {row['problem'] or errors}".rstrip())
    if not lines:
        lines.append("There are no strategies yet: tradebot strategy new NAME.")
    if templates:
        lines += ["", "Templates (tradebot strategy new NAME --from TEMPLATE):"]
        lines += [f"{each['name']:<22} {each['title']}" for each in templates]
    return lines


def version_text(versions: Sequence[Mapping[str, Any]], shown: int | None) -> str:
    """`version 2 of 3   `, "" where none was kept."""
    current = next((each["number"] for each in versions if each["current"]), None)
    number = current if shown is None else shown
    return f"version {number} of {versions[-1]['number']}   " if versions and number else ""


def problem_rows(
    checked: CheckedStrategy, findings: Sequence[LintFinding], lines: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Everything that is wrong: the file's own faults in its order, then what the data says to it, the gravest first.

    `lines` are those of the file by path; a finding about a value that is not written stands at its section. What both
    say of one place is said once.
    """
    warned = {each.path for each in checked.warnings}
    findings = [each for each in findings if not (each.code in _SAID_BY_THE_CHECK and each.path in warned)]
    exact = {path for each in findings for path in _MORE_EXACT.get(each.code, ())}
    rows: list[dict[str, Any]] = [
        {
            "path": each.path,
            "line": each.line,
            "severity": each.severity.value,
            "sentence": each.sentence,
            "code": "invalid",
            "action": None,
        }
        for each in checked.problems
        if each.path not in exact
    ]
    for finding in findings:
        action = finding.action
        rows.append(
            {
                "path": finding.path,
                "line": _line(finding.path, lines),
                "severity": finding.severity.value,
                "sentence": finding.sentence,
                "code": finding.code,
                "action": None
                if action is None
                else {
                    "collect": list(action.symbols),
                    "timeframes": list(action.timeframes),
                    "since": action.since,
                    "category": action.category.value,
                    "bars": action.bars,
                    "requests": action.requests,
                    "command": action.command,
                },
            }
        )
    return rows


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    parts = path.split(".")
    while parts:
        line = lines.get(".".join(parts))
        if line is not None:
            return line
        parts.pop()
    return None


def problem_lines(rows: Sequence[Mapping[str, Any]], shown: str) -> list[str]:
    """One line for each problem, `file:line: path: sentence`, and below it the command that would help."""
    result = []
    for row in rows:
        place = shown if row["line"] is None else f"{shown}:{row['line']}"
        grade = "" if row["severity"] == "error" else f"{row['severity']}: "
        result.append(": ".join(part for part in (place, row["path"], grade + row["sentence"]) if part))
        if row["action"] is not None:
            result.append(f"    {row['action']['command']}")
    return result


def verdict(rows: Sequence[Mapping[str, Any]], shown: str) -> str:
    """The last line: whether it can run, and how many remarks there are."""
    counts = {grade: sum(row["severity"] == grade for row in rows) for grade in _ORDER}
    named = [counted(count, grade) for grade, count in counts.items() if count]
    if counts["error"]:
        return f"{shown}: {', '.join(named)}."
    return f"{shown}: ready to run{''.join(f', {each}' for each in named)}."


def plugin_rows(problems: Sequence[PluginProblem]) -> list[dict[str, Any]]:
    """The plug-ins that were left out."""
    return [{"file": str(each.file), "line": each.line, "sentence": each.sentence} for each in problems]


def node_rows(spec: StrategySpec, registry: Registry) -> list[dict[str, Any]]:
    """Indicators, signals and groups in the order of the file, with their values; then entry and exit."""
    rows: list[dict[str, Any]] = []
    for name, indicator in spec.indicators.items():
        place = {
            "timeframe": indicator.timeframe.value if indicator.timeframe else None,
            "symbol": indicator.symbol or None,
        }
        rows.append(
            {
                "path": f"indicators.{name}",
                "use": indicator.use,
                "label": registry.indicators[indicator.use].label,
                "values": dict(indicator.parameters) | {key: value for key, value in place.items() if value},
                "enabled": indicator.enabled,
                "note": indicator.note,
            }
        )
    for name, signal in spec.signals.items():
        invert = {"invert": True} if signal.invert else {}
        rows.append(
            {
                "path": f"signals.{name}",
                "use": signal.use,
                "label": registry.signals[signal.use].label,
                "values": dict(signal.parameters) | {"supports": signal.supports.value} | invert,
                "enabled": signal.enabled,
                "note": signal.note,
            }
        )
    rules = [(f"groups.{name}", group.rule, group.enabled, group.note) for name, group in spec.groups.items()]
    rules.append(("entry", spec.entry.rule, True, ""))
    rules += [("exit", spec.exit, True, "")] if spec.exit is not None else []
    for path, rule, enabled, note in rules:
        weights = {"weights": dict(rule.weights)} if rule.weights else {}
        rows.append(
            {
                "path": path,
                "use": rule.combine,
                "label": registry.combinations[rule.combine].label,
                "values": {"signals": list(rule.signals)} | dict(rule.parameters) | weights,
                "enabled": enabled,
                "note": note,
            }
        )
    return rows


def need_rows(needs: Sequence[DataNeed]) -> list[dict[str, Any]]:
    """What the strategy reads; `symbol` None is each symbol that it trades, `timeframe` None settled funding."""
    return [
        {
            "symbol": each.symbol or None,
            "timeframe": each.timeframe.value if each.timeframe else None,
            "look_back_bars": each.look_back,
            "look_back_ms": each.before_ms,
            "execution": each.execution,
            "paths": list(each.paths),
        }
        for each in needs
    ]


def node_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The nodes as a table, section by section, each section after an empty line."""
    lines: list[str] = []
    section = None
    width = max((len(row["path"].rpartition(".")[2]) for row in rows), default=0)
    for row in rows:
        head, _, name = row["path"].rpartition(".")
        if head != section and head:
            lines += ["", head.capitalize()]
        elif head != section:
            lines.append("")
        section = head
        off = "" if row["enabled"] else "  (switched off)"
        shown = f"  {name}" if head else name.capitalize()
        lines.append(f"{shown:<{width + 2}}  {row['use']}  {_values(row['values'])}{off}".rstrip())
    return lines


def _values(values: Mapping[str, Any]) -> str:
    from tradebot.engine.strategy.values import plain

    def text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if isinstance(value, dict):
            return ", ".join(f"{name} {plain(weight)}" for name, weight in value.items())
        if isinstance(value, bool):
            return str(value).lower()
        return value if isinstance(value, str) else plain(value)

    return ", ".join(f"{name} {text(value)}" for name, value in values.items())


def need_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What it reads, one line each, under a heading after an empty line."""
    lines = ["", "Reads"]
    for row in rows:
        owner = row["symbol"] or "each symbol"
        if row["timeframe"] is None:
            lines.append(f"  settled funding of {owner}")
        elif row["execution"]:
            lines.append(
                f"  {row['timeframe']} bars of {owner}, on which orders, stops and targets are walked"
            )
        else:
            before = f", {counted(row['look_back_bars'], 'bar')} before the first value"
            lines.append(f"  {row['timeframe']} bars of {owner}{before if row['look_back_bars'] else ''}")
    return lines


def note_lines(note: str) -> list[str]:
    """The remark of a strategy after an empty line, nothing without one."""
    return ["", note.strip()] if note.strip() else []
