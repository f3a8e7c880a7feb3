"""NativeRNG draws every distribution of PyNN as NumpyRNG does, from streams that stay the same.

Distributions are compared with scipy's, by Kolmogorov-Smirnov where they are continuous and by
chi-square where they are not; seeds are fixed and the limit is a p-value of 1e-3.
"""

import copy
import pickle

import numpy as np
import pytest
from pyNN.random import NativeRNG as AnyNativeRNG
from pyNN.random import NumpyRNG, available_distributions
from pyNN.space import Grid2D

import pyNN_laconeu as sim
from pyNN_laconeu.random import DEFAULT_SEED, NativeRNG, RandomDistribution

stats = pytest.importorskip("scipy.stats")

N = 20000
TRUNCATED = stats.truncnorm((0.5 - 1.0) / 2.0, (4.0 - 1.0) / 2.0, loc=1.0, scale=2.0)
DISTRIBUTIONS = {  # parameters, the same in scipy
    "binomial": (dict(n=12, p=0.3), stats.binom(12, 0.3)),
    "gamma": (dict(k=2.5, theta=0.7), stats.gamma(2.5, scale=0.7)),
    "exponential": (dict(beta=3.0), stats.expon(scale=3.0)),
    "lognormal": (dict(mu=0.4, sigma=0.6), stats.lognorm(0.6, scale=np.exp(0.4))),
    "normal": (dict(mu=-1.0, sigma=2.0), stats.norm(-1.0, 2.0)),
    "normal_clipped": (dict(mu=1.0, sigma=2.0, low=0.5, high=4.0), TRUNCATED),
    "poisson": (dict(lambda_=4.5), stats.poisson(4.5)),
    "uniform": (dict(low=-2.0, high=5.0), stats.uniform(-2.0, 7.0)),
    "uniform_int": (dict(low=-3, high=9), stats.randint(-3, 9)),
    "vonmises": (dict(mu=0.5, kappa=2.0), stats.vonmises(2.0, loc=0.5)),
}
ALL_PARAMETERS = {name: parameters for name, (parameters, _) in DISTRIBUTIONS.items()}
ALL_PARAMETERS["normal_clipped_to_boundary"] = ALL_PARAMETERS["normal_clipped"]


def test_every_distribution_of_pynn_is_tested_here():
    assert set(ALL_PARAMETERS) == set(available_distributions)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_numbers_follow_their_distribution(name):
    parameters, expected = DISTRIBUTIONS[name]
    values = NativeRNG(2).next(N, name, parameters)
    assert values.shape == (N,)
    if hasattr(expected, "pdf"):
        assert stats.kstest(values, expected.cdf).pvalue > 1e-3
        return
    k = np.arange(expected.ppf(1e-3), expected.ppf(1 - 1e-3) + 1)
    observed = np.array([(values == i).sum() for i in k])
    frequency = expected.pmf(k)
    observed = np.append(observed, N - observed.sum())
    frequency = np.append(frequency, 1 - frequency.sum())
    occurring = frequency > 1e-9
    assert not observed[~occurring].any()
    assert stats.chisquare(observed[occurring], N * frequency[occurring]).pvalue > 1e-3


def test_values_beyond_the_boundary_are_set_to_it():
    values = NativeRNG(2).next(N, "normal_clipped_to_boundary", ALL_PARAMETERS["normal_clipped"])
    normal = stats.norm(1.0, 2.0)
    for bound, share in ((0.5, normal.cdf(0.5)), (4.0, normal.sf(4.0))):
        assert abs((values == bound).sum() - N * share) < 4 * np.sqrt(N * share)
    assert values.min() == 0.5 and values.max() == 4.0


@pytest.mark.parametrize("name", ALL_PARAMETERS)
def test_next_returns_what_numpys_generator_of_pynn_returns(name):
    for n in (None, 0, 1, 7):
        ours, reference = (rng.next(n, name, ALL_PARAMETERS[name])
                           for rng in (NativeRNG(1), NumpyRNG(1)))
        assert np.shape(ours) == np.shape(reference)
        if n:
            assert ours.dtype == reference.dtype


def test_without_arguments_next_gives_one_number_from_zero_to_one():
    values = [NativeRNG(seed).next() for seed in range(50)]
    assert all(0 <= value < 1 for value in values) and len(set(values)) == 50


@pytest.mark.parametrize("mask", [np.array([True, False, True, True, False]),
                                  np.array([0, 2, 3])])
def test_a_mask_selects_from_all_that_are_drawn(mask):
    everything = NativeRNG(3).next(5)
    assert NativeRNG(3).next(5, mask=mask).tolist() == everything[mask].tolist()


def test_streams_are_pinned():
    # Words of Philox4x64-10 with key (1, 0); numpy counts its blocks from 1.
    raw = NativeRNG(1).generator.bit_generator.random_raw(4)
    assert raw.tolist() == RAW_OF_KEY_1
    assert NativeRNG(1).next(2).tolist() == [(word >> 11) * 2.0 ** -53 for word in RAW_OF_KEY_1[:2]]


def philox4x64(counter, key):
    """Ten rounds of Philox4x64, as in Salmon et al. (2011), in Python integers."""
    mask, (x0, x1, x2, x3), (k0, k1) = 2 ** 64 - 1, counter, key
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * x0, 0xCA5A826395121157 * x2
        x0, x1, x2, x3 = (b >> 64) ^ x1 ^ k0, b & mask, (a >> 64) ^ x3 ^ k1, a & mask
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [x0, x1, x2, x3]


