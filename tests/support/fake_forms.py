"""The strategies of the fake engine: the real form model over texts in memory, without a thread and without a disk."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import replace
from typing import Any

from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy import builtin_registry
from tradebot.engine.strategy.editing import edit_strategy
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.rules import RuleLanguage
from tradebot.engine.strategy.templates import new_strategy

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
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


TEMPLATES = (
    m.TemplateView(
        "trend", "Two averages", "Earns in long moves, loses in quiet ranges.", "120 trades, +12.4 %"
    ),
    m.TemplateView("dip", "RSI dip buyer", "Earns in ranges, loses in crashes.", "64 trades, +3.1 %"),
)
_TEMPLATE_TEXTS = {"trend": EXAMPLES["trend-sma"], "dip": EXAMPLES["rsi-dip"]}


@functools.cache
def registry() -> Registry:
    """Every indicator and signal that comes with the program; made once for all tests of a process."""
    return builtin_registry()


@functools.cache
def language() -> RuleLanguage:
    """The rule language of that registry."""
    return RuleLanguage(registry(), SYMBOLS)


def form_of(toml: str) -> m.FormView:
    """The form of a text, as the engine makes it."""
    return build_form(toml, registry(), SYMBOLS)


@functools.lru_cache(maxsize=64)
def head_of(toml: str) -> tuple[dict[str, Any], str]:
    """The head of a strategy and its first error; a snapshot asks for them several times a second."""
    errors = [each.sentence for each in form_of(toml).problems if each.severity == "error"]
    return tomllib.loads(toml).get("strategy", {}), errors[0] if errors else ""


class FakeForms:
    """Answers the commands of building; `mine` are the names that did not come with the program."""

    def __init__(self, strategies: dict[str, str], mine: set[str], now_ms: int) -> None:
        self.strategies = strategies
        self.mine = mine
        self.drafts: dict[str, m.DraftView] = {}
        self.versions: dict[str, list[str]] = {
            name: [strategies[name]] for name in mine if name in strategies
        }
        self._now_ms = now_ms

    def summaries(self) -> tuple[m.StrategySummary, ...]:
        """All strategies, the user's own first."""
        found = []
        for name, text in self.strategies.items():
            head, error = head_of(text)
            found.append(
                m.StrategySummary(
                    name, str(head.get("name", name)), tuple(head.get("symbols", ())),
                    str(head.get("timeframe", "")), name not in self.mine, error,
                    len(self.versions.get(name, ())),
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda each: (each.example, each.name)))

    def answer(self, command: m.BuildCommand) -> Any:
        """The reply of one command."""
        match command:
            case m.OpenForm(name=name):
                return form_of(self._known(self.strategies, name, "strategy"))
            case m.OpenToml(text=text):
                return form_of(text)
            case m.NewStrategy(symbol=symbol):
                return form_of(new_strategy(symbol))
            case m.EditForm(toml=toml, edit=edit):
                edited = edit_strategy(toml, edit, registry(), language())
                return replace(form_of(edited.toml), focus=edited.focus, said=edited.said)
            case m.GetComponents():
                symbols = [
                    m.ComponentChoice("symbols", each, each, "linear, 1m and 1h stored") for each in SYMBOLS
                ]
                return (*component_choices(registry()), *symbols)
            case m.ReadRule(toml=toml, place=place, text=text):
                return language().read(text, tomllib.loads(toml), place)
            case m.GetTemplates():
                return TEMPLATES
            case m.FromTemplate(name=name):
                return form_of(self._known(_TEMPLATE_TEXTS, name, "template"))
        return self._answer_saved(command)

    def _answer_saved(self, command: m.BuildCommand) -> Any:
        match command:
            case m.SaveStrategy(name=name, toml=toml):
                self.strategies[name] = toml
                self.mine.add(name)
                self.drafts.pop(name, None)
                versions = self.versions.setdefault(name, [])
                if not versions or versions[-1] != toml:
                    versions.append(toml)
                return name
            case m.DeleteStrategy(name=name):
                self._known(self.strategies, name, "strategy")
                self.versions.pop(name, None)
                del self.strategies[name]
                return True
            case m.ListVersions(name=name):
                count = len(self.versions.get(name, ()))
                return tuple(
                    m.VersionView(
                        number, self._now_ms - (count - number) * 3_600_000, number == count, "2 values"
                    )
                    for number in range(count, 0, -1)
                )
            case m.OpenVersion(name=name, number=number):
                return form_of(self._version(name, number, ""))
            case m.CompareVersions(name=name, old=old, new=new, toml=toml):
                before, after = (_values(self._version(name, each, toml)) for each in (old, new))
                paths = [path for path in {**before, **after} if before.get(path, "") != after.get(path, "")]
                lines = tuple(m.DiffLine(path, before.get(path, ""), after.get(path, "")) for path in paths)
                return m.VersionDiff(name, old, new, lines)
            case m.KeepDraft(name=name, toml=toml):
                self.drafts[name] = m.DraftView(name, toml, self._now_ms)
                return True
            case m.GetDrafts():
                return tuple(reversed(self.drafts.values()))
            case m.DropDraft(name=name):
                return self.drafts.pop(name, None) is not None
        raise AssertionError(command)

    def _version(self, name: str, number: int, toml: str) -> str:
        if number == 0:
            return toml
        texts = self.versions.get(name, [])
        if not 1 <= number <= len(texts):
            raise InputError(f"There is no version {number} of {name}.")
        return texts[number - 1]

    def _known(self, table: dict[str, Any], key: str, what: str) -> Any:
        if key not in table:
            raise InputError(f'There is no {what} "{key}"; choose one of the list.')
        return table[key]


def _values(toml: str) -> dict[str, str]:
    """Every value of a text by its path."""
    found: dict[str, str] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else key, inner)
        else:
            found[path] = str(value)

    walk("", tomllib.loads(toml))
    return found
