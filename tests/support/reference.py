"""The rules of the backtest in plain Python, one function a rule, in the order in which a bar is walked.

`simulate_reference_run(run: ReferenceRun) -> ReferenceResult` walks several strategies and symbols with all rules.
The walk is `reference_walk`, the data stand in `reference_types`; `reference_short.run_of` makes a run of the short
form, `random_runs` makes random ones, `reference_from_spec` says a specification in the words of the reference.

Written from the rules alone (docs: backtest-rules, strategy-format), to be compared with the compiled kernel.
Clarity comes before speed. Recorded prices are used as they stand for fills, marks and funding; whatever is
compared is compared in whole ticks; whatever is computed is put on the tick grid.
"""

from __future__ import annotations

from tests.support.reference_types import ReferenceResult, ReferenceRun
from tests.support.reference_walk import walk


def simulate_reference_run(run: ReferenceRun) -> ReferenceResult:
    """Walk all bars of all symbols and strategies of the run on one clock and return what happened."""
    return walk(run)
