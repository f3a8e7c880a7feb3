"""
Theory of Brunel's (2000) network in brunel_states.py: rates, CVs, and where it oscillates.

Model A of the paper: excitatory and inhibitory cells are alike, each has C_E excitatory and
GAMMA C_E inhibitory synapses from the network and C_E excitatory ones from outside. All trains
are taken as independent Poisson processes of many small jumps, so that the input is white noise
(the diffusion approximation) of mean mu and strength sigma, set by the rate nu of the network:

    mu      = C_E J tau (nu_ext + (1 - GAMMA g) nu)
    sigma^2 = C_E J^2 tau (nu_ext + (1 + GAMMA g^2) nu)

A state of constant rate solves nu = firing_rate(mu, sigma). It is unstable, and the network
synchronous, where a small oscillation of nu makes, one delay D later, a larger one in phase
with it. The gain of this loop is exact for the white noise: the potential y = (V - mu) / sigma has
the density P0(y) + P1(y) exp(lambda t / tau), and nu varies by nu1 exp(lambda t / tau). Multiply
the perturbed Fokker-Planck equation by the solution phi of

    phi'' - 2 y phi' - 2 lambda phi = 0,   phi -> 0 where y -> -infinity

(a parabolic cylinder function) and integrate by parts; the flux through threshold re-enters at
reset one refractory time later. With [f] = f(threshold) - f(reset) and m1, s1 the relative
modulations mu1 / sigma and (sigma^2)1 / sigma^2 this leaves

    (phi(threshold) - exp(-lambda tau_refrac / tau) phi(reset)) nu1 / nu =
        m1 [phi'] / (1 + lambda) + s1 [phi''] / (2 (2 + lambda))

and m1, s1 are nu1 exp(-lambda D / tau) times the derivatives of mu and sigma^2 above. All
delays equal D.

Trains more regular than Poisson's are not white: they fluctuate less at low frequencies.
self_consistent() asks instead that the trains which a cell receives have the power spectrum of the
one which it sends (Dummer, Wieland and Lindner 2014; as autocorrelation in Lerchner et al. 2006).
That has no closed form. It is found in generations of unconnected cells, whose input is Gaussian
noise with the spectrum of the generation before: no network is simulated, and what cells have in
common is left out, as in Brunel's theory. AI has 37.3 Hz and a CV of 0.41 (white noise: 37.9 Hz,
0.68). Rates of ten asynchronous networks were within 2 % of it and CVs within 4 %, but for one of
9 % (g 5, eta 3); a strong rhythm in common makes other CVs. White noise will not do, whatever its
strength: with CV^2 of the recurrent variance, right at low frequencies, AI would have 34.7 Hz.

    python examples/brunel_theory.py [--delay 1.5]    # the four states, the borders of synchrony

N. Brunel (2000), J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027
B. Dummer, S. Wieland and B. Lindner (2014), Front. Comput. Neurosci. 8:104,
    doi:10.3389/fncom.2014.00104
A. Lerchner et al. (2006), Neural Comput. 18:634-659, arXiv:q-bio/0402022
"""

import argparse
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import erfcx

TAU = 20.0  # ms, membrane time constant
TAU_REFRAC = 2.0  # ms
THETA, V_RESET = 20.0, 10.0  # threshold and reset above rest, mV
C_E = 1000  # excitatory synapses of a cell
GAMMA = 0.25  # inhibitory synapses relative to them
J = 0.1  # potential of an excitatory spike, mV; -g J of an inhibitory one
NU_THRESH = 1000.0 * THETA / (J * C_E * TAU)  # Hz: takes the mean potential to threshold; eta = 1
# g and eta in Fig. 8 of the paper
STATES = {"SR": (3.0, 2.0), "SI fast": (6.0, 4.0), "AI": (5.0, 2.0), "SI slow": (4.5, 0.9)}

FREQUENCIES = np.geomspace(2.0, 1500.0, 300)  # Hz, at which the gain of the loop is computed
LAMBDA = 2e-3j * np.pi * FREQUENCIES * TAU
LOWEST, HIGHEST = -40.0, 12.0  # (V - mu) / sigma covered by the table of phi
N_GENERATIONS, N_CELLS = 12, 250  # of self_consistent(), and in each
DURATION, SETTLING = 1600.0, 100.0  # of a generation, and before it, ms