RAW_OF_KEY_1 = philox4x64((1, 0, 0, 0), (1, 0))


def test_the_naive_philox_knows_the_published_answers():
    # Random123's kat_vectors: philox4x64 10 rounds, all bits zero and all bits one.
    ones = 2 ** 64 - 1
    assert philox4x64((0,) * 4, (0, 0)) == [0x16554d9eca36314c, 0xdb20fe9d672d0fdc,
                                            0xd7e772cee186176b, 0x7e68b68aec7ba23b]
    assert philox4x64((ones,) * 4, (ones, ones)) == [0x87b092c3013fe90b, 0x438c3c67be8d0224,
                                                     0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0]


def test_the_default_seed_is_fixed():
    assert NativeRNG().seed == DEFAULT_SEED == 151985012
    assert NativeRNG().next(3).tolist() == NativeRNG(DEFAULT_SEED).next(3).tolist()


def test_copies_continue_the_stream_on_their_own():
    rng = NativeRNG(5)
    rng.next(3, "normal", dict(mu=0.0, sigma=1.0))
    copies = [copy.deepcopy(rng), pickle.loads(pickle.dumps(rng))]
    expected = rng.next(4).tolist()
    for other in copies:
        assert other.sample(4).tolist() == expected


def test_it_is_a_native_rng_of_pynn_and_parallel_safe():
    rng = NativeRNG(np.int64(7))
    assert isinstance(rng, AnyNativeRNG) and rng.parallel_safe and type(rng.seed) is int
    assert repr(rng) == str(rng) == "NativeRNG(seed=7)"
    assert "7" in rng.describe()
    assert sim.NativeRNG is NativeRNG


@pytest.mark.parametrize("seed, error", [(-1, ValueError), (2 ** 128, ValueError),
                                         (1.5, TypeError), ("1", TypeError)])
def test_seeds_that_are_no_keys_are_refused(seed, error):
    with pytest.raises(error, match="seed"):
        NativeRNG(seed)


def test_wrong_requests_are_refused():
    rng = NativeRNG(1)
    with pytest.raises(ValueError, match="cauchy"):
        rng.next(3, "cauchy", {})
    with pytest.raises(KeyError, match="sigma"):
        rng.next(3, "normal", dict(mu=0.0))
    with pytest.raises(KeyError, match="mu"):
        rng.next(3, "normal")
    with pytest.raises(ValueError, match="-1"):
        rng.next(-1)
    with pytest.raises(ValueError, match="mask"):
        rng.next(3, mask=np.array([True, False]))
    with pytest.raises(ValueError, match="redraws"):
        rng.next(3, "normal_clipped", dict(mu=0.0, sigma=1e-9, low=1.0, high=2.0))


def test_distributions_structures_and_samples_accept_it():
    sim.setup()
    distribution = RandomDistribution("uniform", (0.5, 2.0), rng=NativeRNG(3))
    assert distribution.next(5).tolist() == NativeRNG(3).next(
        5, "uniform", dict(low=0.5, high=2.0)).tolist()
    structure = Grid2D(fill_order="random", rng=NativeRNG(3))
    cells = sim.Population(16, sim.IF_cond_exp(), structure=structure)
    grid = sorted((float(x), float(y)) for x in range(4) for y in range(4))
    assert sorted(zip(*cells.positions[:2].tolist())) == grid
    assert cells.positions[0].tolist() != sorted(cells.positions[0])
    assert len(set(cells.sample(5, rng=NativeRNG(3)).all_cells)) == 5
    cells.set(tau_m=RandomDistribution("uniform", (10.0, 20.0), rng=NativeRNG(4)))
    assert len(set(cells.get("tau_m"))) == 16


def test_connections_of_one_pair_come_by_delay_and_need_no_room_for_their_order():
    sim.setup(timestep=0.1)
    rng = NativeRNG(7)
    a, b = sim.Population(5, sim.IF_curr_exp()), sim.Population(4, sim.IF_curr_exp())
    synapse = sim.StaticSynapse(
        weight=RandomDistribution("uniform", low=0.1, high=1.0, rng=rng),
        delay=RandomDistribution("uniform", low=0.1, high=2.0, rng=rng))
    connections = sim.Projection(a, b, sim.FixedTotalNumberConnector(n=300, rng=rng), synapse)

    def listed():
        return connections.get(["weight", "delay"], format="list")
    before = listed()
    assert len({connection[:2] for connection in before}) == 20 < len(before) == 300
    in_order = sorted(before, key=lambda c: (c[1], c[0], c[3]))
    assert before == in_order
    sim.run(1.0)
    assert [rows.position for *_, rows in connections._rows] == [None]
    assert listed() == before
    # delays that are set keep their connection, whatever order they give
    by_source = sorted(before, key=lambda c: (c[0], c[1]))
    connections.set(delay=[2.1 - delay for *_, delay in by_source])
    sim.run(1.0)
    assert [rows.position is None for *_, rows in connections._rows] == [False]
    assert [(*c[:3], round(2.1 - c[3], 6)) for c in listed()] == [
        (*c[:3], round(c[3], 6)) for c in before]
