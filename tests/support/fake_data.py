"""What the fake engine says about market data: datasets with their holes, jobs, checks, months, estimates."""

from __future__ import annotations

from dataclasses import replace

from tests.support.fake_results import DAY, MINUTE, NOW_MS, PRICES
from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DatasetKey
from tradebot.engine.months import months_view

HOUR = 60 * MINUTE
STEPS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "4h": 4 * HOUR, "1d": DAY}
COVERED_FROM = NOW_MS - 730 * DAY
IDLE_DAYS = 1
READ_ONLY = (
    "The data folder is in use by another tradebot (process 4711, since 09:12), so nothing is written here; "
    "close that one and start this one again to collect."
)


def make_datasets() -> tuple[m.DatasetView, ...]:
    """Fourteen datasets in every state."""
    plan = (
        ("BTCUSDT", "1m", 1338, 0, "live"), ("BTCUSDT", "5m", 1700, 0, "live"), ("BTCUSDT", "1h", 1700, 0, "idle"),
        ("ETHUSDT", "1m", 1338, 2, "live"), ("ETHUSDT", "5m", 1700, 0, "live"), ("SOLUSDT", "1m", 1187, 0, "live"),
        ("SOLUSDT", "15m", 1338, 0, "live"), ("XRPUSDT", "1m", 610, 7, "idle"), ("DOGEUSDT", "1m", 610, 0, "live"),
        ("ADAUSDT", "1m", 610, 0, "live"), ("LINKUSDT", "1h", 2070, 0, "idle"),
        ("LTCUSDT", "1m", 610, 0, "collecting"),
        ("ATOMUSDT", "1m", 610, 1, "error"), ("AVAXUSDT", "1m", 14, 0, "collecting"),
    )  # fmt: skip
    return tuple(_dataset(*row) for row in plan)


