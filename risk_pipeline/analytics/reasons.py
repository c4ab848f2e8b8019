"""Why a number is missing: the one list of reasons."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """A number that can't be computed is a row with one of these, never a zero and never an exception."""

    NO_PUBLIC_POSITIONS = "no_public_positions"
    NO_ACTIVE_POSITIONS = "no_active_positions"
    MISSING_DATA = "missing_data"
    TOO_SHORT = "too_short"
    NO_VARIANCE = "no_variance"
    SINGULAR = "singular"
    NON_POSITIVE_EQUITY = "non_positive_equity"
    NO_VENDOR_BETA = "no_vendor_beta"
    NO_EXCHANGE_RATE = "no_exchange_rate"
    IMPLAUSIBLE_PRICE = "implausible_price"
    TOO_LARGE = "too_large"
    UNKNOWN_MEASURE = "unknown_measure"
    NO_VALUE = "no_value"
    BENCHMARK_CURRENCY = "benchmark_currency"
    NO_BENCHMARK = "no_benchmark"
    NO_BENCHMARK_WEIGHTS = "no_benchmark_weights"

    def explain(self) -> str:
        """Return the reason in plain words, for a person who reads the page."""
        return _WORDS[self]


_WORDS = {
    Reason.NO_PUBLIC_POSITIONS: "holds only private assets, so there is no market price to measure risk with",
    Reason.NO_ACTIVE_POSITIONS: "holds no position on this date",
    Reason.MISSING_DATA: "prices of the session are missing",
    Reason.TOO_SHORT: "the price history is too short",
    Reason.NO_VARIANCE: "its returns are all zero: what it holds hedges itself wholly",
    Reason.SINGULAR: "the factors can't be told apart over this window",
    Reason.NON_POSITIVE_EQUITY: "equity is zero or negative, so a share of it means nothing",
    Reason.NO_VENDOR_BETA: "the data vendor gives no beta for its holdings",
    Reason.NO_EXCHANGE_RATE: "a position is in another currency and the pair between the two has no price",
    Reason.IMPLAUSIBLE_PRICE: "a position's entry price and the market's price of that day can't both be right",
    Reason.TOO_LARGE: "a position is too large to compute with",
    Reason.UNKNOWN_MEASURE: "the limit's measure is no longer a column, a factor or a scenario",
    Reason.NO_VALUE: "the measure has no number on this session",
    Reason.BENCHMARK_CURRENCY: "its benchmark is priced in another currency than its own",
    Reason.NO_BENCHMARK: "it has no benchmark",
    Reason.NO_BENCHMARK_WEIGHTS: "its benchmark has no weights by this date",
}
