"""Which processors background work may take: its threads and child processes are kept on them by the system."""

from __future__ import annotations

import ctypes
import os
import sys
import threading

from tradebot.engine.control.jobs import lower_thread_priority

__all__ = ["background_process", "background_thread", "background_workers", "chosen_processors"]


def background_workers(workers: int, most_processors: int) -> int:
    """How many threads are worth having on so many processors (0: no limit)."""
    return max(1, min(workers, most_processors) if most_processors else workers)


def background_thread(most_processors: int = 0) -> None:
    """Make the calling thread one of the background: below-normal priority, on so many processors (0: on all).

    Threads that it starts are kept there too on Linux; macOS keeps none anywhere.
    """
    lower_thread_priority()
    chosen = chosen_processors(usable_processors(), most_processors)
    if not chosen:
        return
    try:
        if sys.platform == "win32":
            kernel32 = ctypes.windll.kernel32
            kernel32.GetCurrentThread.restype = ctypes.c_void_p
            set_mask = kernel32.SetThreadAffinityMask
            set_mask.argtypes, set_mask.restype = (ctypes.c_void_p, ctypes.c_size_t), ctypes.c_size_t
            set_mask(kernel32.GetCurrentThread(), sum(1 << number for number in chosen))
        elif sys.platform == "linux":
            # As its nice value, where a thread may run is its own affair there.
            os.sched_setaffinity(threading.get_native_id(), chosen)
    except OSError:
        return  # a container may forbid it; the number of threads is limited all the same


def background_process(most_processors: int = 0) -> None:
    """The same for a whole process; call it before it starts any thread."""
    background_thread(most_processors)
    if sys.platform == "win32" and most_processors:
        import psutil

        try:
            psutil.Process().cpu_affinity(list(chosen_processors(usable_processors(), most_processors)))
        except (psutil.Error, OSError):
            return


def usable_processors() -> tuple[int, ...]:
    """Numbers of the processors that this process may use, rising; none where the system does not tell."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(os.getpid())))
    if sys.platform == "win32":
        import psutil

        try:
            return tuple(sorted(psutil.Process().cpu_affinity() or ()))
        except (psutil.Error, OSError):
            return ()
    return ()


def chosen_processors(usable: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The last `most` of them, the first ones are left to the screen; none where that is no limit."""
    return usable[-most:] if 0 < most < len(usable) else ()
