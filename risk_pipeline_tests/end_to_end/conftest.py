"""Fixtures of the end-to-end tests."""

from risk_pipeline_tests.support.homes import make_home, module_environment

__all__ = ["make_home", "module_environment"]
