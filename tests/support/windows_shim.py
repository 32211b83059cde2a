"""Windows' rules about open files, on other systems too.

Windows refuses to replace, rename or delete a file that somebody has open or mapped, to truncate one that is mapped,
to rename onto an existing file, and to open for writing what Excel shows. Inside `with windows_rules() as rules:` the
same calls raise the same PermissionError here, whether this process or one of its children holds the file. On
Windows itself the system does the refusing and only `rules.locked(path)` is needed, which then locks for real.

    with windows_rules() as rules, rules.locked(csv):
        store.append(key, rows)      # goes to the journal

As a fixture: `from tests.support.windows_shim import windows` and ask for `windows`.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

_PROC = Path("/proc/self/maps")
SUPPORTED = sys.platform == "win32" or _PROC.exists()


class WindowsRules:
    """What is locked by the imagined other program; and how often the rules refused something."""

    def __init__(self) -> None:
        self._locked: set[str] = set()
        self.refusals: list[str] = []

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Another program (Excel) keeps the file open: reading is allowed, writing, replacing, deleting is not."""
        if sys.platform == "win32":
            with _locked_by_system(path):
                yield
            return
        name = os.path.realpath(path)
        self._locked.add(name)
        try:
            yield
        finally:
            self._locked.discard(name)

    def is_locked(self, name: str) -> bool:
        return name in self._locked

    def refuse(self, path: Any) -> None:
        self.refusals.append(str(path))
        raise _refusal(path)


def _refusal(path: Any) -> PermissionError:
    # Built here, because a local name for it where it is raised would keep every caller's variables alive.
    text = "The process cannot access the file because it is being used by another process"
    error = PermissionError(errno.EACCES, text, str(path))
    error.winerror = 32  # type: ignore[attr-defined]  # only Windows' own errors have it
    return error


def _processes() -> list[int]:
    own = psutil.Process()
    return [own.pid, *(child.pid for child in own.children(recursive=True))]


def _held(name: str, mapped_only: bool = False) -> bool:
    """Whether this process or a child has the file mapped or (unless `mapped_only`) open."""
    for pid in _processes():
        try:
            maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
            if any(line.endswith(name) and line.split(maxsplit=5)[5] == name for line in maps.splitlines()):
                return True
            if mapped_only:
                continue
            for link in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    if str(link.readlink()) == name:
                        return True
                except OSError:
                    continue
        except OSError:
            continue  # a child that has just ended
    return False


def _real(path: Any, dir_fd: int | None = None) -> str:
    if isinstance(path, int):
        return str(Path(f"/proc/self/fd/{path}").readlink())
    place = Path(os.fsdecode(path))
    if dir_fd is not None and not place.is_absolute():
        place = Path(f"/proc/self/fd/{dir_fd}").readlink() / place
    return os.path.realpath(place)


@contextmanager
def windows_rules() -> Iterator[WindowsRules]:
    """Let the rules hold in this process; skips the test on a system where they cannot be shown."""
    rules = WindowsRules()
    if sys.platform == "win32":
        yield rules
        return
    if not SUPPORTED:
        pytest.skip("open and mapped files cannot be listed on this system (/proc is missing)")
    with mock.patch.multiple(os, **_patched_os(rules)):
        opener = _patched_open(rules, io.open)
        with mock.patch.object(io, "open", opener), mock.patch.object(builtins, "open", opener):
            yield rules


@pytest.fixture
def windows() -> Iterator[WindowsRules]:
    """The rules for the length of one test."""
    with windows_rules() as rules:
        yield rules


def _patched_os(rules: WindowsRules) -> dict[str, Callable[..., Any]]:
    real = {name: getattr(os, name) for name in ("replace", "rename", "unlink", "remove", "truncate", "open")}

    def check(path: Any, dir_fd: int | None = None) -> None:
        name = _real(path, dir_fd)
        if rules.is_locked(name) or (Path(name).is_file() and _held(name)):
            rules.refuse(path)

    def replace(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        check(src, src_dir_fd)
        check(dst, dst_dir_fd)
        real["replace"](src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        check(src, src_dir_fd)
        if os.path.lexists(_real(dst, dst_dir_fd)):
            raise FileExistsError(
                errno.EEXIST, "Cannot create a file when that file already exists", str(dst)
            )
        real["rename"](src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def unlink(path: Any, *, dir_fd: int | None = None) -> None:
        check(path, dir_fd)
        real["unlink"](path, dir_fd=dir_fd)

    def truncate(path: Any, length: int) -> None:
        name = _real(path)
        if rules.is_locked(name) or _held(name, mapped_only=True):
            rules.refuse(path)
        real["truncate"](path, length)

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        name = _real(path, dir_fd)
        writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND)
        if writing and (rules.is_locked(name) or (flags & os.O_TRUNC and _held(name, mapped_only=True))):
            rules.refuse(path)
        descriptor: int = real["open"](path, flags, mode, dir_fd=dir_fd)
        return descriptor

    return {
        "replace": replace,
        "rename": rename,
        "unlink": unlink,
        "remove": unlink,
        "truncate": truncate,
        "open": open_,
    }


def _patched_open(rules: WindowsRules, real: Callable[..., Any]) -> Callable[..., Any]:
    def open_(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if not isinstance(file, int) and set(mode) & set("wax+"):
            name = _real(file)
            if rules.is_locked(name) or ("w" in mode and _held(name, mapped_only=True)):
                rules.refuse(file)
        return real(file, mode, *args, **options)

    return open_


@contextmanager
def _locked_by_system(path: Path) -> Iterator[None]:
    """Open the file as Excel does: others may read it, nothing else."""
    import ctypes  # Windows only
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]  # Windows only
    kernel.CreateFileW.restype = wintypes.HANDLE
    read_write, share_read, open_existing = 0xC0000000, 0x1, 3
    handle = kernel.CreateFileW(str(path), read_write, share_read, None, open_existing, 0, None)
    if handle == wintypes.HANDLE(-1).value:
        raise OSError(f"{path} could not be locked")
    try:
        yield
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))
