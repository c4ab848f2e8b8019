"""Symbols that are held on a session without a price of it: by whom, since when, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ..currencies import pair_currencies
from ..storage.check_queries import newest_bars, stored_proxies
from ..storage.queries import lots, symbols_held

if TYPE_CHECKING:
    import sqlalchemy as sa

MOST = 5
"""Portfolios that a sentence names."""


@dataclass(frozen=True)
class Unpriced:
    """A symbol without a price on a session on which it is held."""

    symbol: str
    portfolios: Sequence[str]
    """Those that hold it; of a currency pair none is named."""
    newest: date | None
    """The session of its last price before, None if there never was one."""

    @property
    def owners(self) -> str:
        """The portfolios in words."""
        more = f" and {len(self.portfolios) - MOST} more" if len(self.portfolios) > MOST else ""
        return ", ".join(self.portfolios[:MOST]) + more

    @property
    def reason(self) -> str:
        """Since when there is no price, and what stands for it."""
        if self.newest is not None:
            return f"no price since {self.newest}, which stands"
        if pair_currencies(self.symbol):
            return "never had a price"
        return "never had a price: counted at its entry price and without risk"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if pair_currencies(self.symbol):
            return "let the source give the pair"
        if self.newest is None:
            return "correct the symbol in positions.csv and import it again, or give its prices to the source"
        return "if its ticker changed import the change (aliases.csv), if it was delisted give its lots an exit"

    def __str__(self) -> str:
        who = f" of {self.owners}" if self.portfolios else ""
        return f"{self.symbol}{who}: {self.reason}; {self.remedy}"


def unpriced_on(engine: sa.Engine, session: date) -> list[Unpriced]:
    """Return the symbols that are held on a session and have no price of it, those that never had one first."""
    held = symbols_held(engine, [session])["symbol"].tolist()
    priced = set(stored_proxies(engine, [session], held)["symbol"])
    missing = [symbol for symbol in held if symbol not in priced]
    if not missing:
        return []
    newest = newest_bars(engine, missing, session)
    rows = lots(engine, session)
    ends = rows["exit_date"].fillna(rows["expiry"])
    rows = rows[(rows["investment_class"] != "PRIVATE") & ~(ends < pd.Timestamp(session))]
    symbols = rows["underlying"].where(rows["underlying"].notna(), rows["symbol"])
    owners = rows["portfolio_id"].groupby(symbols).agg(lambda names: sorted(set(names)))
    found = [Unpriced(symbol, owners.get(symbol, []), newest.get(symbol)) for symbol in missing]
    return sorted(found, key=lambda row: (row.newest is not None, row.symbol))
