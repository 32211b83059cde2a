"""The CSV data layer: read, append, merge, cache, check, resample, import."""

from tradebot.engine.store.checking import CheckReport, Finding, Level
from tradebot.engine.store.funding import Funding
from tradebot.engine.store.importing import ImportFormat, ImportOptions, ImportReport
from tradebot.engine.store.inventory import DatasetInfo
from tradebot.engine.store.store import Store
from tradebot.engine.store.tables import MergeResult

__all__ = [
    "CheckReport",
    "DatasetInfo",
    "Finding",
    "Funding",
    "ImportFormat",
    "ImportOptions",
    "ImportReport",
    "Level",
    "MergeResult",
    "Store",
]
