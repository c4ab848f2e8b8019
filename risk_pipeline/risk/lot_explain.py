"""What each lot gained on a session, in parts: factors, specific, greeks, dividends, trades, marks, currency, fees."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ..analytics.arrays import Bool1D, Float1D, Float2D, Float3D, Int1D
from ..analytics.conversion import LEGS
from ..analytics.factor_returns import residual_returns
from ..analytics.lot_values import Positions
from ..analytics.lots import InvestmentClass, LotRows
from ..analytics.option_positions import DAYS_A_YEAR, option_terms
from ..analytics.pnl_parts import OptionParts, option_parts
from ..analytics.sums import sum_by
from ..currencies import pair_currencies
from .beyond_core import beyond_proxy_returns, proxy_betas
from .inputs import Inputs
from .symbol_betas import core_factor_returns


@dataclass(frozen=True)
class SymbolReturns:
    """What the model as of the session before says of the session's returns.

    ``factor`` (D, K) are the returns of the model's factors, ``beta`` (D, N, K) the symbols' coefficients, 0 where
    there is none; ``explained`` (D, N) what the two make of each symbol, NaN of one without a model or one of whose
    factors has no return.
    """

    factor: Float2D
    beta: np.ndarray
    explained: Float2D


@dataclass(frozen=True)
class LotParts:
    """Parts of the P&L of lots that are held or left on a session, each (n,) money; they sum to ``gain``.

    ``factors`` is by the exposures of the session before, an option's delta and the currency pairs included.
    ``currency`` (n, 2) is by pair, what the factors leave. ``unattributed`` is of lots without a model, or held before
    the portfolio's first session. ``is_modelled``: held the session before, with a market price and a model.
    """

    session: Int1D
    lot: Int1D
    gain: Float1D
    factors: Float1D
    specific: Float1D
    gamma: Float1D
    vega: Float1D
    vanna: Float1D
    theta: Float1D
    residual: Float1D
    dividends: Float1D
    trades: Float1D
    marks: Float1D
    currency: Float2D
    fees: Float1D
    unattributed: Float1D
    is_modelled: Bool1D


PARTS = tuple(f.name for f in fields(LotParts) if f.type == "Float1D" and f.name != "gain")
"""What a lot's P&L is the sum of, but for the currency pairs."""


@dataclass(frozen=True)
class _Held:
    """Lots (n,) that were held the session before, and what they are worth at the close.

    ``place`` are their rows among the lots shown; ``then`` are the positions of the session before. ``settles``:
    options that expire on the session; what they pay is their value.
    """

    place: Int1D
    session: Int1D
    lot: Int1D
    row: Int1D
    then: Positions
    settles: Bool1D
    value: Float1D
    rate: Float1D
    spot: Float1D
    volatility: Float1D


def symbol_returns(inputs: Inputs, betas: Float3D) -> SymbolReturns:
    """Apply the model's betas (D, N, K) as of the session before to what the factors returned on the session.

    Of a factor beyond the core the return is what that session's model leaves of its proxy's, so that a proxy's
    exposures give back exactly its own return.
    """
    factors = inputs.registries.factors
    betas = np.ascontiguousarray(betas)  # a sum's last bit depends on the layout
    core, beyond = core_factor_returns(inputs)[inputs.ends], beyond_proxy_returns(inputs)[inputs.ends]
    for day in range(len(inputs.ends)):
        row = slice(day, day + 1)
        beyond[row] = residual_returns(core[row], beyond[row], *proxy_betas(inputs, betas, day))
    returns = np.concatenate([core, beyond], axis=1)
    taken = np.nan_to_num(betas)
    explained = np.where(taken != 0.0, taken * returns[:, None, :], 0.0).sum(axis=2)
    explained[np.isnan(betas[..., : len(factors.core_names)]).any(axis=2)] = np.nan
    return SymbolReturns(returns, taken, explained)


def lot_parts(inputs: Inputs, returns: SymbolReturns) -> LotParts:
    """Split what each lot gained on each session, in the order of session and lot.

    A lot held the session before moves by its exposures then. One that was sold counts as held until the close, and
    its price against the close is a trade, as is all that a lot bought on the session gained.
    """
    lots, before = inputs.lots, inputs.before
    rows = LotRows.of(lots, inputs.panel.dates)
    end = inputs.ends[:, None]
    session, lot = np.nonzero((rows.entry <= end) & (end <= rows.end) & inputs.book.is_active[:, lots.portfolio])
    row, count = inputs.ends[session], len(lots.portfolio)
    gain = (inputs.book.lot_pnl - before.lot_pnl)[session, lot]
    fees, dividends = _fees(inputs, rows, row, lot), _dividends(inputs, rows, row, lot)
    enters = rows.entry[lot] == row
    key, key_before = session * count + lot, before.positions.session * count + before.positions.lot
    was_held = np.isin(key, key_before)
    parts = LotParts(
        session,
        lot,
        gain,
        **{name: np.zeros(len(lot)) for name in PARTS if name not in {"dividends", "trades", "fees", "unattributed"}},
        dividends=dividends,
        trades=np.where(enters, gain - fees, 0.0),
        currency=np.zeros((len(lot), LEGS)),
        fees=fees,
        unattributed=np.where(~enters & ~was_held, gain - fees - dividends, 0.0),
        is_modelled=np.zeros(len(lot), dtype=bool),
    )
    place = np.flatnonzero(was_held)
    if len(place):
        position = np.searchsorted(key_before, key[place])
        then = Positions(**{name: values[position] for name, values in vars(before.positions).items()})
        kept = (gain - fees - dividends)[place]
        held = _held(inputs, rows, place, session[place], lot[place], then, kept)
        _fill(inputs, rows, returns, parts, held, kept)
    return parts


