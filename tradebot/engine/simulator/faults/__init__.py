"""Faults that the simulated exchange makes on purpose: plans of rules, and what carries them out.

A plan is a TOML or JSON file of `[[fault]]` tables. Each rule says what goes wrong (`kind`, see `kinds.KINDS`), where
(`where`: a REST path or stream topic with `*`; `symbol`, `category`, `interval`), when (`nth`, `every`, `probability`,
`count`, `from`, `until`) and how long or how much (`seconds` and others, see `rule.FaultRule`).
"""

from tradebot.engine.simulator.faults.board import FaultBoard
from tradebot.engine.simulator.faults.plan import FaultPlan, parse_plan, read_plan
from tradebot.engine.simulator.faults.random_plan import random_plan
from tradebot.engine.simulator.faults.rule import FaultRule

__all__ = ["FaultBoard", "FaultPlan", "FaultRule", "parse_plan", "random_plan", "read_plan"]
