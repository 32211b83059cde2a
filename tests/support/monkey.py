"""A seeded monkey at `tradebot demo`: random keys in a real pseudo terminal while the exchange misbehaves.

`python -m tests.support.monkey --minutes 30 --seed 7` starts `tradebot demo --speed 60`, presses keys, resizes and
pastes; every minute of its own other faults are switched on at the simulated exchange. It watches that the app lives
and answers, that nothing is said of a defect, and that memory stays flat; at its end the app must quit, and what stands
on disk must be whole and the exchange's truth. Each defect is a line with the last acts before it, and the exit status
is 1. The same seed does the same acts; what they meet depends on the machine's pace as well. POSIX only, as a pseudo
terminal is.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.monkey_acts import Act, acts
from tests.support.monkey_disk import LogWatch, defects_on_disk, differences
from tests.support.monkey_exchange import DemoExchange
from tests.support.monkey_memory import MemoryWatch
from tests.support.pseudo_terminal import PseudoTerminal

REPOSITORY = Path(__file__).resolve().parents[2]
SPEED = 60
_SIGNS_OF_DEFECTS = (
    "Traceback (most recent",
    "could not be drawn",
    "That did not work",
    "A defect of tradebot",
)
_FAULT_SECONDS = 60.0
_CALM_SECONDS = 25.0
_LOOK_EVERY = 5
_PROBE_EVERY = 40
_ANSWER_SECONDS = 10.0
_QUIT_SECONDS = 12.0
_HELP = "up and down scroll"
_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass
class Report:
    """What was found, and what led to it."""

    seed: int
    began: float = field(default_factory=time.monotonic)
    defects: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    done: int = 0
    restarts: int = 0
    said: set[str] = field(default_factory=set)

    def defect(self, sentence: str, screen: str = "") -> None:
        """Tell of a defect at once; the same sentence once."""
        if sentence in self.said:
            return
        self.said.add(sentence)
        at = time.monotonic() - self.began
        self.defects.append(f"seed {self.seed}, act {self.done}, {at:.0f} s: {sentence}")
        print(f"DEFECT {self.defects[-1]}\n  last acts: {' '.join(self.recent)}", flush=True)
        if screen:
            print("  " + screen.replace("\n", "\n  "), flush=True)


class Session:
    """The app in its terminal, and the monkey before it."""

    def __init__(self, folder: Path, seed: int, minutes: float, most_acts: int | None, faults: bool) -> None:
        self.data = folder / "data"
        self._folder = folder
        self._seconds = minutes * 60
        self._most_acts = most_acts
        self._faults = faults
        self._acts = acts(seed)
        self._pace = random.Random(f"pace/{seed}")
        self.report = Report(seed)
        self.memory = MemoryWatch()
        self._log = LogWatch(folder)
        self._terminal = self._start()
        self._exchange = DemoExchange(self._terminal.pid)

    def _start(self) -> PseudoTerminal:
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            "HOME": str(
                home
            ),  # nothing of the person's own is read or written, but compiled kernels are shared
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "PYTHONPATH": str(REPOSITORY),
            "BROWSER": "true",
        }
        command = [sys.executable, "-m", "tradebot", "demo", "--speed", str(SPEED), "--data", str(self.data)]
        terminal = PseudoTerminal(command, (120, 35), environment, self._folder)
        terminal.until(lambda: "tradebot" in terminal.text, 20)
        terminal.run(1.0)
        return terminal

    def run(self) -> Report:
        """The whole session."""
        try:
            self._play()
            self._finish()
        finally:
            self._terminal.close()
        return self.report

    # ------------------------------------------------------------------------------------------ playing

    def _play(self) -> None:
        next_faults = next_sample = time.monotonic()
        end = time.monotonic() + self._seconds
        while time.monotonic() < end and (self._most_acts is None or self.report.done < self._most_acts):
            self._act(next(self._acts))
            if self.report.done % _LOOK_EVERY == 0:
                self._look()
            if self.report.done % _PROBE_EVERY == 0:
                self._probe()
            if not self._terminal.alive and not self._again():
                return
            now = time.monotonic()
            if now >= next_sample:
                next_sample = now + 5.0
                self.memory.sample(self._terminal.pid)
            if self._faults and now >= next_faults and self._exchange.found:
                next_faults = now + _FAULT_SECONDS
                self._disturb()

    def _act(self, act: Act) -> None:
        terminal = self._terminal
        self.report.done += 1
        self.report.recent.append(str(act))
        match act.kind:
            case "key":
                terminal.press(act.value)
            case "text":
                terminal.send(act.value)
            case "paste":
                terminal.paste(act.value)
            case "size":
                terminal.resize(*act.size)
            case "wait":
                terminal.run(float(act.value))
            case "quit":
                self._ask_to_quit()
        terminal.run(self._pace.choice((0.02, 0.03, 0.05, 0.1, 0.2)))

    def _ask_to_quit(self) -> None:
        """Ctrl+Q and no; where nothing would be lost the app ends without asking."""
        if self._far > 0.25:
            return  # a new process would hide a leak of the old one
        self._terminal.press("ctrl+q")
        self._terminal.run(1.0)
        self._terminal.press("escape")

    @property
    def _far(self) -> float:
        return (time.monotonic() - self.report.began) / self._seconds

    def _look(self) -> None:
        """Every defect of the app is logged with its traceback."""
        for sentence in self._log.defects():
            self.report.defect(sentence, self._terminal.text)

    def _again(self) -> bool:
        """After the end of the app: whether it was asked for, and whether it starts again."""
        self._look()
        status = self._terminal.exit_status
        if status not in {0, -signal.SIGKILL}:  # the latter was the monkey itself, as the screen was stuck
            self.report.defect(f"the app ended with status {status}", self._terminal.text)
            if self.report.restarts > 20:
                return False
        self.report.restarts += 1
        self._terminal.close()
        self._terminal = self._start()
        self._exchange = DemoExchange(self._terminal.pid)
        self.memory.begin_again()
        if not self._terminal.alive:
            self.report.defect("the app does not start again on its own data", self._terminal.text)
            return False
        return True

    def _disturb(self) -> None:
        number = self.report.seed * 1000 + int(time.monotonic() - self.report.began)
        try:
            self._exchange.disturb(number, _FAULT_SECONDS * SPEED, _SYMBOLS)
            self.report.notes.append(f"faults {number}: {' '.join(self._exchange.faults)}")
        except OSError as error:
            if self._terminal.alive:
                self._terminal.run(1.0)
                if self._terminal.alive:  # else the app is ending, and its exchange with it
                    self.report.defect(f"the simulated exchange does not answer ({error})")

    def _probe(self) -> None:
        """The screen answers: Esc leaves whatever is open, F1 opens the help, Esc closes it."""
        terminal = self._terminal
        columns, rows = terminal.screen.columns, terminal.screen.lines
        if columns < 80 or rows < 24:
            terminal.resize(120, 35)
            terminal.run(0.5)
        problem = self._problem()
        if problem and terminal.alive:
            self.report.notes.append(f"act {self.report.done}: {problem} at first")
            problem = self._problem()  # what took long may have opened only then
        if problem and terminal.alive:
            self.report.defect(f"stuck at act {self.report.done}: {problem}", terminal.text)
            os.kill(terminal.pid, signal.SIGKILL)
            terminal.wait(5.0)

    def _problem(self) -> str:
        terminal = self._terminal
        for _ in range(6):
            terminal.press("escape")
            terminal.run(0.15)
        for key, holds, what in (
            ("f1", lambda: _HELP in terminal.text, "F1 opens no help"),
            ("escape", lambda: _HELP not in terminal.text, "Esc does not close the help"),
        ):
            began = time.monotonic()
            terminal.press(key)
            if not terminal.until(holds, _ANSWER_SECONDS):
                return f"{what} within {_ANSWER_SECONDS:.0f} s"
            self.memory.answers_ms.append((time.monotonic() - began) * 1000)
        return ""

    # ------------------------------------------------------------------------------------------ the end

    def _finish(self) -> None:
        """Let the exchange be sound for a while, compare the files with its truth, quit, look at the files."""
        terminal = self._terminal
        if not terminal.alive:
            return
        if self._faults:
            self._exchange.calm()
        terminal.resize(120, 35)
        terminal.run(_CALM_SECONDS)
        self._look()
        self._probe()
        self.memory.sample(terminal.pid)
        for sentence in differences(self.data, self._exchange, self.report.notes):
            self.report.defect(sentence)
        self._quit()
        self._look()
        for sentence in defects_on_disk(self.data, self._folder, self.report.notes):
            self.report.defect(sentence)
        for sentence in self.memory.defects():
            self.report.defect(sentence)

    def _quit(self) -> None:
        terminal = self._terminal
        children = psutil.Process(terminal.pid).children(recursive=True)
        began = time.monotonic()
        terminal.press("ctrl+q")
        terminal.until(lambda: not terminal.alive, 2.0)
        if terminal.alive:
            terminal.press("q")  # jobs run, or something is not saved: quit all the same
        if not terminal.wait(_QUIT_SECONDS):
            self.report.defect(f"the app does not quit within {_QUIT_SECONDS:.0f} s", terminal.text)
            return
        if terminal.exit_status != 0:
            self.report.defect(f"quitting ended with status {terminal.exit_status}", terminal.text)
        self.report.notes.append(f"quit within {time.monotonic() - began:.1f} s")
        left = psutil.wait_procs(children, timeout=8.0)[1]
        for child in left:
            self.report.defect(f"a child outlives the app: {' '.join(child.cmdline())[:150]}")


def main() -> int:
    """Run it by hand."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.monkey", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acts", type=int, help="end after so many acts")
    parser.add_argument(
        "--folder", type=Path, help="an empty folder to work in, kept; by default one that goes"
    )
    parser.add_argument("--no-faults", action="store_true", help="let the exchange be sound all the time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = (given.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        session = Session(folder, given.seed, given.minutes, given.acts, not given.no_faults)
        report = session.run()
    print("\n".join(report.notes))
    print(session.memory.table())
    seconds = time.monotonic() - report.began
    print(
        json.dumps(
            {
                "seed": report.seed,
                "minutes": round(seconds / 60, 1),
                "acts": report.done,
                "restarts": report.restarts,
                "answer_ms_p50_p95_worst": session.memory.answer_figures(),
                "defects": report.defects,
            },
            indent=1,
            ensure_ascii=False,
        )
    )
    return 1 if report.defects else 0


if __name__ == "__main__":
    sys.exit(main())
