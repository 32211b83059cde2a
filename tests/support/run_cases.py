"""The table of the rules, worked out by hand: every row, those of the short form first, in the order of the rules."""

from __future__ import annotations

from tests.support.rule_cases import PLAIN_CASES
from tests.support.run_case import RunCase, run_case_of
from tests.support.run_cases_adds import ADDS
from tests.support.run_cases_funding import FUNDING
from tests.support.run_cases_levels import SHARES, STOPS
from tests.support.run_cases_limits import DAILY_LOSS, DRAWDOWN, LOSS_STREAK
from tests.support.run_cases_margin import LEVERAGE, LIQUIDATION
from tests.support.run_cases_moving import MOVING_STOPS
from tests.support.run_cases_orders import LIMIT_ENTRIES, STOP_ENTRIES
from tests.support.run_cases_portfolio import DELISTED, FINER_BARS, STRATEGIES
from tests.support.run_cases_sizes import CAPS, IMPACTS, SIZINGS

RUN_CASES: tuple[RunCase, ...] = (
    *(run_case_of(case) for case in PLAIN_CASES),
    *LIMIT_ENTRIES,
    *STOP_ENTRIES,
    *STOPS,
    *SHARES,
    *MOVING_STOPS,
    *LIQUIDATION,
    *LEVERAGE,
    *FUNDING,
    *SIZINGS,
    *CAPS,
    *IMPACTS,
    *DAILY_LOSS,
    *DRAWDOWN,
    *LOSS_STREAK,
    *ADDS,
    *FINER_BARS,
    *STRATEGIES,
    *DELISTED,
)
