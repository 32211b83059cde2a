"""Collecting: history into the store, the live feed after it, and the hybrid of both without a hole or a double."""

from tradebot.engine.collect.history import DEFAULT_CONCURRENCY, collect_history
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import (
    CollectProgress,
    CollectReport,
    DatasetProgress,
    DatasetState,
    Gap,
)
from tradebot.engine.collect.request import CollectRequest, resolve_symbols

__all__ = [
    "DEFAULT_CONCURRENCY",
    "CollectProgress",
    "CollectReport",
    "CollectRequest",
    "DatasetProgress",
    "DatasetState",
    "Gap",
    "StorePort",
    "collect_history",
    "resolve_symbols",
]