def mean_and_noise(nu, g, eta):
    """Mean mu and strength sigma (mV) of the input if every cell fires at `nu` Hz."""
    nu_ext, per_hz = eta * NU_THRESH, C_E * J * TAU / 1000.0
    mu = per_hz * (nu_ext + (1.0 - GAMMA * g) * nu)
    return mu, np.sqrt(J * per_hz * (nu_ext + (1.0 + GAMMA * g**2) * nu))


def firing_rate(mu, sigma):
    """Rate (Hz) of a cell whose input is white noise of mean `mu`, strength `sigma` (mV)."""
    low, high = (V_RESET - mu) / sigma, (THETA - mu) / sigma
    if high > 25.0:  # exp(25^2): never
        return 0.0
    # erfcx(-y) is exp(y^2) (1 + erf(y)) without overflow
    integral = quad(lambda y: erfcx(-y), low, high, limit=200)[0]
    return 1000.0 / (TAU_REFRAC + TAU * np.sqrt(np.pi) * integral)


def interval_cv(mu, sigma):
    """Coefficient of variation of the intervals of that cell (Appendix A.1 of the paper)."""
    low, high = (V_RESET - mu) / sigma, (THETA - mu) / sigma

    def inner(x):
        return quad(lambda y: np.exp((x - y) * (x + y)) * erfcx(-y) ** 2, -np.inf, x)[0]

    integral = quad(inner, low, high)[0]
    return np.sqrt(2.0 * np.pi * integral) * firing_rate(mu, sigma) * TAU / 1000.0


@cache
def stationary_rates(g, eta):
    """Rates (Hz) at which network and input agree, in ascending order.

    Of three the middle one is unstable; a silent network has 0.
    """
    def excess(nu):
        return firing_rate(*mean_and_noise(nu, g, eta)) - nu

    tried = np.concatenate([[0.0], np.geomspace(1e-3, 20.0, 50), np.arange(22.0, 520.0, 4.0)])
    positive = np.array([excess(nu) for nu in tried]) > 0.0
    changes = np.flatnonzero(positive[1:] != positive[:-1])
    rates = [brentq(excess, tried[i], tried[i + 1]) for i in changes]
    return tuple(rates) if positive[0] else (0.0, *rates)


class SelfConsistent(NamedTuple):
    """A state in which a cell's trains have the rate and the spectrum of those it receives."""

    rate: float  # Hz
    cv: float  # of the intervals; nan with fewer than 100 of them
    frequencies: np.ndarray  # Hz, ascending from 0
    power: np.ndarray  # of one cell's train there, Hz; a Poisson process has its rate everywhere


