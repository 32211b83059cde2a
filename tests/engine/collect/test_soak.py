"""Whatever goes wrong on the way, the files end up as the exchange's truth: no bar lost, doubled, altered, unfinished.

More seeds: `TRADEBOT_SOAK=2000 python -m pytest tests/engine/collect/test_soak.py`.
One seed as a story: `python -m tests.engine.collect.test_soak SEED`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.engine.collect.soak import run_seed

SEEDS = int(os.environ.get("TRADEBOT_SOAK", "200"))
_PACK = 20


@pytest.mark.parametrize("first", range(0, SEEDS, _PACK))
def test_the_files_end_up_as_the_exchanges_truth(first: int, tmp_path: Path) -> None:
    failed = []
    for seed in range(first, min(first + _PACK, SEEDS)):
        faults = run_seed(seed, tmp_path / str(seed)).faults()
        failed += [f"seed {seed}: {fault}" for fault in faults]
    assert not failed, "\n".join(failed)


def test_a_seed_is_the_same_run_every_time(tmp_path: Path) -> None:
    first, second = (run_seed(7, tmp_path / name) for name in ("a", "b"))
    assert first.story == second.story
    assert first.stored == second.stored


def main() -> None:
    """Tell the story of one seed."""
    seed = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_seed(seed, Path(folder))
    made = outcome.scenario
    print(
        f"seed {seed}: {made.category.value} {made.symbols} mark {len(made.mark)} {made.order} top {made.top} "
        f"{[frame.value for frame in made.timeframes]} stops {made.stops_s}"
    )
    for rule in made.plan.rules:
        print(f"  {rule}")
    print("\n".join(outcome.story))
    print("holes:", outcome.holes)
    print("\n".join(outcome.faults()) or "as the exchange's truth")


if __name__ == "__main__":
    main()
