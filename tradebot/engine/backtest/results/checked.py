"""Putting what the checks of a run found into its stored result."""

from __future__ import annotations

import json
from pathlib import Path

from tradebot.engine.backtest.results.folder import result_document
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import write_atomically


def write_checks(result: BacktestResult, results_folder: Path) -> None:
    """Replace the result.json of a stored result by that of the same result with its checks, in one step.

    InputError where the result was put aside meanwhile, ShortfallError where the disk refuses; what is there stays.
    """
    path = results_folder / result.result_id / "result.json"
    if not path.is_file():
        raise InputError(f"{result.result_id} was put aside while it was checked; its checks are not kept.")
    try:
        write_atomically(path, json.dumps(result_document(result), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise ShortfallError(
            f"The checks of {result.result_id} could not be written to {path} ({error.strerror or 'refused'}); close "
            "programs that have it open, then run the backtest again."
        ) from None