def _dataset(symbol: str, frame: str, days: int, gaps: int, state: str) -> m.DatasetView:
    step = STEPS[frame]
    ends = {"collecting": 280, "error": 170, "idle": IDLE_DAYS}.get(state, 0)
    if symbol == "AVAXUSDT":
        return m.DatasetView(
            "linear/AVAXUSDT_1m", "linear", symbol, frame, 0, 0, 0, 0, 0, 0, (), COVERED_FROM, state, "queued",
            file="data/linear/AVAXUSDT_1m.csv", coverage_to_ms=NOW_MS,
        )  # fmt: skip
    last = (NOW_MS - ends * DAY) // step * step - (0 if ends else step)
    first = (NOW_MS - days * DAY) // DAY * DAY
    missing = gaps * 37
    width = (NOW_MS - COVERED_FROM) / 24
    shares = []
    for number in range(24):
        start = COVERED_FROM + number * width
        held = max(0.0, min(last + step, start + width) - max(first, start))
        shares.append(min(1.0, held / width))
    for number in range(gaps):
        at = (number * 3 + 13) % 24
        shares[at] = min(shares[at], 0.97)
    rows = max(0, (last - first) // step + 1 - missing)
    note = {"error": "Bybit refused further requests (10006).", "collecting": "41%"}.get(state, "")
    verified = symbol == "BTCUSDT"
    return m.DatasetView(
        f"linear/{symbol}_{frame}", "linear", symbol, frame, rows, first, last, gaps, missing, rows * 56,
        tuple(shares), COVERED_FROM, state, note, file=f"data/linear/{symbol}_{frame}.csv", coverage_to_ms=NOW_MS,
        verified_ms=NOW_MS - 5 * HOUR if verified else 0, verdict="passed" if verified else "",
    )  # fmt: skip


def make_jobs() -> tuple[m.JobView, ...]:
    """One job in every state."""
    start = NOW_MS - 60_000
    return (
        m.JobView(1, "collect", "collect LTCUSDT 1m", "running", 451_000, 1_100_000, "bars", 9_100.0, 71.0,
                  "451,000 of about 1,100,000 bars; what is written stays if you stop.", start,
                  keys=("linear/LTCUSDT_1m",)),
        m.JobView(2, "repair", "repair XRPUSDT 1m", "running", 6, 7, "gaps", 1.2, 2.0,
                  "Asks for gap 7 of 7.", start, keys=("linear/XRPUSDT_1m",)),
        m.JobView(3, "collect", "collect AVAXUSDT 1m", "queued", 0, 878_400, "bars", 0.0, None, "", start,
                  keys=("linear/AVAXUSDT_1m",)),
        m.JobView(4, "collect", "collect ATOMUSDT 1m", "failed", 223_100, 1_100_000, "bars", 0.0, None,
                  "Stopped at 2026-03-16 04:16 UTC: Bybit refused further requests for now (10006) in 8 tries.",
                  start, NOW_MS - 30_000, keys=("linear/ATOMUSDT_1m",), resumable=True,
                  details=("223,100 bars of 1,100,000 were asked for and stored; they are safe on disk.",
                           "Started again it goes on there and downloads nothing twice.")),
    )  # fmt: skip


def found(datasets: tuple[m.DatasetView, ...], key: str) -> m.DatasetView:
    """The dataset of that key; refused where there is none."""
    dataset = next((each for each in datasets if each.key == key), None)
    if dataset is None:
        raise InputError(f'There is no dataset "{key}"; `tradebot data list` shows all.')
    return dataset


def check(dataset: m.DatasetView) -> m.DataReport:
    """A report as the engine makes it: gaps are warnings, broken rows failures."""
    findings = [("info", f"{dataset.rows:,} rows, rising times, no doubled bar."),
                ("info", "All prices within high and low.")]  # fmt: skip
    if dataset.gaps:
        sentence = (
            f"{dataset.missing_bars} bars missing in {dataset.gaps} gaps; repair asks the exchange for them."
        )
        findings.append(("warning", sentence))
    if dataset.state == "error":
        sentence = "Line 223102: high 6.41 is below low 6.44; repair moves it aside and asks for it again."
        findings.append(("failure", sentence))
    return m.DataReport(dataset.key, dataset.state != "error", tuple(findings), NOW_MS)


def months(dataset: m.DatasetView) -> m.MonthsView:
    """Each gap of 37 bars on another day, the second of them one that the exchange has itself."""
    if not dataset.rows:
        raise InputError(
            f"{dataset.key} holds no bars yet, so there are no months to show; collect it first."
        )
    key = DatasetKey.parse(dataset.key)
    step = STEPS[dataset.timeframe]
    places = [dataset.last_ms - (3 + number * 9) * DAY for number in range(dataset.gaps)]
    missing = sorted((place // step * step, place // step * step + 37 * step) for place in places)
    holes = [(*missing[1], NOW_MS - DAY)] if len(missing) > 1 else []
    return months_view(key, dataset.first_ms, dataset.last_ms, missing, holes)


def symbols(category: str) -> tuple[m.SymbolChoice, ...]:
    """The symbols with prices, the largest turnover first, and many small ones."""
    quote = {"inverse": "USD"}.get(category, "USDT")
    large = [
        m.SymbolChoice(name, name.removesuffix("USDT"), quote, NOW_MS - 1500 * DAY, 1.9e9 / (place + 1))
        for place, name in enumerate(PRICES)
    ]
    small = [m.SymbolChoice(f"C{n}USDT", f"C{n}", quote, NOW_MS - n * DAY, 1e6 / n) for n in range(1, 200)]
    return (*large, *small)


def estimate(command: m.Collect, now_ms: int) -> m.CollectEstimate:
    """Rows by simple arithmetic; nothing is stored yet."""
    from tradebot.engine.market.times import parse_time

    listed = symbols(command.category)
    names: set[str] = set()
    for text in command.symbols:
        stem = text.rstrip("*")
        matching = [each.symbol for each in listed if text == "all" or each.symbol == text
                    or (text.endswith("*") and each.symbol.startswith(stem))]  # fmt: skip
        if not matching:
            raise InputError(f'The exchange has no symbol "{text}" in the category {command.category}.')
        names.update(matching)
    count = min(len(names), command.top) if command.top else len(names)
    span = now_ms - parse_time(command.since, now_ms)
    frames = [*command.timeframes, *command.mark]
    bars = round(sum(span / STEPS[frame] for frame in frames)) * count
    requests = -(-bars // 1000)
    return m.CollectEstimate(
        count, count * len(frames), bars, 0, bars * 62, requests, max(1.0, requests / 90)
    )


def advance(job: m.JobView, seconds: float) -> m.JobView:
    """A job after some time."""
    done = min(job.total, job.done + job.rate * seconds)
    left = (job.total - done) / job.rate if job.rate else None
    return replace(job, done=done, eta_seconds=left)


def retried(job: m.JobView, number: int) -> m.JobView:
    """The job that takes a failed one's place."""
    return replace(
        job,
        job_id=number,
        state="running",
        sentence="",
        details=(),
        resumable=False,
        ended_ms=None,
        rate=9_000.0,
    )
