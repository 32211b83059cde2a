"""Where things stand: settings, strategies, market data, results, and what came with the package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one run.

    `config` holds the user's settings, `strategies` what the builder saves, `data` market data and results, `shipped`
    the default settings and example strategies of the package (never written), `state` what the tradebot processes of
    this user tell each other, such as the request budget they share, and `logs` log files and crash reports. What the
    screens save stands in `saved`, None: beside the settings.
    """

    config: Path
    strategies: Path
    data: Path
    shipped: Path
    state: Path
    logs: Path
    saved: Path | None = None

    @property
    def results(self) -> Path:
        """Folder of backtest results."""
        return self.data / "results"

    @property
    def saved_settings(self) -> Path:
        """The file of what the screens save."""
        return (self.saved or self.config) / "local.toml"

    @property
    def plugins(self) -> Path:
        """Folder of the user's own indicators and signals."""
        return self.config / "plugins"

    @property
    def shipped_strategies(self) -> Path:
        """Folder of the example strategies."""
        return self.shipped / "strategies"

    def for_demo(self, data: Path | None, seed: int = 1) -> Folders:
        """The demo's own folders: everything it writes stands below its data folder, one for each seed."""
        root = data or self.data / ("demo" if seed == 1 else f"demo-{seed}")
        return replace(
            self,
            data=root,
            strategies=root / "strategies",
            state=root / "state",
            logs=root / "logs",
            saved=root,
        )


def find_folders(working: Path, data: Path | None = None) -> Folders:
    """Folders for a working folder.

    In a checkout (a working folder with `config/`) they are `./config` and `./data`, else the user's application
    folders. `data` overrides the data folder.
    """
    shipped = _PACKAGE / "_config"
    if not shipped.is_dir():
        shipped = _PACKAGE.parent / "config"
    local_config = working / "config"
    if (local_config / "tradebot.toml").is_file():
        config, default_data = local_config, working / "data"
    else:
        config = Path(platformdirs.user_config_dir("tradebot", appauthor=False))
        default_data = Path(platformdirs.user_data_dir("tradebot", appauthor=False))
    state = Path(platformdirs.user_state_dir("tradebot", appauthor=False))
    logs = Path(platformdirs.user_log_dir("tradebot", appauthor=False))
    return Folders(config, config / "strategies", data or default_data, shipped, state, logs)
