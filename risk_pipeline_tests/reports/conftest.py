"""Fixtures of the page tests."""

from risk_pipeline_tests.support.pages import browser, pages, visit

__all__ = ["browser", "pages", "visit"]
