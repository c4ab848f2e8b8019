"""What exercising early adds to options, as a function of the spot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D
from .options import OptionTerms
from .threads import in_parts

LEAST_OPTIONS = 200
"""Options whose lattices are worth a thread: some milliseconds."""


@dataclass(frozen=True)
class EarlyPremium:
    """The premium of early exercise of n options at any spot; everything else stays as it is.

    It comes of a lattice about the strike. At the present spot it is that of a whole tree: what it is short of there,
    ``short`` (n,), it is short of elsewhere, in proportion where the premium is below that on the lattice, ``at_spot``
    (n,). ``on_lattice`` is as the kernel returns it.
    """

    on_lattice: Float2D
    at_spot: Float1D
    short: Float1D

    @classmethod
    def of(cls, options: OptionTerms, price: Float1D | None = None) -> EarlyPremium:
        """Compute the lattices of some options, and their trees where their ``price`` (n,) is not known."""
        from .kernels.early_premium import premiums_about_strike, premiums_at_spot

        terms = options.as_rows
        on_lattice = in_parts(
            lambda part: premiums_about_strike(np.ascontiguousarray(terms[:, part])),
            terms.shape[1],
            least=LEAST_OPTIONS,
        )
        at_spot = premiums_at_spot(on_lattice, terms)
        price = options.tree_price() if price is None else price
        premium = np.maximum(price - options.european().price, 0.0)
        return cls(on_lattice, at_spot, np.where(at_spot > 0, premium - at_spot, 0.0))

    @classmethod
    def none(cls) -> EarlyPremium:
        """Return that of no options."""
        from .kernels.early_premium import NODES

        return cls(np.empty((0, NODES + 1)), np.empty(0), np.empty(0))
