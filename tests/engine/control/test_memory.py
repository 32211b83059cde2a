"""A budget of memory that all background work shares: leased, waited for, refused where it can never be had."""

from __future__ import annotations

import gc
import threading

import psutil
import pytest

from tradebot.engine.control.errors import CancelledError, ShortfallError
from tradebot.engine.control.memory import Lease, MemoryBudget, background_memory_bytes
from tradebot.engine.control.progress import CancelToken

MB = 1_000_000


def take(budget: MemoryBudget, megabytes: int, told: list[str] | None = None) -> Lease:
    return budget.take(megabytes * MB, "3 symbols", CancelToken(), [].append if told is None else told.append)


def test_the_setting_is_in_megabytes_and_0_means_half_of_the_machine() -> None:
    assert background_memory_bytes(750) == 750 * MB
    assert background_memory_bytes(0) == psutil.virtual_memory().total // 2


def test_what_is_leased_is_counted_until_it_is_given_back_once() -> None:
    budget = MemoryBudget(100 * MB)
    one = take(budget, 60)
    with take(budget, 40):
        assert budget.used_bytes == 100 * MB
    assert budget.used_bytes == 60 * MB
    one.release()
    one.release()
    assert budget.used_bytes == 0


def test_a_lease_that_nobody_holds_any_more_is_given_back() -> None:
    budget = MemoryBudget(100 * MB)
    held = [take(budget, 60)]
    assert budget.used_bytes == 60 * MB
    held.clear()
    gc.collect()
    assert budget.used_bytes == 0


def test_more_than_all_work_may_take_is_refused_with_the_figures_and_what_to_do() -> None:
    with pytest.raises(ShortfallError) as refused:
        take(MemoryBudget(850 * MB), 12_345)
    assert refused.value.sentence == (
        "This needs about 12.3 GB of memory (3 symbols), and background work may take 850 MB; test fewer symbols, a "
        "shorter span or longer bars, or allow more with performance.background_memory_mb."
    )


def test_work_waits_until_others_have_given_enough_back_and_says_so_once() -> None:
    budget = MemoryBudget(100 * MB)
    first = take(budget, 80)
    told: list[str] = []
    waits, done = threading.Event(), threading.Event()

    def later() -> None:
        def hear(sentence: str) -> None:
            told.append(sentence)
            waits.set()

        with budget.take(50 * MB, "1 symbol", CancelToken(), hear):
            done.set()

    thread = threading.Thread(target=later)
    thread.start()
    assert waits.wait(10)
    assert not done.is_set()
    first.release()
    thread.join(10)
    assert done.is_set()
    assert told == [
        "Waits for memory: it needs about 50 MB, and other work holds 80 MB of 100 MB "
        "(performance.background_memory_mb)."
    ]
    assert budget.used_bytes == 0


def test_waiting_can_be_cancelled() -> None:
    budget = MemoryBudget(100 * MB)
    held = take(budget, 80)
    token = CancelToken()
    with pytest.raises(CancelledError):
        budget.take(50 * MB, "", token, lambda _: token.cancel())
    assert budget.used_bytes == 80 * MB
    held.release()
