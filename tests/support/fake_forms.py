"""The strategy forms of the fake engine: a small registry, a plausible check, edits as the messages define them."""

from __future__ import annotations

import copy
import re
import tomllib
from typing import Any

import tomli_w

from tradebot.engine.control.errors import InputError
from tradebot.engine.messages import ComponentChoice, FormEdit, FormField, FormProblem, FormSection, FormView

SERIES = ("open", "high", "low", "close", "volume", "hl2", "hlc3")
FRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
# name -> parameter -> (kind, default, low, high)
INDICATORS: dict[str, dict[str, tuple[str, Any, float, float]]] = {
    "sma": {"length": ("int", 20, 1, 5000), "source": ("series", "close", 0, 0)},
    "ema": {"length": ("int", 20, 1, 5000), "source": ("series", "close", 0, 0)},
    "rsi": {"length": ("int", 14, 2, 5000), "source": ("series", "close", 0, 0)},
    "atr": {"length": ("int", 14, 1, 5000)},
    "adx": {"length": ("int", 14, 1, 5000)},
}
SIGNALS: dict[str, dict[str, tuple[str, Any, float, float]]] = {
    "cross": {"a": ("series", "close", 0, 0), "b": ("series", "close", 0, 0)},
    "compare": {"a": ("series", "close", 0, 0), "op": ("choice", ">", 0, 0), "b": ("series", "close", 0, 0)},
    "threshold": {
        "source": ("series", "close", 0, 0),
        "lower": ("float", 30, 0, 0),
        "upper": ("float", 70, 0, 0),
    },
}
COMBINE = ("majority", "weighted", "unanimous", "any", "at_least")
OPTIONS = {
    "stop_loss": ("none", "percent"),
    "take_profit": ("none", "percent"),
    "sizing": ("equity", "notional", "fixed"),
}
COMPONENTS = (
    ComponentChoice("indicators", "sma", "Simple moving average", "Mean of the last bars."),
    ComponentChoice("indicators", "ema", "Exponential moving average", "Mean that weighs recent bars more."),
    ComponentChoice(
        "indicators", "rsi", "Relative strength index", "Share of rises in recent moves, 0 to 100."
    ),
    ComponentChoice("indicators", "atr", "Average true range", "Usual reach of a bar, in price."),
    ComponentChoice("indicators", "adx", "Average directional index", "Strength of a trend, 0 to 100."),
    ComponentChoice("signals", "cross", "Cross", "One series crosses another."),
    ComponentChoice("signals", "compare", "Compare", "One series is above or below another, or a number."),
    ComponentChoice(
        "signals", "threshold", "Threshold", "Below one level supports long, above another short."
    ),
    ComponentChoice("groups", "majority", "Majority", "More signals for than against."),
    ComponentChoice("groups", "unanimous", "Unanimous", "All signals agree."),
)
EXAMPLES = {
    "ema-x": """[strategy]
name = "EMA cross with trend filter"
category = "linear"
symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
timeframe = "5m"

[indicators.fast]
use = "ema"
length = 9

[indicators.slow]
use = "ema"
length = 21

[indicators.trend]
use = "adx"
length = 14

[signals.cross]
use = "cross"
a = "fast"
b = "slow"

[signals.strong]
use = "compare"
a = "trend"
op = ">"
b = 20

[entry]
combine = "unanimous"
signals = ["cross", "strong"]
trigger = "edge"

[risk]
direction = "both"
opposite = "reverse"
sizing = { use = "equity", percent = 130.0 }
stop_loss = { use = "percent", percent = 2.0 }
take_profit = { use = "percent", percent = 4.0 }

[costs]
taker_fee_percent = 0.055
maker_fee_percent = 0.02
""",
    "rsi-dip": """[strategy]
name = "RSI dip buyer"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "15m"

[indicators.rsi]
use = "rsi"
length = 14

[signals.dip]
use = "threshold"
source = "rsi"
lower = 30
upper = 70

[entry]
combine = "any"
signals = ["dip"]

[risk]
direction = "long"
sizing = { use = "equity", percent = 20.0 }
stop_loss = { use = "percent", percent = 3.0 }
""",
    "trend-sma": """[strategy]
name = "Two averages"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1h"

[indicators.short]
use = "sma"
length = 20

[indicators.long]
use = "sma"
length = 50

[signals.cross]
use = "cross"
a = "short"
b = "long"

[entry]
combine = "majority"
signals = ["cross"]

[risk]
direction = "both"
sizing = { use = "equity", percent = 50.0 }
""",
}


def parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("This text is not TOML; look for a missing quote or bracket.") from error


