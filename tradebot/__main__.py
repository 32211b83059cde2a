"""`python -m tradebot` is the same as `tradebot`."""

from tradebot.cli import main

if __name__ == "__main__":
    main()
