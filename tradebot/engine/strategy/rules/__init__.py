"""Rules as sentences: "rsi below 30", "ema 9 crosses above ema 21", "ema 200 4h rising".

`parse_rule` reads one, `add_rule` makes the nodes that it needs, `suggest_rules` says how it may go on. `RuleLanguage`
is the same for whoever asks often.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.engine.strategy.form_types import RuleReading, RuleSuggestion
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.rules.language import AddedRule, RuleLanguage, RuleParse

__all__ = ["AddedRule", "RuleLanguage", "RuleParse", "add_rule", "parse_rule", "read_rule", "suggest_rules"]


def parse_rule(
    text: str,
    registry: Registry,
    document: Mapping[str, Any],
    place: str = "entry",
    symbols: tuple[str, ...] = (),
) -> RuleParse:
    """What a sentence would make at a place (entry, exit or groups.<name>); nothing is changed. Never raises."""
    return RuleLanguage(registry, symbols).parse(text, document, place)


def add_rule(
    document: dict[str, Any], place: str, text: str, registry: Registry, symbols: tuple[str, ...] = ()
) -> AddedRule:
    """Put a rule into a document, at a place or (`entry.signals.2`) in a member's place.

    Raises InputError with what was not understood.
    """
    return RuleLanguage(registry, symbols).add(document, place, text)


def suggest_rules(
    text: str,
    registry: Registry,
    document: Mapping[str, Any],
    place: str = "entry",
    symbols: tuple[str, ...] = (),
) -> tuple[RuleSuggestion, ...]:
    """Sentences that a text may become, best first; every one of them parses."""
    return RuleLanguage(registry, symbols).suggest(text, document, place)


def read_rule(
    text: str,
    registry: Registry,
    document: Mapping[str, Any],
    place: str = "entry",
    symbols: tuple[str, ...] = (),
) -> RuleReading:
    """How a text is understood, and how it may go on."""
    return RuleLanguage(registry, symbols).read(text, document, place)