def apply_edit(document: dict[str, Any], edit: FormEdit) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    path = edit.path.split(".")
    if edit.action == "set" and path[0] == "risk" and path[-1] in OPTIONS:
        edit = FormEdit("option", edit.path, edit.text)
    if edit.action == "set":
        table = changed
        for key in path[:-1]:
            table = table.setdefault(key, {})
        if edit.text.strip():
            table[path[-1]] = _value(path, edit.text.strip())
        else:
            table.pop(path[-1], None)
    elif edit.action == "add":
        nodes = changed.setdefault(edit.path, {})
        name, number = edit.text, 2
        while name in nodes:
            name, number = f"{edit.text}{number}", number + 1
        nodes[name] = {"combine": edit.text, "signals": []} if edit.path == "groups" else {"use": edit.text}
    elif edit.action == "remove":
        kind, name = path
        changed.get(kind, {}).pop(name, None)
        for table in (changed.get("entry", {}), changed.get("exit", {}), *changed.get("groups", {}).values()):
            if name in table.get("signals", []):
                table["signals"] = [each for each in table["signals"] if each != name]
    elif edit.action == "toggle":
        node = changed[path[0]][path[1]]
        node["enabled"] = not node.get("enabled", True)
    elif edit.action == "option":
        section = changed.setdefault(path[0], {})
        if edit.text == "none":
            section.pop(path[1], None)
        else:
            defaults = {
                "percent": {"percent": 2.0},
                "equity": {"percent": 10.0},
                "notional": {"amount": 1000},
                "fixed": {"quantity": 1},
            }
            section[path[1]] = {"use": edit.text, **defaults[edit.text]}
    else:
        raise InputError(f'"{edit.action}" is no edit of a form.')
    return changed


