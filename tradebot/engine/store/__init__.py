"""The CSV data layer: read, append, merge, cache, check, resample, import."""

from tradebot.engine.store.funding import Funding
from tradebot.engine.store.importing import ImportFormat, ImportOptions, ImportReport
from tradebot.engine.store.inventory import DatasetInfo
from tradebot.engine.store.store import Store
from tradebot.engine.store.tables import MergeResult

__all__ = ["DatasetInfo", "Funding", "ImportFormat", "ImportOptions", "ImportReport", "MergeResult", "Store"]
