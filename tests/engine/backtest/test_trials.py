"""The trial ledger counts every run on a span of data once, and says what the best of so many is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import strategy
from tradebot.engine.backtest.figures.trials import FILE_NAME, Trial, TrialLedger, trial_key
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.strategy import parse_strategy


def trial(key: str, sharpe: float | None = 0.1, start: int = 0, end: int = 100, *symbols: str) -> Trial:
    return Trial(symbols or ("AAAUSDT",), start, end, key, sharpe)


def test_each_different_run_on_the_same_data_counts(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    assert ledger.count([trial("a", 0.1)])[0].trials == 1
    assert ledger.count([trial("b", 0.3)])[0].trials == 2
    again = ledger.count([trial("a", 0.1)])[0]
    assert again.trials == 2
    assert again.variance == pytest.approx(np.var([0.1, 0.3], ddof=1))


def test_a_run_without_a_ratio_counts_without_one(tmp_path: Path) -> None:
    count = TrialLedger(tmp_path).count([trial("a", None), trial("b", 0.2)])[1]
    assert (count.trials, count.variance) == (2, 0.0)


def test_only_runs_that_saw_some_of_the_same_data_count(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    ledger.count([trial("later", 0.1, 100, 200), trial("other", 0.1, 0, 100, "BBBUSDT")])
    assert ledger.count([trial("a")])[0].trials == 1
    assert ledger.count([trial("both", 0.1, 50, 150, "AAAUSDT", "BBBUSDT")])[0].trials == 4


def test_ledgers_of_one_folder_see_each_other(tmp_path: Path) -> None:
    one, other = TrialLedger(tmp_path), TrialLedger(tmp_path)
    one.count([trial("a")])
    other.count([trial("b")])
    assert one.count([trial("c")])[0].trials == 3
    assert TrialLedger(tmp_path).count([trial("c")])[0].trials == 3


def test_a_torn_line_costs_one_trial(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    ledger.count([trial("a"), trial("b")])
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-9])
    assert TrialLedger(tmp_path).count([trial("c"), trial("d")])[0].trials == 3
    assert TrialLedger(tmp_path).count([trial("e")])[0].trials == 4


def test_deleting_the_file_forgets(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    ledger.count([trial("a"), trial("b")])
    (tmp_path / FILE_NAME).unlink()
    assert ledger.count([trial("c")])[0].trials == 1


def test_a_folder_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ShortfallError, match=r"could not be counted in .*trials\.jsonl"):
        TrialLedger(tmp_path / "file").count([trial("a")])


def test_the_name_of_a_strategy_makes_no_trial_but_its_values_do() -> None:
    text = strategy()
    key = trial_key([parse_strategy(text)], RunSettings())
    assert key == trial_key([parse_strategy(text.replace("Two means", "Other"))], RunSettings())
    assert key != trial_key([parse_strategy(text.replace("length = 3", "length = 4"))], RunSettings())
    assert key != trial_key([parse_strategy(text)], RunSettings(cash=1.0))