def _value(path: list[str], text: str) -> Any:
    if path[-1] in {"symbols", "signals"}:
        return [part.strip() for part in text.split(",") if part.strip()]
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class _Form:
    """Collects the sections and problems of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.sections: list[FormSection] = []
        self.problems: list[FormProblem] = []
        self.series = SERIES + tuple(document.get("indicators", {}))
        self.members = tuple(document.get("signals", {})) + tuple(document.get("groups", {}))

    def problem(self, path: str, sentence: str, severity: str = "error") -> str:
        self.problems.append(FormProblem(path, sentence, severity))
        return sentence

    def field(self, path: str, label: str, kind: str, value: Any, **more: Any) -> FormField:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, list):
            text = ", ".join(str(each) for each in value)
        low, high, sentence = more.get("low"), more.get("high"), ""
        if kind in {"int", "float"} and value is not None:
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or (kind == "int" and not isinstance(value, int))
            ):
                what = "a whole number" if kind == "int" else "a number"
                sentence = self.problem(path, f"{label}: expected {what}, got {text}.")
            elif (low is not None and value < low) or (high is not None and value > high):
                sentence = self.problem(path, f"{label}: must be {low:g} to {high:g}, was {text}.")
        if kind == "choice" and value is not None and text not in more.get("choices", ()):
            sentence = self.problem(path, f"{label}: {text} is not one of {', '.join(more['choices'])}.")
        if kind == "series" and isinstance(value, str) and text not in self.series:
            sentence = self.problem(path, f'{label}: there is no series "{text}".')
        return FormField(path, label, kind, text, problem=sentence, **more)

    def market(self) -> None:
        head = self.document.get("strategy", {})
        fields = [
            self.field("strategy.name", "Name", "text", head.get("name"), help="Shown in lists and results."),
            self.field("strategy.category", "Category", "choice", head.get("category"), choices=("linear", "spot"),
                       default="linear", help="Perpetual contracts in USDT, or spot."),
            self.field("strategy.symbols", "Symbols", "symbols", head.get("symbols", []),
                       help="Names and patterns such as ETH*."),
            self.field("strategy.timeframe", "Timeframe", "choice", head.get("timeframe"), choices=FRAMES,
                       help="Decisions are taken at the close of these bars."),
        ]  # fmt: skip
        if not head.get("symbols"):
            sentence = self.problem("strategy.symbols", "Symbols: name at least one, such as BTCUSDT.")
            fields[2] = FormField("strategy.symbols", "Symbols", "symbols", "", problem=sentence)
        self.sections.append(FormSection("strategy", "market", "Market", tuple(fields)))

    def nodes(self, kind: str, registry: dict[str, dict[str, tuple[str, Any, float, float]]]) -> None:
        for name, node in self.document.get(kind, {}).items():
            use = str(node.get("use", ""))
            fields = []
            for key, (what, default, low, high) in registry.get(use, {}).items():
                more: dict[str, Any] = {"default": str(default)}
                if what == "int":
                    more |= {"low": low, "high": high}
                if what == "series":
                    more["choices"] = tuple(each for each in self.series if each != name)
                if what == "choice":
                    more["choices"] = (">", "<", ">=", "<=")
                fields.append(
                    self.field(f"{kind}.{name}.{key}", key.capitalize(), what, node.get(key, default), **more)
                )
            self.sections.append(
                FormSection(f"{kind}.{name}", kind[:-1], f"{name} · {use}", tuple(fields), removable=True,
                            switchable=True, enabled=bool(node.get("enabled", True)))
            )  # fmt: skip

    def combination(self, path: str, kind: str, title: str, table: dict[str, Any], **more: Any) -> None:
        fields = [
            self.field(f"{path}.combine", "Combine", "choice", table.get("combine", "majority"), choices=COMBINE,
                       default="majority"),
            self.field(f"{path}.signals", "Signals", "members", table.get("signals", []), choices=self.members),
        ]  # fmt: skip
        if kind == "entry":
            fields.append(self.field("entry.trigger", "Trigger", "choice", table.get("trigger", "level"),
                                     choices=("level", "edge"),
                                     default="level", help="While it holds, or only when it begins."))  # fmt: skip
            if not table.get("signals"):
                sentence = self.problem("entry.signals", "Signals: entry needs at least one signal.")
                fields[1] = FormField(
                    "entry.signals", "Signals", "members", "", choices=self.members, problem=sentence
                )
        self.sections.append(FormSection(path, kind, title, tuple(fields), **more))

    def risk(self) -> None:
        risk = self.document.get("risk", {})
        fields = [
            self.field("risk.direction", "Direction", "choice", risk.get("direction", "both"),
                       choices=("both", "long", "short"), default="both"),
            self.field("risk.opposite", "Opposite signal", "choice", risk.get("opposite", "reverse"),
                       choices=("reverse", "close", "ignore"), default="reverse"),
        ]  # fmt: skip
        for name, choices in OPTIONS.items():
            table = risk.get(name) or {}
            use = table.get("use", choices[0])
            label = name.replace("_", " ").capitalize()
            fields.append(
                self.field(f"risk.{name}", label, "choice", use, choices=choices, default=choices[0])
            )
            for key, value in table.items():
                if key != "use":
                    unit = "%" if key == "percent" else ""
                    fields.append(
                        self.field(
                            f"risk.{name}.{key}",
                            f"{label} {key}",
                            "float",
                            value,
                            low=0.01,
                            high=100.0,
                            unit=unit,
                        )
                    )
        fields.append(
            self.field(
                "risk.max_bars",
                "Time stop",
                "int",
                risk.get("max_bars"),
                default="0",
                low=0,
                high=100_000,
                unit="bars",
            )
        )
        self.sections.append(FormSection("risk", "risk", "Risk", tuple(fields)))

    def costs(self) -> None:
        costs = self.document.get("costs", {})
        fields = (
            self.field(
                "costs.taker_fee_percent",
                "Taker fee",
                "float",
                costs.get("taker_fee_percent", 0.055),
                unit="%",
                low=0.0,
                high=5.0,
            ),
            self.field(
                "costs.maker_fee_percent",
                "Maker fee",
                "float",
                costs.get("maker_fee_percent", 0.02),
                unit="%",
                low=0.0,
                high=5.0,
            ),
            self.field("costs.funding", "Funding", "bool", costs.get("funding", True), default="true"),
        )
        self.sections.append(FormSection("costs", "costs", "Costs", fields))


def form_of(document: dict[str, Any]) -> FormView:
    form = _Form(document)
    form.market()
    form.nodes("indicators", INDICATORS)
    form.nodes("signals", SIGNALS)
    for name, table in document.get("groups", {}).items():
        form.combination(f"groups.{name}", "group", f"{name} · group", table, removable=True, switchable=True,
                         enabled=bool(table.get("enabled", True)))  # fmt: skip
    form.combination("entry", "entry", "Entry", document.get("entry", {}))
    form.combination("exit", "exit", "Exit", document.get("exit", {}))
    form.risk()
    form.costs()
    if len(document.get("indicators", {})) > 2:
        form.problem(
            "indicators",
            "Three indicators with free lengths fit the past easily; test on later data.",
            "warning",
        )
    return FormView(tuple(form.sections), tuple(form.problems), _toml(document), _words(document))


def _toml(document: dict[str, Any]) -> str:
    """Lists on one line, as a person writes them."""
    return re.sub(
        r"\[\n((?:    .*,\n)+)\]",
        lambda found: "[" + ", ".join(found[1].replace(",\n", "\n").split()) + "]",
        tomli_w.dumps(document),
    )


def _words(document: dict[str, Any]) -> str:
    head, entry, risk = document.get("strategy", {}), document.get("entry", {}), document.get("risk", {})
    names = " and ".join(entry.get("signals", [])) or "nothing yet"
    market = f"On {head.get('timeframe', '?')} bars of {', '.join(head.get('symbols', [])) or 'no market'}"
    rule = f"enter {risk.get('direction', 'both')} when {names} agree ({entry.get('combine', 'majority')})."
    words = f"{market}: {rule}"
    stop = (risk.get("stop_loss") or {}).get("percent")
    return words + (f" Stop {stop} %." if stop is not None else " No stop.")
