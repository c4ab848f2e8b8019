"""Fixtures of the market tests."""

from risk_pipeline_tests.support.yahoo import chart_answer, yahoo, yahoo_session

__all__ = ["chart_answer", "yahoo", "yahoo_session"]
