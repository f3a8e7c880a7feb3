"""Random number generators: PyNN's own, and NativeRNG, the fast one of this backend.

With a `NumpyRNG` a script gives the same network here as on every other backend. A `NativeRNG`
gives up that equality for speed: connectors which are handed one draw only as many numbers as they
make connections.
"""

import operator

import numpy as np
from pyNN.random import (
    GSLRNG,
    MAX_REDRAWS,
    AbstractRNG,
    NumpyRNG,
    RandomDistribution,
    available_distributions,
)
from pyNN.random import NativeRNG as _NativeRNG

__all__ = ["AbstractRNG", "GSLRNG", "NativeRNG", "NumpyRNG", "RandomDistribution",
           "available_distributions"]

# The seed that PyNN's connectors fall back on, so that a script without seeds repeats itself too.
DEFAULT_SEED = 151985012


class NativeRNG(_NativeRNG):
    """A counter-based random number generator (Philox 4x64-10, as numpy provides it).

    Arguments:
        `seed`:
            an integer from 0 to 2**128 - 1, the key of the Philox generator. Default 151985012.

    `next` draws every distribution of `pyNN.random.available_distributions`, with the parameters
    of `NumpyRNG.next`. Each use advances the stream, also by connectors and synapse parameters:
    two projections made from one NativeRNG are independent of each other (with a NumpyRNG PyNN
    works on copies, which repeat).

    Raises TypeError or ValueError for a seed that is not such an integer.

    Reference: Salmon, Moraes, Dror and Shaw (2011) Parallel random numbers: as easy as 1, 2, 3.
    doi:10.1145/2063384.2063405
    """
    parallel_safe = True

    def __init__(self, seed=None):
        if seed is None:
            seed = DEFAULT_SEED
        try:
            seed = operator.index(seed)
        except TypeError:
            raise TypeError(f"NativeRNG: the seed must be an integer, not {seed!r}") from None
        if not 0 <= seed < 2**128:
            raise ValueError(f"NativeRNG: the seed must be from 0 to 2**128 - 1, not {seed}")
        super().__init__(seed)
        self.generator = np.random.Generator(np.random.Philox(key=seed))

    def next(self, n=None, distribution=None, parameters=None, mask=None):
        """Return `n` random numbers, float64 or int64 (n,), or a single one if `n` is None.

        Arguments:
            `distribution`: a name in `available_distributions`; by default numbers from [0, 1).
            `parameters`: dict with all parameters of the distribution.
            `mask`: boolean (n,) or integer array: all n are drawn, those selected are returned.
        """
        if distribution is None:
            distribution = "uniform"
            if parameters is None:
                parameters = {"low": 0.0, "high": 1.0}
        if distribution not in available_distributions:
            raise ValueError(f"NativeRNG: unknown distribution {distribution!r}, known are "
                             f"{', '.join(available_distributions)}")
        expected = available_distributions[distribution]
        if parameters is None or set(parameters) != set(expected):
            raise KeyError(f"Incorrect parameterization of random distribution {distribution!r}. "
                           f"Expected {expected}, got {tuple(parameters or ())}.")
        if n is not None and n < 0:
            raise ValueError(f"The sample number must be positive, not {n}")
        values = getattr(self, "_" + distribution)(1 if n is None else n, **parameters)
        if mask is not None:
            mask = np.asarray(mask)
            if mask.dtype == bool and mask.size != values.size:
                raise ValueError("boolean mask size must equal n")
            values = values[mask]
        return values[0] if n is None else values

    # PyNN's structures and PopulationView sampling call these on any generator.

    def permutation(self, x):
        """A shuffled copy of the array `x`, or of range(x)."""
        return self.generator.permutation(x)

    def shuffle(self, x):
        """Shuffle the array `x` in place."""
        self.generator.shuffle(x)

    def choice(self, a, size=None, replace=True, p=None):
        """Draw `size` elements of `a`, or of range(a)."""
        return self.generator.choice(a, size=size, replace=replace, p=p)

    def describe(self):
        """One line about the generator."""
        return f"NativeRNG() with seed {self.seed}. Is parallel safe."

    def __repr__(self):
        return f"NativeRNG(seed={self.seed})"

    def __deepcopy__(self, memo):
        copy = type(self)(self.seed)
        copy.generator.bit_generator.state = self.generator.bit_generator.state
        return copy

    def _binomial(self, size, n, p):
        return self.generator.binomial(n, p, size)

    def _gamma(self, size, k, theta):
        return self.generator.gamma(k, theta, size)

    def _exponential(self, size, beta):
        return self.generator.exponential(beta, size)

    def _lognormal(self, size, mu, sigma):
        return self.generator.lognormal(mu, sigma, size)

    def _normal(self, size, mu, sigma):
        return self.generator.normal(mu, sigma, size)

    def _normal_clipped(self, size, mu, sigma, low, high):
        values = self.generator.normal(mu, sigma, size)
        outside = np.flatnonzero((values < low) | (values > high))
        for _ in range(MAX_REDRAWS):
            if not outside.size:
                return values
            redrawn = self.generator.normal(mu, sigma, outside.size)
            values[outside] = redrawn
            outside = outside[(redrawn < low) | (redrawn > high)]
        raise ValueError(f"normal_clipped: after {MAX_REDRAWS} redraws there are still values "
                         f"outside ({low}, {high}) for mu={mu}, sigma={sigma}")

    def _normal_clipped_to_boundary(self, size, mu, sigma, low, high):
        return np.clip(self.generator.normal(mu, sigma, size), low, high)

    def _poisson(self, size, lambda_):
        return self.generator.poisson(lambda_, size)

    def _uniform(self, size, low, high):
        if low == 0 and high == 1:
            return self.generator.random(size)
        return self.generator.uniform(low, high, size)

    def _uniform_int(self, size, low, high):
        return self.generator.integers(low, high, size)

    def _vonmises(self, size, mu, kappa):
        return self.generator.vonmises(mu, kappa, size)
