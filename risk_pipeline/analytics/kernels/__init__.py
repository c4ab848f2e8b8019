"""Loops that numba compiles: each module holds one, written as the formula reads.

The functions of ``analytics`` that use them import them when they are called, since numba takes time to load.
``python -m risk_pipeline.analytics.kernels`` compiles all of them; installing does so.
"""
