"""What crosses the border of the engine: commands in, snapshots and replies out.

All of them are frozen dataclasses of plain values, so that they can be sent to an engine in another process
(`to_json`, `from_json`). Screens know these types and `engine.Engine`, nothing deeper.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tradebot.engine.alert_messages import (
    AddAlert,
    AlertCommand,
    AlertReading,
    AlertsView,
    AlertView,
    ArmAlert,
    ChangeAlert,
    GetAlerts,
    NoteFocus,
    RemoveAlert,
    SnoozeAlert,
    TellExample,
    ToldView,
    ToldWay,
    TryAlert,
)
from tradebot.engine.backtest_messages import (
    BacktestView,
    GetResult,
    GetTradeBars,
    GetTrades,
    LevelPath,
    MetricView,
    RunBacktest,
    TradeBars,
    TradePage,
    TradeRow,
)
from tradebot.engine.build_messages import (
    BuildCommand,
    CompareVersions,
    ComponentChoice,
    DeleteStrategy,
    DiffLine,
    DraftView,
    DropDraft,
    EditForm,
    FormEdit,
    FormField,
    FormProblem,
    FormSection,
    FormView,
    FromTemplate,
    GetComponents,
    GetDrafts,
    GetTemplates,
    KeepDraft,
    ListVersions,
    NewStrategy,
    OpenForm,
    OpenToml,
    OpenVersion,
    ReadRule,
    RuleReading,
    RuleRow,
    RuleSuggestion,
    SaveStrategy,
    TemplateView,
    VersionDiff,
    VersionView,
)
from tradebot.engine.chart_messages import (
    ChartCommand,
    ChartIndicator,
    ChartLine,
    ChartSignal,
    ChartTrade,
    ChartView,
    GetChart,
    GetChartIndicators,
)
from tradebot.engine.data_messages import (
    BackUp,
    BudgetView,
    CancelJob,
    CheckData,
    Collect,
    CollectEstimate,
    DataReport,
    DatasetView,
    EstimateCollect,
    ExportDataset,
    GapView,
    GetMonths,
    GetReport,
    GetSymbols,
    ImportFiles,
    JobView,
    MonthsView,
    MonthView,
    RepairData,
    RetryJob,
    RunSoFar,
    StreamView,
    SymbolChoice,
    Unfollow,
    VerifyData,
)
from tradebot.engine.health_messages import HealthView, QueueView, ServiceView, TrendView
from tradebot.engine.log_messages import ExplainRecord, GetLogs, LogAdvice, LogCommand, LogPage, LogRecord
from tradebot.engine.preview_messages import (
    Preview,
    PreviewCandles,
    PreviewFigure,
    PreviewMark,
    PreviewProgress,
    PreviewSignals,
    PreviewView,
)
from tradebot.engine.result_messages import (
    ComparedCurve,
    ComparedRow,
    CompareResults,
    ComparisonView,
    ConfigLine,
    DecisionFacts,
    DeleteResult,
    ExplainTrade,
    FindingView,
    GetAnalysis,
    GroupTable,
    GroupView,
    HistogramView,
    MemberFact,
    PeriodView,
    RerunResult,
    ResultAnalysis,
    ResultCommand,
    TradeWhy,
    ValueFact,
    WriteReport,
)
from tradebot.engine.settings_messages import (
    CheckConnection,
    CheckKeys,
    ConnectionCheck,
    ForgetKeys,
    GetKeys,
    GetSettings,
    KeyChoice,
    KeysView,
    RollBackSettings,
    SaveSettings,
    SettingField,
    SettingsCheck,
    SettingsCommand,
    SettingsView,
    StoreKeys,
    TrySettings,
)

__all__ = [
    "AddAlert",
    "AlertCommand",
    "AlertReading",
    "AlertView",
    "AlertsView",
    "ArmAlert",
    "BackUp",
    "BacktestView",
    "BudgetView",
    "BuildCommand",
    "CancelJob",
    "ChangeAlert",
    "ChartCommand",
    "ChartIndicator",
    "ChartLine",
    "ChartSignal",
    "ChartTrade",
    "ChartView",
    "CheckConnection",
    "CheckData",
    "CheckKeys",
    "Collect",
    "CollectEstimate",
    "Command",
    "CompareResults",
    "CompareVersions",
    "ComparedCurve",
    "ComparedRow",
    "ComparisonView",
    "ComponentChoice",
    "ConfigLine",
    "ConnectionCheck",
    "ConnectionView",
    "DataReport",
    "DatasetView",
    "DecisionFacts",
    "DeleteResult",
    "DeleteStrategy",
    "DiffLine",
    "DraftView",
    "DropDraft",
    "EditForm",
    "EngineSnapshot",
    "EstimateCollect",
    "EventView",
    "ExplainRecord",
    "ExplainTrade",
    "ExportDataset",
    "FindingView",
    "ForgetKeys",
    "FormEdit",
    "FormField",
    "FormProblem",
    "FormSection",
    "FormView",
    "FromTemplate",
    "GapView",
    "GetAlerts",
    "GetAnalysis",
    "GetChart",
    "GetChartIndicators",
    "GetComponents",
    "GetDrafts",
    "GetKeys",
    "GetLogs",
    "GetMonths",
    "GetReport",
    "GetResult",
    "GetSettings",
    "GetSymbols",
    "GetTemplates",
    "GetTradeBars",
    "GetTrades",
    "GroupTable",
    "GroupView",
    "HealthView",
    "HistogramView",
    "ImportFiles",
    "JobView",
    "KeepDraft",
    "KeyChoice",
    "KeysView",
    "LevelPath",
    "ListVersions",
    "LogAdvice",
    "LogCommand",
    "LogPage",
    "LogRecord",
    "MemberFact",
    "MetricView",
    "MonthView",
    "MonthsView",
    "NewStrategy",
    "NoteFocus",
    "OpenForm",
    "OpenToml",
    "OpenVersion",
    "PeriodView",
    "Preview",
    "PreviewCandles",
    "PreviewFigure",
    "PreviewMark",
    "PreviewProgress",
    "PreviewSignals",
    "PreviewView",
    "QueueView",
    "QuoteView",
    "ReadRule",
    "RemoveAlert",
    "RepairData",
    "RerunResult",
    "ResultAnalysis",
    "ResultCommand",
    "ResultSummary",
    "RetryJob",
    "RollBackSettings",
    "RuleReading",
    "RuleRow",
    "RuleSuggestion",
    "RunBacktest",
    "RunSoFar",
    "SaveSettings",
    "SaveStrategy",
    "ServiceView",
    "SettingField",
    "SettingsCheck",
    "SettingsCommand",
    "SettingsView",
    "SnoozeAlert",
    "StoreKeys",
    "StrategySummary",
    "StreamView",
    "SymbolChoice",
    "TellExample",
    "TemplateView",
    "ToldView",
    "ToldWay",
    "TradeBars",
    "TradePage",
    "TradeRow",
    "TradeWhy",
    "TrendView",
    "TryAlert",
    "TrySettings",
    "Unfollow",
    "ValueFact",
    "VerifyData",
    "VersionDiff",
    "VersionView",
    "WriteReport",
    "from_json",
    "to_json",
]

# ---------------------------------------------------------------------------------------------- commands


Command = (
    Collect
    | CancelJob
    | ImportFiles
    | CheckData
    | BuildCommand
    | RunBacktest
    | RerunResult
    | GetResult
    | GetTrades
    | GetTradeBars
    | ResultCommand
    | RetryJob
    | VerifyData
    | GetReport
    | RepairData
    | Unfollow
    | GetMonths
    | ExportDataset
    | BackUp
    | EstimateCollect
    | GetSymbols
    | Preview
    | LogCommand
    | SettingsCommand
    | ChartCommand
    | AlertCommand
)

# ---------------------------------------------------------------------------------------------- snapshots


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """How the exchange is reached. `rest` and `stream` are off, connecting, ok or lost; `sentence` says what is up."""

    url: str = ""
    rest: str = "off"
    rest_latency_ms: float | None = None
    stream: str = "off"
    stream_latency_ms: float | None = None
    silent_seconds: float | None = None
    reconnects: int = 0
    sentence: str = ""
    connections: int = 0


@dataclass(frozen=True, slots=True)
class QuoteView:
    """The latest price of a symbol that is followed; prices in the exchange's own digits, `age_ms` since it came."""

    symbol: str
    last: str
    change_24h: float | None
    volume_24h: float | None
    funding_rate: float | None
    age_ms: int


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened, as a sentence. `level` is info, warning or error."""

    sequence: int
    time_ms: int
    level: str
    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class StrategySummary:
    """A saved strategy. `example` marks those that came with tradebot; `problem` is its first error, if any.

    `version` is the number of its newest saved version, 0 where it has none (an example, or a file put there by hand).
    """

    name: str
    title: str
    symbols: tuple[str, ...]
    timeframe: str
    example: bool
    problem: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class ResultSummary:
    """A stored result in one line; ratios are fractions, None where undefined."""

    result_id: str
    strategy: str
    created_ms: int
    symbols: tuple[str, ...]
    timeframe: str
    trades: int
    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """Everything a screen shows without asking, as of `time_ms` (the exchange's clock, UTC).

    `mode` is demo or data; `source` names where the bars come from; `kernels` is unknown, compiling, ready or failed,
    `kernels_sentence` why. `read_only` is the sentence why nothing is written to the data folder, where so.
    `data_bytes` are those of all datasets; `waiting_rows` are stored beside their files, not yet in them.
    `preview` is how far the live preview under way is; `trends` are those of the followed symbols.
    """

    time_ms: int = 0
    mode: str = "data"
    source: str = ""
    data_folder: str = ""
    ready: bool = False
    kernels: str = "unknown"
    connection: ConnectionView = field(default_factory=ConnectionView)
    budget: BudgetView = field(default_factory=BudgetView)
    streams: tuple[StreamView, ...] = ()
    message_rates: tuple[float, ...] = ()
    quotes: tuple[QuoteView, ...] = ()
    datasets: tuple[DatasetView, ...] = ()
    jobs: tuple[JobView, ...] = ()
    strategies: tuple[StrategySummary, ...] = ()
    results: tuple[ResultSummary, ...] = ()
    events: tuple[EventView, ...] = ()
    free_bytes: int = 0
    data_bytes: int = 0
    waiting_rows: int = 0
    read_only: str = ""
    kernels_sentence: str = ""
    preview: PreviewProgress = field(default_factory=PreviewProgress)
    health: HealthView = field(default_factory=HealthView)
    trends: tuple[TrendView, ...] = ()
    alerts: tuple[AlertView, ...] = ()


# ---------------------------------------------------------------------------------------------- as JSON


def to_json(message: Any) -> str:
    """One line of JSON for a command, snapshot or reply of this module; its class name travels as `type`."""
    import json

    from pydantic import TypeAdapter

    value = TypeAdapter(type(message)).dump_python(message, mode="json")
    return json.dumps({"type": type(message).__name__, "value": value}, ensure_ascii=False)


def from_json(line: str) -> Any:
    """The message that `to_json` wrote. Raises ValueError for a type or shape this module does not know."""
    import json

    from pydantic import TypeAdapter

    envelope = json.loads(line)
    name = envelope.get("type") if isinstance(envelope, dict) else None
    kind = globals().get(name) if isinstance(name, str) and name in __all__ else None
    if not isinstance(kind, type):
        raise ValueError(f"{name!r} is not a message of the engine")
    return TypeAdapter(kind).validate_python(envelope.get("value"))
