"""The C allocator of this process: few pools of memory, and what was freed back to the system.

Neither changes what a program does, only what it holds. Windows keeps one heap for all threads, so that it needs no
limit; macOS and musl have neither call and are left as they are.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

__all__ = ["give_back_freed_memory", "share_pools"]

_M_ARENA_MAX = -8
_POOLS = 2


def share_pools() -> None:
    """Let all threads allocate from two pools; call it before the first thread starts.

    glibc makes eight for each processor, each of which keeps what it once held: 100 MB of an app with some dozen
    threads. A person's own MALLOC_ARENA_MAX goes first.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        _call(None, "mallopt", ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(_POOLS))


def give_back_freed_memory() -> None:
    """Hand what is free to the system, as after long work. Takes some milliseconds, during which Python goes on."""
    if sys.platform == "linux":
        _call(None, "malloc_trim", ctypes.c_size_t(0))
    elif sys.platform == "win32":
        _call("ucrtbase", "_heapmin")


def _call(library: str | None, function: str, *arguments: Any) -> None:
    try:
        getattr(ctypes.CDLL(library), function)(*arguments)
    except (OSError, AttributeError):
        return  # another C library
