"""The formats of files that can be imported."""

from enum import StrEnum


class Format(StrEnum):
    """What a file may be."""

    AUTO = "auto"
    OURS = "ours"
    IBKR_FLEX = "ibkr-flex"
    SCHWAB = "schwab"
    TRANSACTIONS = "transactions"
