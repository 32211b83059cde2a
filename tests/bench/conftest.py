"""Benchmarks run where they are asked for, and never as a part of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The plugin's own switch does not hold where the tests run in several processes."""
    if config.getoption("benchmark_only"):
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="a benchmark: run it with --benchmark-only -n 0"))
