"""The CSV data layer: read, append, merge, cache, check, resample, import."""

from tradebot.engine.store.backup import BackupReport, back_up
from tradebot.engine.store.check_findings import CheckReport, Finding, Level
from tradebot.engine.store.compaction import CompactReport, compact
from tradebot.engine.store.funding import Funding
from tradebot.engine.store.holes import Hole
from tradebot.engine.store.importing import ImportFormat, ImportOptions, ImportReport
from tradebot.engine.store.inventory import DatasetInfo
from tradebot.engine.store.restoring import RestoreReport, restore
from tradebot.engine.store.retention import Cut, PruneReport, RetentionRules, prune
from tradebot.engine.store.store import Store
from tradebot.engine.store.tables import MergeResult
from tradebot.engine.store.writer_claim import FolderInUseError, WriterClaim, claim_writer

__all__ = [
    "BackupReport",
    "CheckReport",
    "CompactReport",
    "Cut",
    "DatasetInfo",
    "Finding",
    "FolderInUseError",
    "Funding",
    "Hole",
    "ImportFormat",
    "ImportOptions",
    "ImportReport",
    "Level",
    "MergeResult",
    "PruneReport",
    "RestoreReport",
    "RetentionRules",
    "Store",
    "WriterClaim",
    "back_up",
    "claim_writer",
    "compact",
    "prune",
    "restore",
]
