"""What exercising early adds to options, as a function of the spot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .options import OptionTerms
from .threads import in_parts

LEAST_OPTIONS = 200
"""Options whose lattices are worth a thread: some milliseconds."""


@dataclass(frozen=True)
class EarlyPremium:
    """The premium of early exercise of n options at any spot; everything else stays as it is.

    It comes of a lattice about the strike. At the present spot it is that of a whole tree: what it is short of there,
    ``short`` (n,), it is short of elsewhere, in proportion where the premium is below that on the lattice, ``at_spot``
    (n,). ``terms`` (7, n) and ``on_lattice`` are as the kernel takes and returns them.
    """

    terms: Float2D
    on_lattice: Float2D
    at_spot: Float1D
    short: Float1D

    @classmethod
    def of(cls, options: OptionTerms) -> EarlyPremium:
        """Compute the lattices of some options."""
        from .kernels.early_premium import premiums_about_strike, premiums_at

        terms = options.as_rows
        on_lattice = in_parts(
            lambda part: premiums_about_strike(np.ascontiguousarray(terms[:, part])),
            terms.shape[1],
            least=LEAST_OPTIONS,
        )
        none = np.zeros(terms.shape[1])
        at_spot = premiums_at(on_lattice, terms, none, none, options.spot[None, :])[0]
        premium = np.maximum(options.tree_price() - options.european_price(), 0.0)
        return cls(terms, on_lattice, at_spot, np.where(at_spot > 0, premium - at_spot, 0.0))

    def take(self, rows: Int1D) -> EarlyPremium:
        """Return that of some of the options, in the order of ``rows``."""
        terms = np.ascontiguousarray(self.terms[:, rows])
        return EarlyPremium(terms, self.on_lattice[rows], self.at_spot[rows], self.short[rows])

    def at(self, spots: Float2D) -> Float2D:
        """Return the premium at some spots, (S, n), 0 where the option is exercised, which is worth more."""
        from .kernels.early_premium import premiums_at

        return premiums_at(self.on_lattice, self.terms, self.at_spot, self.short, np.ascontiguousarray(spots))
