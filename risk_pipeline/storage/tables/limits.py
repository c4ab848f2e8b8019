"""Limits that the user brings, and how much of each is used."""

from __future__ import annotations

from sqlalchemy import Column, Date, Float, String

from .schema import NAME, REASON, portfolio_key, session_key, table

MEASURE = String(80)
OPERATOR_COMMENT = "what must hold: <=, >=, or abs<= of the absolute value"

limits = table(
    "limits",
    "The limits that were imported: what must hold of a number of a portfolio, and since when.",
    Column("portfolio_id", NAME, primary_key=True, comment="id of the portfolio; * stands for every portfolio"),
    Column("measure", MEASURE, primary_key=True, comment="what is limited, as docs/risk_desk.md names it"),
    Column("operator", String(8), primary_key=True, comment=OPERATOR_COMMENT),
    Column("valid_from", Date, primary_key=True, comment="first day; a later row of the same limit replaces it"),
    Column("warning_value", Float, comment="where to warn, on the safe side of the limit; null: nowhere"),
    Column("limit_value", Float, comment="null: no limit from that day on"),
)

limit_utilisations = table(
    "limit_utilisations",
    "Every limit that held on the session against the number that it is set on.",
    session_key(),
    portfolio_key(),
    Column("measure", MEASURE, primary_key=True, comment="what is limited, as in limits"),
    Column("operator", String(8), primary_key=True, comment=OPERATOR_COMMENT),
    Column("valid_from", Date, nullable=False, comment="of the limit"),
    Column("value", Float, comment="of the measure; money is in the portfolio's currency"),
    Column("warning_value", Float, comment="null: the limit has none"),
    Column("limit_value", Float, nullable=False, comment="in the unit of value"),
    Column("utilisation", Float, comment="share of the limit used, above 1 in a breach; null of a limit of zero"),
    Column("status", String(8), nullable=False, comment="within, warning, breach, or unknown where there is no value"),
    Column("cause", String(200), comment="of a warning or breach: what moved the value most"),
    Column("reason", REASON, comment="why there is no value"),
)
