"""Constants that kernels are compiled with; here, since machine code is kept by a hash of this folder's sources."""

from __future__ import annotations

import math

HORIZON, WEEK, MONTH = 21, 5, 22
"""Sessions of the HAR model: what is forecast, and its features."""
SHORTEST = MONTH + HORIZON
"""Sessions of one pair of features and outcome."""
LOOK_BACK = 778
"""Sessions that an estimate reads, its own included."""
ROWS = LOOK_BACK - SHORTEST + 1
"""Pairs of features and outcome in a regression without gaps."""
MIN_ROWS = 461
CENTRE = math.log(1e-4)
"""A usual log of a daily variance, taken off so that sums of squares keep their digits."""
PERCENT = 100.0
"""Scale of the leverage term, so that its squares are of the others' order."""
EWMA_DECAY = 0.94
STILL = 1e-9
"""Features that spread less than this share of their squares do not move."""
FEATURES = 4
"""Day, week, month and leverage."""
NO_SPREAD = 1e-20
"""A sum of squares below this share of the one before, or that it is a part of, is rounding error."""
UNKNOWN_SECTOR, NO_SECTOR = -1, -2
SECTOR_SHRINKAGE = 0.8
"""What the coefficient on the sector is multiplied by: its noise taken off, on average over stocks."""
LEAST_SPOT = 1e-9
"""Of the present spot: a shock takes an underlying no lower."""
