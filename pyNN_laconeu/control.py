"""setup(), run(), reset(), end() and the questions about the simulation's state."""

import numbers
import warnings

import numpy as np
from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP

from . import simulator
from .command import redirect

# Keywords that scripts pass for other back ends and that change nothing about the result here.
ACCEPTED = {
    "nest": ("verbosity", "recording_precision", "rng_type", "t_flush"),
    "neuron": ("use_cvode", "rtol", "atol", "default_maxstep"),
    "hardware.brainscales": ("useSystemSim", "maxNeuronLoss", "maxSynapseLoss",
                             "hardwareNeuronSize"),
    "older scripts": ("debug", "quit_on_end", "log_file", "loglevel", "filename", "label"),
}
# Other names of rng_seed, the first that is given counts; of rng_seeds, a list, its first number.
SEEDS = ("rng_seed", "rng_seeds_seed", "rng_seeds", "grng_seed", "native_rng_baseseed")
MISSPELT = ("mindelay", "maxdelay", "dt", "time_step")  # refused by every back end
OWN = ("timestep", "min_delay", "max_delay", "threads", "rng_seed", "spike_precision")


def _positive(name, value):
    if (not isinstance(value, numbers.Real) or isinstance(value, bool)
            or not np.isfinite(value) or value <= 0):
        raise ValueError(f"setup(): {name} = {value!r}, must be a positive number of ms")
    return float(value)


def _whole(name, value, lowest, highest):
    if (not isinstance(value, numbers.Integral) or isinstance(value, bool)
            or not lowest <= value <= highest):
        raise ValueError(f"setup(): {name} = {value!r}, must be an integer from {lowest} to "
                         f"{highest}")
    return int(value)


def _known_keywords():
    return {*OWN, *SEEDS, *(word for words in ACCEPTED.values() for word in words)}


def _keywords_of_other_back_ends(extra):
    """setup()'s keywords in a script that was written for another back end, see `redirect`.

    They are taken as that back end takes them. What has no effect here is named in one warning,
    once for each.
    """
    kept, without_effect = dict(extra), {}  # name -> what to say of it
    for name in sorted(set(extra) - {*OWN, *SEEDS, *MISSPELT}):
        without_effect[name] = f"{name}={kept.pop(name)!r}"
    if extra.get("use_cvode"):
        without_effect["use_cvode"] += " (time steps are fixed)"
    if "spike_precision" not in kept and "nest" in redirect.active.requested:
        without_effect["spike_precision"] = "spike_precision='off_grid', pyNN.nest's default"
    elif kept.get("spike_precision") == "off_grid":
        without_effect["spike_precision"] = "spike_precision='off_grid'"
        del kept["spike_precision"]
    if "spike_precision" in without_effect:
        without_effect["spike_precision"] += " (spikes lie on the grid of time steps)"
    # pyNN.nest takes 0 and None for 1; no number of threads changes a result here.
    if not kept.get("threads"):
        kept.pop("threads", None)
    if isinstance(kept.get("native_rng_baseseed"), (str, numbers.Real)):
        kept["native_rng_baseseed"] = int(kept["native_rng_baseseed"])
    news = [name for name in without_effect if name not in redirect.active.named]
    if news:
        redirect.active.named.update(news)
        warnings.warn("setup(): no effect on laconeu: "
                      + "; ".join(without_effect[name] for name in news), stacklevel=3)
    return kept


def _check_keywords(extra):
    known = _known_keywords()
    unknown = sorted(set(extra) - known)
    if unknown:
        raise TypeError(f"setup() got {', '.join(unknown)}; it takes {', '.join(OWN)}, and "
                        f"{', '.join(SEEDS[1:])} as other names of rng_seed, and "
                        "accepts without effect "
                        f"{', '.join(sorted(known - {*OWN, *SEEDS}))}")
    if extra.get("use_cvode"):
        raise ValueError("setup(): use_cvode = True asks for variable time steps, which laconeu "
                         "does not have; leave it out or pass False")
    precision = extra.get("spike_precision", "on_grid")
    if precision not in ("on_grid", "off_grid"):
        raise ValueError(f"setup(): spike_precision = {precision!r}, must be 'on_grid' or "
                         "'off_grid'")


