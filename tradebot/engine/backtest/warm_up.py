"""Compiling the kernels once per version, in a process of its own (`python -m` this module)."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.processors import background_process
from tradebot.engine.control.progress import CancelToken

MARKER = "ready"
_POLL_SECONDS = 0.05
_SENTENCE = "Compiling the backtest kernel for this version, once; it takes about {seconds:.0f} s."
_USUAL_SECONDS = 15.0


def kernels_ready(cache: Path | None = None) -> bool:
    """Whether the kernels of this version are compiled in `cache` (default: the folder that this process uses).

    Cheap enough for every start: it hashes the kernel sources and looks for one file.
    """
    return (_folder(cache) / MARKER).is_file()


def compile_kernels_in_child(
    report: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
    cache: Path | None = None,
    processors: int = 0,
) -> None:
    """Fill the cache in a child process and wait for it; at once where it is filled.

    The child is one of the background: below-normal priority, on so many `processors` (0: on all).
    `report` gets one sentence before and one after. Raises ShortfallError where the child fails, CancelledError
    where the wait was cancelled (the child ends then).
    """
    if kernels_ready(cache):
        return
    tell = report or _silent
    tell(_SENTENCE.format(seconds=_USUAL_SECONDS))
    base = _folder(cache).parent
    command = [sys.executable, "-X", "utf8", "-m", "tradebot.engine.backtest.warm_up", "--cache", str(base)]
    command += ["--processors", str(processors)]
    child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # On Windows: no console window pops up beside the terminal app.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        started = time.monotonic()
        while child.poll() is None:
            if cancel is not None:
                cancel.check()
            try:
                child.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        output = child.stdout.read().decode(errors="replace").strip() if child.stdout else ""
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()
    if child.returncode != 0 or not kernels_ready(cache):
        last_line = output.splitlines()[-1] if output else "it said nothing"
        raise ShortfallError(
            f"The backtest kernel could not be compiled into {_folder(cache)} ({last_line}); "
            "check that the folder can be written, or delete it, and try again."
        )
    tell(f"The backtest kernel was compiled in {time.monotonic() - started:.0f} s.")


def compile_kernels(cache: Path | None = None) -> None:
    """Compile everything in this process and mark the cache as filled."""
    from tradebot.engine.control.compiling import use_cache_folder

    folder = _folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    use_cache_folder(folder.parent)
    from tradebot.engine.backtest.rehearsal import rehearse

    rehearse()
    (folder / MARKER).write_text("compiled\n", encoding="utf-8")


def _folder(cache: Path | None) -> Path:
    from tradebot.engine.control.compiling import cache_folder, kernel_hash

    return cache_folder() if cache is None else cache / kernel_hash()


def keep_kernels_below(folder: Path) -> None:
    """Compile into `folder` in this process, where the user's cache does not hold this version's kernels already.

    So the demo leaves nothing outside its own folder. Call it before the first backtest.
    """
    from tradebot.engine.control.compiling import use_cache_folder

    if not kernels_ready():
        use_cache_folder(folder)


def _silent(sentence: str) -> None:
    del sentence


def main() -> None:
    """Compile the kernels into the cache and say so."""
    parser = argparse.ArgumentParser(
        description="Compile the backtest kernels of this version into the cache."
    )
    parser.add_argument("--cache", type=Path, default=None, help="cache folder instead of the user's")
    parser.add_argument("--processors", type=int, default=0, help="processors to be kept on; 0: all")
    arguments = parser.parse_args()
    background_process(arguments.processors)
    cache = arguments.cache
    started = time.monotonic()
    compile_kernels(cache)
    sys.stdout.write(f"kernels ready in {_folder(cache)} after {time.monotonic() - started:.1f} s\n")


if __name__ == "__main__":
    main()
