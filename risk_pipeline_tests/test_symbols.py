from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.symbols import canonical, yahoo_form


@pytest.mark.parametrize(
    ("written", "one", "yahoo"),
    [
        ("BRK.B", "BRK.B", "BRK-B"),
        ("BRK-B", "BRK.B", "BRK-B"),
        ("brk/b", "BRK.B", "BRK-B"),
        (" BRK B ", "BRK.B", "BRK-B"),
        ("BF.A", "BF.A", "BF-A"),
        (" aapl\t", "AAPL", "AAPL"),
        ("EQIX", "EQIX", "EQIX"),
        ("EQ", "EQ", "EQ"),
        ("EQT", "EQT", "EQT"),
        ("A", "A", "A"),
        ("VOD.L", "VOD.L", "VOD.L"),
        ("7203.T", "7203.T", "7203.T"),
        ("BTC-USD", "BTC-USD", "BTC-USD"),
        ("^GSPC", "^GSPC", "^GSPC"),
        ("SPY 500 C", "SPY 500 C", "SPY 500 C"),
    ],
)
def test_symbol_normalisation_table(written, one, yahoo):
    assert canonical(written) == one
    assert yahoo_form(one) == yahoo
    assert canonical(yahoo) == one


@given(st.text(max_size=12))
def test_the_canonical_form_is_its_own(text):
    assert canonical(canonical(text)) == canonical(text)
