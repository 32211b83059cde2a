"""What the process asks of its C allocator; elsewhere than on Linux and Windows nothing."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import pytest

from tradebot.engine.control import allocator


class Library:
    """Remembers what is called."""

    def __init__(self, name: str | None, calls: list[tuple[Any, ...]]) -> None:
        self._name, self._calls = name, calls

    def __getattr__(self, function: str) -> Any:
        def called(*arguments: Any) -> int:
            self._calls.append((self._name, function, *(each.value for each in arguments)))
            return 1

        return called


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library(name, made))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    return made


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", [(None, "mallopt", -8, 2), (None, "malloc_trim", 0)]),
        ("win32", [("ucrtbase", "_heapmin")]),
        ("darwin", []),
    ],
)
def test_each_system_is_asked_for_what_it_can(
    calls: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    expected: list[tuple[Any, ...]],
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    allocator.share_pools()
    allocator.give_back_freed_memory()
    assert calls == expected


def test_a_persons_own_choice_goes_first(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    allocator.share_pools()
    assert calls == []


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    allocator.give_back_freed_memory()
    allocator.share_pools()
