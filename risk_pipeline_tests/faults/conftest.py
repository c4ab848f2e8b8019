"""Fixtures of the fault tests."""

from risk_pipeline_tests.support.faults import clean, patch
from risk_pipeline_tests.support.homes import make_home, module_environment
from risk_pipeline_tests.support.yahoo import yahoo, yahoo_session

__all__ = ["clean", "make_home", "module_environment", "patch", "yahoo", "yahoo_session"]
