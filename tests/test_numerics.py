"""exp and its companions, log, sine, normal deviates, Philox: closed forms, known answers."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.special
import scipy.stats
from pyNN_laconeu.kernels import numerics
from scipy import special


def test_exp_is_within_one_ulp_or_so_over_its_range():
    x = np.concatenate([np.linspace(-700, 700, 200001), np.linspace(-1e-3, 1e-3, 2001)])
    reference = np.array([math.exp(value) for value in x])
    # The reference itself may be off by half an ulp.
    assert (np.abs(numerics.exp(x) - reference) <= 1.5 * np.spacing(reference)).all()


def test_exp_at_the_edges():
    assert numerics.exp(0.0) == 1.0
    assert numerics.exp(-1e4) == 0.0
    assert np.isfinite(numerics.exp(1e4))
    assert np.isnan(numerics.exp(math.nan))


def test_the_short_exp_has_nine_digits_and_is_tiny_far_below():
    x = np.concatenate([np.linspace(-708, 709, 400001), np.linspace(-1.0, 1.0, 40001)])
    assert np.abs(numerics.exp_to_9_digits(x) / np.exp(x) - 1.0).max() < 3e-10
    for below in (-1e300, -math.inf, math.nan):
        assert 0.0 < numerics.exp_to_9_digits(below) < 1e-300


def test_the_short_exprel_has_ten_digits_and_more_near_zero():
    x = np.concatenate([np.linspace(-0.34, 0.34, 40001), np.linspace(-1e-3, 1e-3, 4001)])
    error = np.abs(numerics.exprel_near_0_to_10_digits(x) / special.exprel(x) - 1.0)
    assert error.max() < 2e-11
    assert (error <= 2e-9 * x**2 + 4e-16).all()
    assert numerics.exprel_near_0_to_10_digits(0.0) == 1.0


def logarithm(x):
    """log(x) as its double and the rest, from 40 decimal digits: exact for what is asked here."""
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(x).ln()
        nearest = float(exact)
        return nearest, float(exact - Decimal(nearest))


def test_log_is_within_one_ulp_over_all_positive_doubles():
    draw = np.random.RandomState(1)
    everywhere = 2.0 ** draw.uniform(-1074, 1024, 6000)  # subnormal ones too
    around_one = 1.0 + draw.choice([-1, 1], 6000) * 2.0 ** draw.uniform(-53, -1, 6000)
    # Where the reduced argument goes from sqrt(2) to sqrt(1/2), and the last doubles.
    seams = np.sqrt(0.5) * 2.0 ** draw.randint(-1000, 1000, 6000) * (
        1.0 + draw.randint(-4, 5, 6000) * 2.0 ** -53)
    edges = [5e-324, 2.2250738585072009e-308, 2.2250738585072014e-308, 1.7976931348623157e308]
    x = np.concatenate([everywhere, around_one, seams, edges])
    nearest, rest = np.array([logarithm(value) for value in x]).T
    error = np.abs((numerics.log(x) - nearest) - rest)  # the difference of neighbours is exact
    assert (error <= np.spacing(np.abs(nearest))).all()


def test_log_at_the_edges():
    assert numerics.log(1.0) == 0.0
    assert numerics.log(0.0) == numerics.log(-0.0) == -math.inf
    assert numerics.log(math.inf) == math.inf
    assert np.isnan(numerics.log([math.nan, -1.0, -5e-324, -math.inf])).all()


@pytest.mark.parametrize("x", [-30.0, -0.51, -0.49, -1e-9, 0.0, 1e-12, 1e-3, 0.49, 0.51, 20.0])
def test_phi_is_regular_everywhere(x):
    reference = math.expm1(x) / x if x else 1.0
    assert numerics.phi(x) == pytest.approx(reference, rel=1e-15)


@pytest.mark.parametrize("x", [-20.0, -0.51, -0.49, -1e-9, 0.0, 1e-12, 1e-3, 0.49, 0.51, 30.0])
def test_psi_is_the_integral_it_says(x):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    s = (nodes + 1) / 2
    reference = (weights / 2 * s * np.exp(-x * s)).sum()
    assert numerics.psi(x) == pytest.approx(reference, rel=1e-13)


def test_expm1_keeps_its_digits_near_zero():
    for x in (1e-15, -1e-9, 1e-4, -3.0):
        assert numerics.expm1(x) == pytest.approx(math.expm1(x), rel=1e-15)


def test_log_gamma_agrees_with_scipy():
    x = np.concatenate([10.0 ** np.linspace(-3, 5, 2000), np.linspace(0.5, 3.0, 500)])
    reference = special.gammaln(x)
    assert (np.abs(numerics.log_gamma(x) - reference)
            <= 1e-14 * np.maximum(np.abs(reference), 1.0)).all()


SHAPES = [1e-3, 0.05, 0.5, 1.0, 1.7, 5.0, 100.0, 1e4, 1e5]


@pytest.mark.parametrize("shape", SHAPES)
def test_gamma_hazard_is_minus_the_log_of_the_survival_probability(shape):
    x = shape * 10.0 ** np.linspace(-3, 1.5, 2000)
    upper, lower = special.gammaincc(shape, x), special.gammainc(shape, x)
    seen = (upper > 1e-290) & (lower > 1e-290)  # where scipy's values are normal numbers
    x, upper, lower = x[seen], upper[seen], lower[seen]
    reference = np.where(lower < 0.5, -np.log1p(-np.minimum(lower, 0.5)), -np.log(upper))
    # x^a exp(-x) is the exponential of a number of the order of the shape, and loses its digits.
    assert numerics.gamma_hazard(shape, x) == pytest.approx(reference, rel=3e-13 + 1e-14 * shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_gamma_age_inverts_gamma_hazard_in_either_tail(shape):
    hazard = 10.0 ** np.linspace(-12, 3, 1001)
    age = numerics.gamma_age(shape, hazard)
    assert (np.diff(age) >= 0.0).all()
    seen = age > 1e-300
    assert seen.sum() > 200
    assert numerics.gamma_hazard(shape, age[seen]) == pytest.approx(
        hazard[seen], rel=1e-12 + 1e-14 * shape)


def test_gamma_hazard_and_age_begin_at_zero():
    for shape in SHAPES:
        assert numerics.gamma_hazard(shape, 0.0) == numerics.gamma_hazard(shape, -1.0) == 0.0
        assert numerics.gamma_age(shape, 0.0) == 0.0


@pytest.mark.parametrize("counter, key, words", [
    # The known answers that come with Random123 (Salmon et al. 2011).
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
])
def test_philox_gives_the_known_answers(counter, key, words):
    assert numerics.philox(counter, key) == words


def test_sines_of_turns_are_exact_at_the_quarters_and_near_libm_elsewhere():
    quarters = np.arange(-12, 13) + 4e9  # quarter turns; 1e9 whole turns more change nothing
    assert (numerics.sine_of_turns(quarters / 4) == np.tile([0, 1, 0, -1], 7)[:25]).all()
    part = np.linspace(-0.5, 0.5, 20001)
    for turns in (0.0, 3.0, -1000.0):
        x = turns + part
        # math.sin(2 pi part) has an argument rounded to half an ulp of pi, 2.2e-16.
        reference = [math.sin(2.0 * math.pi * value) for value in x - turns]
        np.testing.assert_allclose(numerics.sine_of_turns(x), reference, rtol=0.0, atol=6e-16)
    assert numerics.sine_of_turns(1.0 / 12.0) == pytest.approx(0.5, rel=3e-16)
    assert np.isnan(numerics.sine_of_turns(math.nan))


def test_normal_quantiles_are_those_of_scipy_out_to_the_far_tails():
    tail = 2.0 ** np.linspace(-52.9, -1.0, 4000)  # 2^-36 = e^-25 begins the far tail
    p = np.concatenate([tail, 1.0 - tail, np.linspace(0.05, 0.95, 4001)])
    p = p[p != 0.5]
    # a few ulp each of both ways to compute it, and of 1 - p
    np.testing.assert_allclose(numerics.normal_quantile(p), scipy.special.ndtri(p), rtol=3e-15)
    assert numerics.normal_quantile(0.5) == 0.0
    assert numerics.normal_quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-15)


def test_normal_deviates_are_quantiles_of_philox_words():
    key, counters = (42, 7), [0, 1, 2**32 - 1, 2**32, 2**40 + 5]
    expected = []
    for counter in counters:
        words = numerics.philox((counter & 0xFFFFFFFF, counter >> 32, 0, 0), key)
        expected.append(numerics.normal_quantile(
            (((words[0] << 32 | words[1]) >> 12) + 0.5) / 2.0**52))
    assert numerics.normal(np.array(counters), key).tolist() == expected
    # pinned: these bits are the same on every machine and must stay
    assert numerics.normal(np.arange(3), (42, 7)).tolist() == [
        -0.2692637877457554, -1.0428263942465457, -0.13099269675237346]


def test_normal_deviates_are_normal_and_independent_between_counters_and_keys():
    n = 1_000_000
    x, y = (numerics.normal(np.arange(n), (42, stream)) for stream in (0, 1))
    for sample in (x, y):
        assert scipy.stats.kstest(sample, "norm").pvalue > 0.01
    # standard error 1e-3
    for a, b in ((x, y), (x[1:], x[:-1]), (x[1:] ** 2, x[:-1] ** 2)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4e-3