@cache
def self_consistent(g, eta, dt=0.1, poisson=False, seed=1):
    """The most active state in which cells receive trains like their own; takes about 2 s.

    The external input is Poisson. Cells take steps of `dt` ms (TAU_REFRAC must be whole steps, or
    ValueError), and the later half of the generations is averaged. With `poisson` the trains from
    the network are Poisson of the self-consistent rate, as in Brunel's theory; what then differs
    from stationary_rates() and interval_cv() is due to a threshold looked at once in a step.

    Between seeds AI's rate has a standard deviation of 0.02 Hz, its CV one of 0.003.
    """
    if not (dt > 0.0 and abs(TAU_REFRAC / dt - round(TAU_REFRAC / dt)) < 1e-9):
        raise ValueError(f"self_consistent: dt {dt:g} ms: the refractory time, {TAU_REFRAC:g} ms, "
                         "must be whole steps")
    rng = np.random.default_rng(seed)
    nu, per_step = stationary_rates(g, eta)[-1], dt / 1000.0
    n_steps, n_settling = round(DURATION / dt), round(SETTLING / dt)
    # With strong inhibition too high a rate of the input makes cells fire several times as much too
    # slowly, and rates would swing: Newton's method, with the slope that white noise has.
    change = 0.01 * nu + 1e-4
    above, below = (firing_rate(*mean_and_noise(nu + x, g, eta)) for x in (change, -change))
    slope = (above - below) / (2.0 * change)
    external = eta * NU_THRESH * per_step  # spikes of one train in a step
    power = np.full(n_steps // 2 + 1, nu * per_step)  # of the spikes of one train in a step
    rates, intervals = [], []
    for generation in range(N_GENERATIONS):
        noise = rng.standard_normal((N_CELLS, n_steps))
        amplitude = J * np.sqrt(C_E * (external + (1.0 + GAMMA * g**2) * power))
        jumps = np.fft.irfft(np.fft.rfft(noise) * amplitude, n_steps)
        jumps += J * C_E * (external + (1.0 - GAMMA * g) * nu * per_step)
        # Such noise is periodic: its end can precede its beginning.
        jumps = np.concatenate([jumps[:, -n_settling:], jumps], axis=1)
        fired = fire(jumps, dt, rng)[:, n_settling:]
        mean = fired.mean()
        seen = np.mean(np.abs(np.fft.rfft(fired - mean)) ** 2, axis=0) / n_steps
        nu += (mean / per_step - nu) / (1.0 - slope)
        if poisson:
            seen[:] = nu * per_step
        power += (seen - power) / max(generation - N_GENERATIONS // 2 + 1, 1)
        if generation >= N_GENERATIONS // 2:
            rates.append(nu)
            intervals += [np.diff(np.flatnonzero(row)) * dt for row in fired]
    return SelfConsistent(np.mean(rates), cv_of_intervals(np.concatenate(intervals), DURATION),
                          np.fft.rfftfreq(n_steps, per_step), power / per_step)


def fire(jumps, dt, rng):
    """Spikes (cell, step) of cells whose potentials jump by `jumps` (cell, step; mV) each dt ms."""
    v = rng.uniform(V_RESET, THETA, len(jumps))
    decay, held = np.exp(-dt / TAU), round(TAU_REFRAC / dt)
    refractory = [[] for _ in range(held)]  # cells by the step in which they fired, modulo `held`
    fired = np.empty(jumps.shape[::-1], bool)
    for step, jump in enumerate(np.ascontiguousarray(jumps.T)):
        v *= decay
        v += jump
        v[refractory[step % held]] = V_RESET
        np.greater_equal(v, THETA, out=fired[step])
        cells = refractory[step % held] = np.flatnonzero(fired[step])
        v[cells] = -np.inf  # stays there, whatever arrives, until `held` steps later
    return fired.T


def cv_of_intervals(intervals, duration):
    """CV of intervals seen in trains of `duration`, both in ms; nan with fewer than 100.

    An interval of x ms is seen in proportion to duration - x, which the weights make up for.
    """
    if len(intervals) < 100:
        return np.nan
    weights = 1.0 / (duration - intervals)
    mean = np.average(intervals, weights=weights)
    return np.sqrt(np.average((intervals - mean) ** 2, weights=weights)) / mean


@cache
def phi_table():
    """Splines over y of phi' / phi and of log(phi), each for all frequencies.

    The equation for w = phi' / phi, w' = w (2 y - w) + 2 lambda, in steps of 0.02 by Runge-Kutta 4
    (1e-7). To the right phi grows faster than the other solution, so that any starting value is
    soon forgotten; here it is the one of slowly varying coefficients.
    """
    def slope(y, w):
        return w * (2.0 * y - w) + 2.0 * LAMBDA

    y, h = np.linspace(LOWEST, HIGHEST, round((HIGHEST - LOWEST) / 0.02) + 1, retstep=True)
    w = np.empty((len(y), len(LAMBDA)), complex)
    w[0] = LOWEST + np.sqrt(LOWEST**2 + 2.0 * LAMBDA)
    for i, at in enumerate(y[:-1]):
        k1 = slope(at, w[i])
        k2 = slope(at + h / 2.0, w[i] + h / 2.0 * k1)
        k3 = slope(at + h / 2.0, w[i] + h / 2.0 * k2)
        k4 = slope(at + h, w[i] + h * k3)
        w[i + 1] = w[i] + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
    ratio = CubicSpline(y[::5], w[::5])
    return ratio, ratio.antiderivative()


def loop_gain(nu, g, eta, delay):
    """Complex gain once around the loop at each of FREQUENCIES, for delays of `delay` ms.

    nu: a stationary rate (Hz) of this g and eta, not 0.
    """
    ratio_at, log_at = phi_table()
    mu, sigma = mean_and_noise(nu, g, eta)
    threshold, reset = (THETA - mu) / sigma, (V_RESET - mu) / sigma
    if not LOWEST < reset < threshold < HIGHEST:
        raise ValueError(f"loop_gain at g {g}, eta {eta}, rate {nu} Hz: threshold and reset are "
                         f"{threshold:.1f} and {reset:.1f} sigma from the mean, the table reaches "
                         f"from {LOWEST:g} to {HIGHEST:g}")
    # Everything is divided by phi(threshold); the second derivatives follow from the equation.
    first_t, first_r = ratio_at(threshold), ratio_at(reset)
    second_t = 2.0 * (threshold * first_t + LAMBDA)
    second_r = 2.0 * (reset * first_r + LAMBDA)
    phi_r = np.exp(log_at(reset) - log_at(threshold))
    per_hz = C_E * J * TAU / 1000.0
    m1 = per_hz * (1.0 - GAMMA * g) * nu / sigma
    s1 = J * per_hz * (1.0 + GAMMA * g**2) * nu / sigma**2
    response = (m1 * (first_t - phi_r * first_r) / (1.0 + LAMBDA)
                + s1 * (second_t - phi_r * second_r) / (2.0 * (2.0 + LAMBDA)))
    reentry = phi_r * np.exp(-LAMBDA * TAU_REFRAC / TAU)
    return response / (1.0 - reentry) * np.exp(-LAMBDA * delay / TAU)


def oscillations(nu, g, eta, delay):
    """[(gain, frequency in Hz)], strongest first, where the oscillation returns in phase.

    A gain above 1: the stationary state is unstable.
    """
    gain = loop_gain(nu, g, eta, delay)
    real, imag = gain.real, gain.imag
    i = np.flatnonzero((imag[1:] > 0.0) != (imag[:-1] > 0.0))
    part = imag[i] / (imag[i] - imag[i + 1])
    found = zip(real[i] + part * (real[i + 1] - real[i]),
                FREQUENCIES[i] + part * (FREQUENCIES[i + 1] - FREQUENCIES[i]))
    return sorted(((float(a), float(f)) for a, f in found if a > 0.0), reverse=True)


# Bands of frequency that tell the kinds of synchrony apart, Hz
BANDS = {"SI slow": (2.0, 50.0), "SI fast": (50.0, 250.0), "SR": (250.0, 1500.0)}


def strongest(g, eta, delay):
    """{name of a band: gain of the strongest oscillation in it} of the most active state."""
    nu = stationary_rates(g, eta)[-1]
    found = oscillations(nu, g, eta, delay) if nu > 0.01 else []
    return {name: max((gain for gain, f in found if low <= f < high), default=0.0)
            for name, (low, high) in BANDS.items()}


def border(name, g, delay, eta_low=0.5, eta_high=4.0, n=71):
    """[(eta, frequency in Hz)] where the gain in band `name` passes 1, between the two etas."""
    etas = np.linspace(eta_low, eta_high, n)
    above = [strongest(g, eta, delay)[name] > 1.0 for eta in etas]
    low, high = BANDS[name]
    result = []
    for i in np.flatnonzero(np.diff(above)):
        eta = brentq(lambda eta: strongest(g, eta, delay)[name] - 1.0, etas[i], etas[i + 1],
                     xtol=1e-4)
        found = oscillations(stationary_rates(g, eta)[-1], g, eta, delay)
        result.append((eta, next(f for _, f in found if low <= f < high)))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=1.5, help="ms (default: %(default)g)")
    delay = parser.parse_args().delay
    print(f"{'':20}  white noise  self-consistent\n"
          f"{'state':9}{'g':>5}{'eta':>6}{'Hz':>7}{'CV':>6}{'Hz':>11}{'CV':>6}   oscillation, gain")
    for name, (g, eta) in STATES.items():
        nu = stationary_rates(g, eta)[-1]
        own = self_consistent(g, eta)
        gain, frequency = oscillations(nu, g, eta, delay)[0]
        print(f"{name:9}{g:5g}{eta:6g}{nu:7.1f}{interval_cv(*mean_and_noise(nu, g, eta)):6.2f}"
              f"{own.rate:11.1f}{own.cv:6.2f}"
              f"   {frequency:.0f} Hz, {gain:.2f}" + " (unstable)" * (gain > 1.0))
    print(f"\nBorders at a delay of {delay:g} ms: eta, and frequency there")
    for g in (3.0, 3.25, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0):
        found = [f"{name} at {eta:.2f} ({f:.0f} Hz)"
                 for name in BANDS for eta, f in border(name, g, delay)]
        print(f"  g {g:<5g} " + ("; ".join(found) or "none"))


if __name__ == "__main__":
    main()
