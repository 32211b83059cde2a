"""A whole rule sentence: its side, the clauses joined in it, and what is wrong where it cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tradebot.engine.strategy.rules.clauses import ClauseReader
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.cursor import Part
from tradebot.engine.strategy.rules.document_names import DocumentNames
from tradebot.engine.strategy.rules.scanner import Scanner
from tradebot.engine.strategy.rules.tokens import tokenise
from tradebot.engine.strategy.rules.tree import Around, MisreadError, Rule, Several
from tradebot.engine.strategy.rules.vocabulary import Vocabulary

_LONGEST = 400
_AROUND = "TYWHGF!"
_USUAL_SEQUENCE_BARS = 10


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was read: the rules that are joined by and, the side that was said (0 for none), and mended words."""

    rules: tuple[Rule, ...]
    side: int = 0
    corrected: tuple[tuple[str, str], ...] = ()


def read_sentence(text: str, vocabulary: Vocabulary, context: Context, names: DocumentNames) -> Sentence:
    """The rules that a sentence says. Raises MisreadError where it cannot be read."""
    if len(text) > _LONGEST:
        raise MisreadError(f"a rule is one sentence of at most {_LONGEST} characters")
    scanner = Scanner(tokenise(text), vocabulary, names, context.base)
    parts = scanner.parts()
    if not parts:
        raise MisreadError("nothing is said yet; try rsi below 30")
    sides = {part.value for part in parts if part.code == "I"}
    if len(sides) > 1:
        raise MisreadError("one rule says one side; write a second rule for the other one")
    parts = _with_zones([part for part in parts if part.code != "I"])
    rules = _any(parts, ClauseReader(context))
    return Sentence(rules, sides.pop() if sides else 0, tuple(scanner.corrected))


def _with_zones(parts: list[Part]) -> list[Part]:
    """`between 40 and 60` as one part, so that its `and` joins nothing else."""
    result: list[Part] = []
    at = 0
    while at < len(parts):
        part = parts[at]
        bounds = [each for each in parts[at + 1 : at + 4] if each.code != "&"][:2]
        relation = part.value.name if part.code == "R" else ""
        if relation == "between" and result and result[-1].code == "K":
            at += 1  # `divergence between price and rsi`: both are named, no zone is
            continue
        if (
            relation in ("between", "outside")
            and len(bounds) == 2
            and all(each.code in "SN" for each in bounds)
        ):
            low, high = (float(each.value) if each.code == "N" else each.value for each in bounds)
            result.append(Part("V", (relation, (low, high)), raw=part.raw))
            at += 1 + next(index + 1 for index, each in enumerate(parts[at + 1 :]) if each is bounds[1])
        else:
            result.append(part)
            at += 1
    return result


def _split(parts: list[Part], code: str) -> list[list[Part]]:
    found: list[list[Part]] = [[]]
    for part in parts:
        if part.code == code:
            found.append([])
        else:
            found[-1].append(part)
    return [each for each in found if each]


def _any(parts: list[Part], reader: ClauseReader) -> tuple[Rule, ...]:
    """`a and b or c`: and binds closer than or."""
    branches = [_then(each, reader) for each in _split(parts, "|")]
    if not branches:
        raise MisreadError("nothing is said yet; try rsi below 30")
    if len(branches) == 1:
        return branches[0]
    members = tuple(each[0] if len(each) == 1 else Several("unanimous", each) for each in branches)
    return (Several("any", members),)


def _then(parts: list[Part], reader: ClauseReader) -> tuple[Rule, ...]:
    """`a then b within 10 bars`."""
    steps = _split(parts, ">")
    if len(steps) < 2:
        return _all([part for part in parts if part.code != ">"], reader)
    bars = next((part.value for part in steps[-1] if part.code == "W"), _USUAL_SEQUENCE_BARS)
    steps[-1] = [part for part in steps[-1] if part.code != "W"]
    rules = [_one(_all(each, reader)) for each in steps]
    first = rules[0]
    for following in rules[1:]:
        first = Around("sequence", (first, following), {"bars": bars})
    return (first,)


def _one(rules: tuple[Rule, ...]) -> Rule:
    return rules[0] if len(rules) == 1 else Several("unanimous", rules)


def _all(parts: list[Part], reader: ClauseReader) -> tuple[Rule, ...]:
    """`a and b`; a series or a side that is said once holds for the clauses that follow it."""
    codes = "".join(part.code for part in parts)
    if re.fullmatch(r"(S&?[SN]&?R[RM]?|RS&S)[TYWHGF]*", codes):
        return (reader.read([part for part in parts if part.code != "&"]),)
    rules: list[Rule] = []
    subject: Part | None = None
    for clause in _merged(_split(parts, "&")):
        first = next((part.code for part in clause if part.code not in _AROUND), "")
        if subject is not None and first in ("R", "V", "M", "Z"):
            clause = [subject, *clause]
        rules.append(reader.read(clause))
        subject = next((part for part in clause if part.code == "S"), subject)
    if not rules:
        raise MisreadError("nothing is said yet; try rsi below 30")
    return tuple(rules)


def _merged(clauses: list[list[Part]]) -> list[list[Part]]:
    """`on 4h, rsi below 30`: what only stands around a clause belongs to its neighbour."""
    merged: list[list[Part]] = []
    before: list[Part] = []
    for clause in clauses:
        alone = "".join(part.code for part in clause if part.code not in _AROUND)
        if alone == "S" and merged and any(part.code == "K" for part in merged[-1]):
            merged[-1] = [*merged[-1], *clause]  # `divergence with rsi`
        elif alone:
            merged.append([*before, *clause])
            before = []
        elif merged:
            merged[-1] = [*merged[-1], *clause]
        else:
            before += clause
    return merged
