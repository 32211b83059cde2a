"""Kernels are compiled once per version, in a child process, and never run stale."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tradebot.engine.backtest import compile_kernels_in_child, kernels_ready, warm_up
from tradebot.engine.control import compiling
from tradebot.engine.control.errors import CancelledError, ShortfallError
from tradebot.engine.control.progress import CancelToken

BACKTEST = Path(compiling.__file__).resolve().parents[1] / "backtest"
# Every file whose text ends up in compiled code.
KERNEL_FILES = (
    "kernel/apply",
    "kernel/closing",
    "kernel/market",
    "kernel/codes",
    "kernel/digits",
    "kernel/grid",
    "kernel/levels",
    "kernel/limits",
    "kernel/margin",
    "kernel/match",
    "kernel/orders",
    "kernel/phases",
    "kernel/plan",
    "kernel/quiet",
    "kernel/records",
    "kernel/sizing",
    "kernel/slippage",
    "kernel/step",
    "figures/measures",
    "figures/trade_sums",
)
RUN_FROM_CACHE = """
import sys
from pathlib import Path
from tradebot.engine.control.compiling import use_cache_folder
use_cache_folder(Path(sys.argv[1]))
from tradebot.engine.backtest.rehearsal import rehearse
from tradebot.engine.backtest.kernel.step import run_steps
rehearse()
print(sum(run_steps.stats.cache_hits.values()), sum(run_steps.stats.cache_misses.values()))
"""


def test_compiled_in_a_child_and_used_from_the_cache(compiled_kernels: list[str]) -> None:
    assert kernels_ready()
    if compiled_kernels:  # not where this version has been compiled before
        assert compiled_kernels[0].startswith("Compiling the backtest kernel")
        assert compiled_kernels[1].startswith("The backtest kernel was compiled in")

    said: list[str] = []
    compile_kernels_in_child(said.append)
    assert said == []

    output = subprocess.run(
        [sys.executable, "-c", RUN_FROM_CACHE, str(compiling.cache_folder().parent)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.split() == ["1", "0"]


def test_cancel_ends_the_child(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        compile_kernels_in_child(cancel=token, cache=tmp_path)
    assert not kernels_ready(tmp_path)


def test_the_child_keeps_to_the_processors_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(warm_up, "background_process", kept.append)
    monkeypatch.setattr(warm_up, "compile_kernels", lambda cache: kept.append(-1))
    monkeypatch.setattr(sys, "argv", ["warm_up", "--processors", "3"])
    warm_up.main()
    assert kept == [3, -1], "before it begins to compile"


def test_a_child_that_fails_is_a_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    with pytest.raises(ShortfallError, match="could not be compiled into"):
        compile_kernels_in_child(cache=blocked)


@pytest.mark.parametrize("name", KERNEL_FILES)
def test_editing_a_kernel_file_changes_the_cache_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(BACKTEST, tmp_path / "backtest")
    monkeypatch.setattr(compiling, "_ENGINE", tmp_path)
    before = compiling.kernel_hash.__wrapped__()
    source = tmp_path / "backtest" / f"{name}.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    assert compiling.kernel_hash.__wrapped__() != before


def test_every_compiled_function_stands_in_a_kernel_file() -> None:
    with_compiled = {
        path.relative_to(BACKTEST).with_suffix("").as_posix()
        for path in BACKTEST.rglob("*.py")
        if "@compiled" in path.read_text(encoding="utf-8")
    }
    assert with_compiled | {"kernel/codes", "kernel/records"} == set(KERNEL_FILES)


def test_the_package_imports_without_numba() -> None:
    code = "import sys, tradebot.engine.backtest; print('numba' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "False"
