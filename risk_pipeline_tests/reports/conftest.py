"""Fixtures of the page tests."""

from risk_pipeline_tests.support.page_numbers import stored
from risk_pipeline_tests.support.pages import browser, pages, visit

__all__ = ["browser", "pages", "stored", "visit"]
