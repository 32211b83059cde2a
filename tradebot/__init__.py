"""tradebot: a trading workstation in the terminal for Bybit."""

__version__ = "0.1.0"