def _held(
    inputs: Inputs, rows: LotRows, place: Int1D, session: Int1D, lot: Int1D, then: Positions, kept: Float1D
) -> _Held:
    """Find what lots are worth at the close, those that were sold too; ``kept`` (n,) is what their price gained."""
    lots, now, count = inputs.lots, inputs.book.positions, len(inputs.lots.portfolio)
    row = inputs.ends[session]
    leaves = rows.end[lot] == row
    settles = leaves & lots.is_option[lot] & (rows.expiry[lot] <= rows.exit[lot]) & ~lots.is_sold[lot]
    values = {name: np.full(len(lot), np.nan) for name in ("value", "rate", "spot", "volatility")}
    still, sold = np.flatnonzero(~leaves), np.flatnonzero(leaves & ~settles)
    of_now = np.searchsorted(now.session * count + now.lot, session[still] * count + lot[still])
    at_close = inputs.closing_values(session[sold], lot[sold]) if len(sold) else None
    ended = np.flatnonzero(settles)
    column, entry = lots.symbol[lot[ended]], rows.entry[lot[ended]]
    for name, of_lots in values.items():
        of_lots[still] = getattr(now, name)[of_now]
        if at_close is not None:
            of_lots[sold] = getattr(at_close, name)
    values["value"][ended] = then.value[ended] + kept[ended]
    values["rate"][ended] = inputs.conversion.rate(inputs.prices, row[ended], lot[ended], entry)[0]
    values["spot"][ended] = inputs.prices.price(rows.settlement[lot[ended]], column, entry)[0]
    values["volatility"][ended] = then.volatility[ended]
    return _Held(place, session, lot, row, then, settles, **values)


def _fill(inputs: Inputs, rows: LotRows, returns: SymbolReturns, parts: LotParts, held: _Held, kept: Float1D) -> None:
    """Write the parts of the lots that were held the session before."""
    lots, lot, place = inputs.lots, held.lot, held.place
    private, option = lots.is_private[lot], lots.is_option[lot]
    moved = held.value - held.then.value
    sold = (rows.end[lot] == held.row) & ~held.settles
    parts.trades[place] = np.where(sold, kept - moved, 0.0)
    currency = _currency(inputs, rows, held)
    price_pnl = moved - currency.sum(axis=1)
    own, pairs = _by_factors(inputs, returns, held)
    greeks = _greeks(inputs, rows, held, price_pnl)
    rest = np.where(option, greeks.delta, price_pnl) - own
    is_pair = np.array([pair_currencies(symbol) is not None for symbol in inputs.panel.symbols])
    cash = ~private & is_pair[lots.symbol[lot]]  # a pair that is a position itself is foreign cash
    modelled = ~np.isnan(returns.explained[held.session, lots.symbol[lot]])
    currency -= pairs
    currency[:, 0] += np.where(cash, rest, 0.0)
    parts.currency[place] = currency
    parts.factors[place] = own + pairs.sum(axis=1)
    parts.is_modelled[place] = modelled & ~private & ~cash
    parts.specific[place] = np.where(parts.is_modelled[place], rest, 0.0)
    parts.unattributed[place] = np.where(~private & ~cash & ~modelled, rest, 0.0)
    parts.marks[place] = np.where(private, price_pnl, 0.0)
    for name in ("gamma", "vega", "vanna", "theta", "residual"):
        getattr(parts, name)[place] = np.where(option, getattr(greeks, name), 0.0)


def _by_factors(inputs: Inputs, returns: SymbolReturns, held: _Held) -> tuple[Float1D, Float2D]:
    """Return what the factors made of each lot's instrument (n,) and of its currency pairs (n, 2)."""
    holdings, count = inputs.before.holdings, len(inputs.lots.portfolio)
    key, wanted = held.session * count + held.lot, holdings.session * count + holdings.lot
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    explained = returns.explained[holdings.session, holdings.symbol]
    pnl = np.where((key[at] == wanted) & ~np.isnan(explained), holdings.delta_value * explained, 0.0)
    legs = [sum_by(at, np.where(holdings.leg == leg, pnl, 0.0), len(key)) for leg in range(LEGS + 1)]
    return legs[0], np.column_stack(legs[1:])


