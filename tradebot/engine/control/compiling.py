"""Compiled functions: one decorator, one cache folder named by the hash of all kernel sources.

numba does not notice when a function that a cached one calls was edited in another file. Here every change to
any kernel source gives another folder, so a stale kernel can never run.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import platformdirs

from tradebot import __version__

_Function = TypeVar("_Function", bound=Callable[..., Any])
_ENGINE = Path(__file__).resolve().parents[1]
_MARK = b"compiling import compiled"


@cache
def kernel_hash() -> str:
    """Hash of every source file that holds compiled functions, and of the versions that compile them."""
    digest = hashlib.sha256(f"{__version__} {version('numba')}".encode())
    for path in sorted(_ENGINE.rglob("*.py")):
        content = path.read_bytes()
        if _MARK in content:
            digest.update(path.relative_to(_ENGINE).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def default_cache_folder() -> Path:
    """Where compiled kernels of this version stand: in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("tradebot", appauthor=False)) / "kernels" / kernel_hash()


def use_cache_folder(base: Path) -> None:
    """Keep this process's kernels in `base`/<hash>; call it before the first kernel module is imported."""
    from numba.core import config  # here: numba takes half a second to import, and a start needs none of it

    vars(config)["CACHE_DIR"] = str(base / kernel_hash())


def cache_folder() -> Path:
    """Where this process reads and keeps its kernels. A folder without our hash (set from outside) does not count."""
    config = sys.modules.get("numba.core.config")
    configured = Path(vars(config).get("CACHE_DIR") or "") if config is not None else Path()
    return configured if configured.name == kernel_hash() else default_cache_folder()


def compiled(function: _Function) -> _Function:
    """Compile by numba on first call: releases the GIL, keeps IEEE order of operations, cached on disk."""
    return _compiled(function)


def compiled_loop(function: _Function) -> _Function:
    """`compiled` for a long loop over the caller's arrays that makes none of its own.

    Nothing counts references to arrays, and a division by zero gives infinity instead of an error to look out for:
    both would cost more than the work itself.
    """
    return _compiled(function, **_LOOP)


def compiled_part(function: _Function) -> _Function:
    """A part of such a loop that only compiled code calls: it becomes part of its caller.

    To hand over an array takes seven stores, so that a call may cost more than what it does; and without a way in from
    Python a function compiles twice as fast.
    """
    return _compiled(function, **_LOOP, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


_LOOP: dict[str, bool | str] = {"error_model": "numpy", "_nrt": False}


def _compiled(function: _Function, **options: bool | str) -> _Function:
    import numba

    use_cache_folder(cache_folder().parent)
    compile_with: Any = numba.njit  # its options are more than its signature says
    return cast(_Function, compile_with(nogil=True, cache=True, **options)(function))
