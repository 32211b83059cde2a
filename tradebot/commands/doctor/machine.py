"""Python, tradebot and its libraries, the machine, the time zone data and the system's key ring."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

import psutil

from tradebot import __version__
from tradebot.commands.doctor.check import Check, State

if TYPE_CHECKING:
    from tradebot.engine.alerts.system_notice import Tool

_GROUP = "Machine"
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?P<bounds>[^;]*)(?P<marker>;.*)?$")
_BOUND = re.compile(r"(>=|<=|==|<|>)\s*([0-9][0-9.]*)")
_INSTALL = "Install it again with this Python, in its folder: python -m pip install -e ."
# Windows' own limit for a path, and what stands below a data folder at most (a result's file, its temporary name).
_SHORT_PATH = 259
_LONGEST_BELOW = 110
_FEW_BYTES = 2 * 1024**3


def machine_checks(data_folder: Path) -> list[Check]:
    """Everything about the machine that needs neither a terminal nor the network."""
    return [
        _python(),
        Check(_GROUP, "tradebot", __version__),
        libraries(requires_of("tradebot")),
        _system(),
        time_zones(),
        key_ring(),
        *long_paths(data_folder, long_paths_enabled()),
    ]


def _python() -> Check:
    bits = 64 if sys.maxsize > 2**32 else 32
    value = (
        f"{platform.python_version()} ({platform.python_implementation()}, {bits} bit) at {sys.executable}"
    )
    if bits == 32:
        advice = (
            "Most libraries have no 32-bit wheels: install the 64-bit Python 3.11 or newer from python.org."
        )
        return Check(_GROUP, "Python", value, State.WRONG, advice)
    return Check(_GROUP, "Python", value)


def _system() -> Check:
    memory = psutil.virtual_memory()
    value = f"{platform.platform()}, {os.cpu_count() or 1} cores, {memory.total / 1024**3:.1f} GB memory"
    if memory.available < _FEW_BYTES // 4:
        advice = "Less than half a gigabyte of memory is free: close other programs before large backtests."
        return Check(_GROUP, "system", value, State.HINT, advice)
    return Check(_GROUP, "system", value)


def requires_of(package: str) -> list[str] | None:
    """The requirements of an installed package, its extras' left out; None where it is not installed."""
    try:
        wanted = requires(package) or []
    except PackageNotFoundError:
        return None
    return [each for each in wanted if "extra ==" not in each]


def libraries(wanted: list[str] | None) -> Check:
    """Whether all libraries are installed and within the bounds that tradebot is tested with."""
    if wanted is None:
        return Check(
            _GROUP, "libraries", "tradebot itself is not installed as a package", State.HINT, _INSTALL
        )
    missing: list[str] = []
    outside: list[str] = []
    held: dict[str, str] = {}
    for requirement in wanted:
        found = _REQUIREMENT.match(requirement)
        if found is None:
            continue
        name, bounds = found["name"], found["bounds"].strip().strip("()")
        try:
            held[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if not within(held[name], bounds):
            outside.append(f"{name} {held[name]} ({bounds})")
    shown = " · ".join(
        f"{name} {held[name]}" for name in ("textual", "numba", "numpy", "pandas") if name in held
    )
    if missing:
        return Check(_GROUP, "libraries", f"missing: {', '.join(missing)}", State.WRONG, _INSTALL)
    if outside:
        return Check(
            _GROUP, "libraries", f"not of the tested versions: {', '.join(outside)}", State.HINT, _INSTALL
        )
    return Check(_GROUP, "libraries", f"all {len(held)} installed · {shown}")


def within(installed: str, bounds: str) -> bool:
    """Whether a version keeps bounds such as `>=2.1,<3`; what stands behind its numbers does not count.

    >>> within("2.4.1", ">=2.1,<3"), within("3.0.0", ">=2.1,<3"), within("8.2.8", "==8.2.8")
    (True, False, True)
    """
    have = _numbers(installed)
    for sign, text in _BOUND.findall(bounds):
        bound = _numbers(text)
        size = max(len(have), len(bound))
        left, right = (each + (0,) * (size - len(each)) for each in (have, bound))
        kept = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "<": left < right,
            ">": left > right,
        }
        if not kept[sign]:
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def time_zones(name: str = "Europe/Berlin") -> Check:
    """Whether time zones can be read; Windows' Python has none of its own and takes those of `tzdata`."""
    try:
        ZoneInfo(name)
    except ZoneInfoNotFoundError:
        advice = "Install them: python -m pip install tzdata."
        return Check(_GROUP, "time zones", f"no data for {name}", State.WRONG, advice)
    local = datetime.now().astimezone()
    offset = local.strftime("%z")
    source = "of the system" if any(Path(folder).is_dir() for folder in TZPATH) else "of the tzdata package"
    return Check(
        _GROUP, "time zones", f"{source}; this machine is at UTC{offset[:3]}:{offset[3:]}, tradebot shows UTC"
    )


def key_ring() -> Check:
    """Where API keys could be kept. Public market data needs none."""
    if importlib.util.find_spec("keyring") is None:
        return Check(_GROUP, "key ring", "none: keys come from the environment; market data needs none")
    try:
        import keyring

        ring = keyring.get_keyring()
        name = f"{type(ring).__module__}.{type(ring).__name__}".removeprefix("keyring.backends.")
        usable = "fail" not in type(ring).__module__ and "null" not in type(ring).__module__
    except Exception as error:  # noqa: BLE001 - backends raise whatever their desktop bus raises; this is a report
        name, usable = f"{type(error).__name__}: {error}", False
    if usable:
        return Check(_GROUP, "key ring", name)
    return Check(
        _GROUP, "key ring", "none on this system: keys come from the environment; market data needs none"
    )


def notifications(mode: str, tool: Tool | None) -> Check:
    """By what the system shows alerts, as `alerts.system_notification` (off, when away, always) wants it."""
    if mode == "off":
        return Check(_GROUP, "notices", "off in the settings: alerts are told on the screen")
    if tool is not None:
        return Check(_GROUP, "notices", f"by {tool.name}, {mode}; `tradebot alerts test` shows one")
    from tradebot.engine.alerts.system_notice import missing_advice

    advice = f"Alerts are told on the screen only: {missing_advice()}."
    return Check(_GROUP, "notices", "the system shows none", State.HINT, advice)


def long_paths_enabled() -> bool | None:
    """Whether Windows takes paths beyond 259 characters; None on other systems, which always do."""
    if sys.platform != "win32":
        return None
    import winreg

    try:
        place = r"SYSTEM\CurrentControlSet\Control\FileSystem"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def long_paths(data_folder: Path, enabled: bool | None) -> list[Check]:
    """Whether all files of the data folder fit into Windows' paths; nothing to say on other systems (None)."""
    if enabled is None:
        return []
    longest = len(str(data_folder)) + _LONGEST_BELOW
    if enabled or longest <= _SHORT_PATH:
        return [
            Check(
                _GROUP, "long paths", "on" if enabled else "off, and the data folder's paths are short enough"
            )
        ]
    advice = (
        "Choose a shorter folder with --data, or turn them on as administrator: Set-ItemProperty "
        r"HKLM:\SYSTEM\CurrentControlSet\Control\FileSystem LongPathsEnabled 1"
    )
    value = (
        f"off, and files below {data_folder} may need {longest} characters where {_SHORT_PATH} are allowed"
    )
    return [Check(_GROUP, "long paths", value, State.WRONG, advice)]