def _currency(inputs: Inputs, rows: LotRows, held: _Held) -> Float2D:
    """Return what the pairs made of each lot's money in its own currency, (n, 2): the first at the old second rate."""
    conversion, entry = inputs.conversion, rows.entry[held.lot]
    if not conversion.is_foreign[held.lot].any():
        return np.zeros((len(held.lot), LEGS))
    old, new = np.empty((2, LEGS, len(held.lot)))
    for leg in range(LEGS):
        only = np.arange(LEGS) == leg
        alone = replace(conversion, column=np.where(only, conversion.column, -1))
        for rates, row in ((old, held.row - 1), (new, held.row)):
            rates[leg] = alone.rate(inputs.prices, row, held.lot, entry)[0]
    money = held.value / held.rate
    return np.column_stack([money * (new[0] - old[0]) * old[1], money * new[0] * (new[1] - old[1])])


def _greeks(inputs: Inputs, rows: LotRows, held: _Held, price_pnl: Float1D) -> OptionParts:
    """Return the parts of options' P&L; NaN of other lots."""
    lots, then, lot = inputs.lots, held.then, held.lot
    dates, column = inputs.panel.dates, np.maximum(lots.symbol[lot], 0)
    split = inputs.prices.ratio(np.where(held.settles, rows.settlement[lot], held.row), held.row - 1, column)
    last = np.fmin(dates[held.row], np.where(np.isnat(lots.expiry[lot]), dates[held.row], lots.expiry[lot]))
    return option_parts(
        price_pnl,
        then.quantity * lots.multiplier[lot] * then.rate,
        delta=np.where(lots.is_option[lot], then.delta, np.nan),
        gamma=then.gamma,
        vega=then.vega,
        vanna=_vanna(inputs, rows, held),
        theta=then.theta,
        spot_move=held.spot * split - then.spot,
        volatility_move=held.volatility - then.volatility,
        years=(last - dates[held.row - 1]).astype(np.int64) / DAYS_A_YEAR,
    )


def _vanna(inputs: Inputs, rows: LotRows, held: _Held) -> Float1D:
    """Return the European option's vanna the session before, per share; NaN of other lots."""
    lots, then, out = inputs.lots, held.then, np.full(len(held.lot), np.nan)
    options = np.flatnonzero(lots.is_option[held.lot])
    if len(options):
        lot, row = held.lot[options], held.row[options] - 1
        ratio = inputs.prices.ratio(row, rows.entry[lot], lots.symbol[lot])
        market = (then.spot, then.volatility, then.interest, then.dividend_yield)
        spot, volatility, interest, paid = (values[options] for values in market)
        terms = option_terms(lots, lot, inputs.panel.dates[row], spot, ratio, volatility, interest, paid)
        out[options] = terms.european().vanna
    return out


def _fees(inputs: Inputs, rows: LotRows, row: Int1D, lot: Int1D) -> Float1D:
    """Return what was paid in fees on the session, negative; an option that settles pays none."""
    lots, entry = inputs.lots, rows.entry[lot]
    rate = inputs.conversion.rate(inputs.prices, row, lot, entry)[0]
    settles = lots.is_option[lot] & (rows.expiry[lot] <= rows.exit[lot]) & ~lots.is_sold[lot]
    none = np.zeros(len(lots.portfolio))
    paid = np.where(entry == row, np.nan_to_num(none if lots.fees is None else lots.fees)[lot], 0.0)
    on_exit = np.nan_to_num(none if lots.exit_fees is None else lots.exit_fees)[lot]
    return np.asarray(-rate * (paid + np.where((rows.end[lot] == row) & ~settles, on_exit, 0.0)))


def _dividends(inputs: Inputs, rows: LotRows, row: Int1D, lot: Int1D) -> Float1D:
    """Return the dividends of shares held the session before."""
    lots, entry = inputs.lots, rows.entry[lot]
    out = np.zeros(len(lot))
    per_share = np.asarray(inputs.panel.dividend)[row, np.maximum(lots.symbol[lot], 0)]
    paid = np.flatnonzero((lots.kind[lot] == InvestmentClass.PUBLIC) & (entry < row) & (per_share != 0.0))
    held = lots.quantity[lot[paid]] * lots.multiplier[lot[paid]]
    ratio = inputs.prices.ratio(row[paid] - 1, entry[paid], lots.symbol[lot[paid]])
    rate = inputs.conversion.rate(inputs.prices, row[paid], lot[paid], entry[paid])[0]
    out[paid] = held * ratio * per_share[paid] * rate
    return out
