"""requirements.lock holds one version of each library that Windows, Linux and macOS need, within pyproject's bounds.

That each has a wheel for Windows is proven by `python .ci/lock --prove`, which needs the network; the workflow runs it.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
LINES = [
    line
    for line in (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
LOCKED = {canonicalize_name(each.name): each for each in map(Requirement, LINES)}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WINDOWS = {
    "sys_platform": "win32",
    "platform_system": "Windows",
    "os_name": "nt",
    "platform_machine": "AMD64",
}
LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
}
MACOS = {
    "sys_platform": "darwin",
    "platform_system": "Darwin",
    "os_name": "posix",
    "platform_machine": "arm64",
}


def version_of(name: str) -> str:
    (pin,) = LOCKED[canonicalize_name(name)].specifier
    return pin.version


def test_every_line_pins_one_version_and_none_stands_twice() -> None:
    assert len(LOCKED) == len(LINES)
    assert sorted(LINES, key=lambda line: line.partition("==")[0]) == LINES
    for each in LOCKED.values():
        assert [pin.operator for pin in each.specifier] == ["=="], str(each)
        assert each.url is None


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_every_dependency_is_there_within_its_bounds(dependency: str) -> None:
    wanted = Requirement(dependency)
    assert canonicalize_name(wanted.name) in LOCKED, f"{wanted.name} is not locked; run python .ci/lock"
    assert wanted.specifier.contains(version_of(wanted.name)), f"{dependency}; run python .ci/lock"


@pytest.mark.parametrize("system", [WINDOWS, LINUX, MACOS], ids=["windows", "linux", "macos"])
def test_what_the_libraries_need_themselves_is_there_on_each_system(system: dict[str, str]) -> None:
    environment = {**default_environment(), **system, "extra": ""}
    looked_at = set()
    for name, pin in LOCKED.items():
        if pin.marker is not None and not pin.marker.evaluate(environment):
            continue
        try:
            if version(name) != version_of(name):
                continue  # a later one may need other libraries; the lock speaks of its own
            needs = [Requirement(each) for each in requires(name) or []]
        except PackageNotFoundError:
            continue  # what only another system needs is not installed here
        looked_at.add(name)
        for need in needs:
            if need.marker is None or need.marker.evaluate(environment):
                locked = LOCKED.get(canonicalize_name(need.name))
                assert locked is not None, f"{name} needs {need}"
                assert locked.marker is None or locked.marker.evaluate(environment), f"{name} needs {need}"
    assert "textual" in looked_at


def test_what_only_windows_needs_is_marked_so() -> None:
    marker = LOCKED["colorama"].marker
    assert marker is not None
    assert marker.evaluate({**default_environment(), **WINDOWS})
    assert not marker.evaluate({**default_environment(), **LINUX})
