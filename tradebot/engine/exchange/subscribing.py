"""Requests of topics that the exchange accepts, and what its refusals mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tradebot.engine.market import Category

SPOT_ARGS = 10
REQUEST_ARGS = 100
REQUEST_CHARACTERS = 4_000
# The exchange allows 21,000 characters of topics a connection.
CONNECTION_CHARACTERS = 20_000
_TOKEN = re.compile(r"[\w.\-]+")


def topic_characters(topic: str) -> int:
    """What a topic costs of a connection's allowance: quotes and comma included."""
    return len(topic) + 3


def batches(topics: Iterable[str], category: Category) -> Iterator[list[str]]:
    """Topics in lists that fit into one request each."""
    most = SPOT_ARGS if category is Category.SPOT else REQUEST_ARGS
    batch: list[str] = []
    characters = 0
    for topic in topics:
        size = topic_characters(topic)
        if batch and (len(batch) == most or characters + size > REQUEST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(topic)
        characters += size
    if batch:
        yield batch


def request_text(operation: str, topics: Sequence[str], request_id: str) -> str:
    """A subscribe or unsubscribe request."""
    return json.dumps({"req_id": request_id, "op": operation, "args": list(topics)})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a refused request means: these topics are bad, these are on already, these lists are to be asked again."""

    bad: tuple[str, ...]
    already: tuple[str, ...]
    again: tuple[tuple[str, ...], ...]


def judge_refusal(batch: Sequence[str], words: str) -> Verdict:
    """One bad topic refuses a whole request: find it by the exchange's words, else by halving the request.

    Every list to be asked again is shorter than `batch`, so the search ends.
    """
    tokens = set(_TOKEN.findall(words))
    named = tuple(topic for topic in batch if topic in tokens)
    if named:
        rest = tuple(topic for topic in batch if topic not in tokens)
        again = (rest,) if rest else ()
        already = "already subscribed" in words.lower()
        return Verdict(() if already else named, named if already else (), again)
    if len(batch) == 1:
        return Verdict(tuple(batch), (), ())
    middle = len(batch) // 2
    return Verdict((), (), (tuple(batch[:middle]), tuple(batch[middle:])))