def setup(timestep=DEFAULT_TIMESTEP, min_delay=DEFAULT_MIN_DELAY, **extra_params):
    """Start a new, empty network. What was recorded in earlier ones stays readable.

    Arguments:
        timestep: integration time step in ms, default 0.1.
        min_delay, max_delay: ms, or 'auto' (default): then no delay is too short or too long.
        threads: number of threads; by default all cores that the process may use
            (OMP_NUM_THREADS respected) for networks large enough to profit. The results are
            the same for any number.
        rng_seed: seed of everything random that runs in the engine, default 42.
        spike_precision: 'on_grid' (default), or 'off_grid': then the spikes of a
            SpikeSourceArray are recorded at the times given. They arrive at the same steps as
            else, and all other spikes lie on the grid of time steps; a warning says so.
        Keywords of other back ends that cannot change a result here are accepted without effect.

    Returns 0, the rank of this process.
    Raises ValueError for values that make no sense, TypeError for unknown keywords.
    """
    if redirect.active is not None:
        extra_params = _keywords_of_other_back_ends(extra_params)
    _check_keywords(extra_params)
    timestep = _positive("timestep", timestep)
    max_delay = extra_params.get("max_delay", DEFAULT_MAX_DELAY)
    if min_delay != "auto":
        min_delay = _positive("min_delay", min_delay)
        if min_delay < timestep * (1 - 1e-9):
            raise ValueError(f"setup(): min_delay = {min_delay:g} ms is shorter than the "
                             f"timestep, {timestep:g} ms")
    if max_delay != "auto":
        max_delay = _positive("max_delay", max_delay)
        if max_delay < (timestep if min_delay == "auto" else min_delay) * (1 - 1e-9):
            raise ValueError(f"setup(): max_delay = {max_delay:g} ms is shorter than the "
                             f"shortest delay allowed")
    threads = extra_params.get("threads")
    if threads is not None:
        threads = _whole("threads", threads, 1, 1024)
    name = next((name for name in SEEDS if name in extra_params), None)
    seed = extra_params.get(name, simulator.DEFAULT_SEED)
    if name == "rng_seeds":
        if np.ndim(seed) != 1 or len(seed) == 0:
            raise ValueError(f"setup(): rng_seeds = {seed!r}, must be a list of integers, "
                             "of which the first is taken as rng_seed")
        seed = seed[0]
    seed = _whole(name or "rng_seed", seed, 0, 2 ** 32 - 1)
    off_grid = extra_params.get("spike_precision") == "off_grid"
    if off_grid:
        warnings.warn("setup(): spike_precision = 'off_grid' has the spikes of SpikeSourceArrays "
                      "recorded at the times given; everything else spikes on the grid of time "
                      "steps, and all spikes arrive there", stacklevel=2)
    simulator.state.clear(timestep, min_delay, max_delay, threads, seed, off_grid)
    simulator.state.write_on_end = []
    return rank()


def end(compatible_output=True):
    """Write the files asked for by record(to_file=...). Recorded data stay readable."""
    for population, variables, filename in simulator.state.write_on_end:
        population.write_data(filename, variables)
    simulator.state.write_on_end = []


run, run_until = common.build_run(simulator)
run_for = run

reset = common.build_reset(simulator)

initialize = common.initialize

get_current_time, get_time_step, _, _, num_processes, rank = common.build_state_queries(simulator)


def get_min_delay():
    """The shortest delay allowed, in ms; where setup() left it open, the shortest in use."""
    if simulator.state.min_delay != "auto":
        return simulator.state.min_delay
    return min((projection.delay_bounds[0] for projection in _delayed_projections()),
               default=simulator.state.dt)


def get_max_delay():
    """The longest delay allowed, in ms; where setup() left it open, the longest in use."""
    if simulator.state.max_delay != "auto":
        return simulator.state.max_delay
    return max((projection.delay_bounds[1] for projection in _delayed_projections()),
               default=simulator.state.dt)


def _delayed_projections():
    return (projection for projection in simulator.state.network.projections
            if len(projection) and not projection.synapse_type.electrical)
