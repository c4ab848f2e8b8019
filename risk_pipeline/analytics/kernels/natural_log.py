"""The natural logarithm without a call, so that a loop over numbers becomes vector instructions."""

from __future__ import annotations

import numpy as np

from .compiled import part

ROOT_OF_HALF = 0x3FE6A09E667F3BCD
"""The bits of the number."""


@part
def natural_log(x: float) -> float:
    """Return the logarithm of a float64 that is neither negative nor subnormal, to the last bit but one.

    References
    ----------
    fdlibm's ``e_log.c``: of x = 2^k (1 + f), with s = f / (2 + f), log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)).
    """
    bits = np.float64(x).view(np.int64)
    k = (bits - ROOT_OF_HALF) >> 52
    f = np.int64(bits - (k << 52)).view(np.float64) - 1.0
    s, half = f / (2.0 + f), 0.5 * f * f
    z = s * s
    w = z * z
    odd = 0.6666666666666735130 + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
    even = 0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332)
    small = s * (half + (w * even + z * odd)) + k * 1.90821492927058770002e-10
    log = k * 6.93147180369123816490e-01 - ((half - small) - f)
    return log if 0.0 < x < np.inf else (-np.inf if x == 0.0 else np.nan)
