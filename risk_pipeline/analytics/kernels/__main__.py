"""Compile every kernel that is not yet compiled: ``python -m risk_pipeline.analytics.kernels``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from . import __name__ as package
from . import __path__ as folders

if __name__ == "__main__":
    for module in iter_modules(folders):
        if module.name != "__main__":
            import_module(f"{package}.{module.name}")
