"""Alerts: conditions in one sentence, kept in the data folder, watched while the engine runs, told once per cause.

`service.Alerts` watches them in an engine; what stands here reads and changes them without one.
"""

from tradebot.engine.alerts.book import Alert, AlertBook, Told
from tradebot.engine.alerts.conditions import Condition, parse_condition
from tradebot.engine.alerts.watch import Firing, Look, Watcher

__all__ = ["Alert", "AlertBook", "Condition", "Firing", "Look", "Told", "Watcher", "parse_condition"]
