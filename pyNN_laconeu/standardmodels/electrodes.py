"""Current sources: DCSource, StepCurrentSource, ACSource and NoisyCurrentSource.

When a current acts. A change at a time t takes effect with the step that begins at t, rounded to
the nearest grid point t_k (halves to the even one, as PyNN rounds): the cell sees the new level
during [t_k, t_(k+1)], and the first sample of v that differs is the one at t_(k+1). Of several
changes that round to one grid point the last counts. Measured at dt = 0.1 and 0.5 on PyNN 0.13:
pyNN.neuron 9.0.2 and pyNN.nest 3.10 (on_grid) both do so, with these exceptions:

- NEST's currents travel for min_delay: nothing acts before min_delay + dt there, and a change
  made between two runs acts min_delay and two steps late. Here, as on NEURON and in PyNN's
  documentation, a source that starts at 0 acts from 0, and changes act at the next step.
- NEST rounds t - min_delay, so that exact halves may go the other way, and refuses a DCSource
  that starts or stops between grid points. NEURON compares the middle of a step with the start
  and stop of a DCSource, which is rounding to the nearest too.
- A StepCurrentSource whose times are set between two runs: NEURON ignores them; NEST, and we,
  take the new function as if it had always been there.
- A source injected into a cell twice: NEURON ignores the second time, NEST, and we, add.

A sine is sampled at the beginning of each step and held during it; its phase counts from start
(from the grid point that start rounds to), so that the first level is
offset + amplitude * sin(phase). NEURON, NEST and Brian 2 do the same, except that

- NEST's sine that starts at 0 is late by min_delay;
- NEURON 9.0.2 crashes where a sine is changed between two runs;
- Brian 2 counts the phase from start itself, where that lies between two grid points, and never
  stops a sine whose stop equals its start; NEST refuses times between grid points.

Noise holds each level for the source's dt, the first from start on; stdev is that of the current,
whatever dt. Measured: so do NEURON, NEST and Brian 2. They differ in these things:

- One source injected into several cells: all see the same current on NEURON and Brian 2, and
  here. NEST draws for each cell; PyNN's maintainer calls that a bug (PyNN issue 506).
- A dt that is no multiple of the time step: NEST, and we, refuse it. NEURON takes the time step
  instead of a shorter one.
- dt left out: PyNN documents the time step; the three take 0.1 ms.
- `rng` is documented, but refused by the three (PyNN issue 439).

A recorded current is what acts from the time of the sample on, as on the three. The last sample is
thus, as on NEST, the level that the next step begins with; NEURON repeats the sample before.
"""

import copy

import numpy as np
from pyNN import common, errors
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, Sequence
from pyNN.random import NativeRNG as AnyNativeRNG
from pyNN.random import NumpyRNG
from pyNN.standardmodels import StandardCurrentSource, electrodes

from .. import simulator
from ..kernels import numerics
from . import identity

# Later than any step, yet far from the end of int64
NEVER = 1 << 62
# Part of the key of the noise; the other purposes of random streams stand in `engine.pyx`.
PURPOSE_NOISE = 8


class CurrentSource(StandardCurrentSource):
    """What the sources of injected current have in common.

    levels(first_step, n_steps)  nA, float64 [n_steps], during each step from first_step on
    targets  [(root Population, int32 sorted root indices), ...], one for each injection
    """

    def __init__(self, **parameters):
        self.network = simulator.state.network
        self.targets = []
        self._number = len(self.network.current_sources)
        self._recorded = None
        space = ParameterSpace(self.default_parameters, self.get_schema(), (1,), type(self))
        self._values = self._evaluate(space)
        self._take(parameters)
        self.network.add_current_source(self)

    def __getattr__(self, name):
        values = self.__dict__.get("_values", {})
        if name in values:
            value = values[name]
            return value.copy() if isinstance(value, np.ndarray) else value
        if name == "set":
            return super().__getattr__(name)  # explains what to use instead
        if name.startswith("_"):
            raise AttributeError(name)
        raise errors.NonExistentParameterError(name, type(self).__name__, self.default_parameters)

    def set_parameters(self, copy=True, **parameters):
        """Set one or more parameters, together; they take effect at the next step.

        Raises ValueError or pyNN.errors' NonExistentParameterError before anything has changed.
        """
        self._take(parameters)

    def get_parameters(self):
        """All parameters, as a ParameterSpace."""
        return ParameterSpace(
            {name: Sequence(value) if isinstance(value, np.ndarray) else value
             for name, value in self._values.items()}, self.get_schema(), (1,))

    get_native_parameters = get_parameters

    def set_native_parameters(self, parameters):
        """Set the parameters in a ParameterSpace; native names are PyNN's."""
        self._take(dict(parameters.items()))

    def inject_into(self, cells, location=None):
        """Inject into a Population, view, Assembly, an ID or a sequence of IDs.

        A second injection into a cell adds to the first. Raises TypeError for spike sources and
        for what is not a cell, ValueError for cells of an earlier network.
        """
        if location is not None:
            raise NotImplementedError(f"{self._name}: point neurons have no location {location!r}")
        targets = [(root, np.sort(np.asarray(indices)).astype(np.int32))
                   for root, indices in _by_population(self._name, cells)]
        for root, indices in targets:
            if not root.celltype.injectable:
                raise TypeError(f"{self._name}: can't inject current into '{root.label}', whose "
                                f"cells are spike sources ({type(root.celltype).__name__})")
            if root.network is not self.network:
                raise ValueError(f"{self._name}: '{root.label}' does not belong to the same "
                                 "network: setup() was called in between")
            twice = indices[1:][indices[1:] == indices[:-1]]
            if twice.size:
                raise ValueError(f"{self._name}: cell {twice[0]} of '{root.label}' occurs more "
                                 "than once")
        self.targets += targets
        self.network.changed()

    def record(self):
        """Record the injected current, from now on."""
        self._recorded = []
        self._recorded_until = self._recorded_from = self.network.step
        self._segment = self.network.segment_counter

    def _get_data(self):
        """(times in ms, currents in nA) of all grid points since record() or reset()."""
        if self._recorded is None:
            raise ValueError(f"{self._name}: not recorded, call record() before the run")
        self._keep_levels()
        now = self.network.step
        steps = np.arange(self._recorded_from, now + 1)
        return (np.round(steps * self.network.dt, 12),
                np.concatenate([*self._recorded, self.levels(now, 1)]))

    def _keep_levels(self):
        """Keep what was injected so far, before it is changed."""
        if self._recorded is None:
            return
        if self._segment != self.network.segment_counter:  # reset() went back to t = 0
            self.record()
            self._recorded_until = self._recorded_from = 0
        n_steps = self.network.step - self._recorded_until
        self._recorded.append(self.levels(self._recorded_until, n_steps))
        self._recorded_until += n_steps

    @property
    def _name(self):
        return type(self).__name__

    def _take(self, parameters):
        try:
            if any(isinstance(value, str) for value in parameters.values()):
                raise TypeError("not strings")
            space = ParameterSpace(parameters, self.get_schema(), (1,), type(self))
            values = {**self._values, **self._evaluate(space)}
        except errors.NonExistentParameterError:
            raise
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as err:
            raise errors.InvalidParameterValueError(
                f"{self._name}: {', '.join(parameters)} must be numbers: {err}") from err
        self._check(values)
        self._keep_levels()
        self.__dict__["_values"] = self._placed(values)

    def _evaluate(self, space):
        values = {}
        for name, value in space.items():
            if isinstance(value, LazyArray):
                value = value.evaluate(simplify=True)
            if isinstance(value, ArrayParameter):
                values[name] = np.array(value.value, np.float64)
            else:
                values[name] = float(value)
        return values

    def _placed(self, values):
        """Checked values as they are kept."""
        return values

    def _steps(self, times):
        """The grid points next to these times, int64."""
        steps = np.rint(np.asarray(times, np.float64) / self.network.dt)
        return np.where(steps < NEVER, steps, NEVER).astype(np.int64)

    def _refuse(self, name, value, allowed):
        raise errors.InvalidParameterValueError(f"{self._name}: {name} = {value}, {allowed}")


def _by_population(name, cells):
    """[(root Population, root indices), ...] of anything that holds cells."""
    if isinstance(cells, common.Assembly):
        return [(p.root, p.root_indices) for p in cells.populations]
    if isinstance(cells, common.BasePopulation):
        return [(cells.root, cells.root_indices)]
    found = {}
    for cell in [cells] if isinstance(cells, simulator.ID) else cells:
        if not isinstance(cell, simulator.ID):
            raise TypeError(f"{name}: {cell!r} is not a cell, but a {type(cell).__name__}")
        found.setdefault(cell.parent, []).append(cell.parent.id_to_index(cell))
    return list(found.items())


class Pulse(CurrentSource):
    """What the sources with a start and a stop have in common."""

    finite = {}  # parameter -> unit, of those that must be finite numbers

    def levels(self, first_step, n_steps):
        """The current during each of `n_steps` steps, nA, float64 [n_steps]."""
        step = np.arange(first_step, first_step + n_steps)
        start, stop = self._steps([self.start, self.stop])
        on = (start <= step) & (step < stop)
        levels = np.zeros(n_steps)
        levels[on] = self._wave(step[on] - start)
        return levels

    def _wave(self, since):
        """nA during the steps that begin int64 `since` steps after the start."""
        raise NotImplementedError

    def _check(self, values):
        for name, unit in self.finite.items():
            if not np.isfinite(values[name]):
                self._refuse(name, values[name], f"must be a finite number of {unit}")
        if not 0.0 <= values["start"] < np.inf:
            self._refuse("start", values["start"], "must be finite and >= 0 (ms)")
        if not values["stop"] >= values["start"]:
            self._refuse("stop", values["stop"], f"must be >= start = {values['start']} (ms); "
                         "set both at once by set_parameters(start=..., stop=...)")


class DCSource(Pulse, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    translations = identity(electrodes.DCSource)
    finite = {"amplitude": "nA"}

    def _wave(self, since):
        return self.amplitude


class ACSource(Pulse, electrodes.ACSource):
    """A sine from `start` to `stop`: offset + amplitude * sin(2 pi frequency (t - start) + phase).

    Arguments:
        `amplitude`, `offset`: nA, default 1 and 0.
        `frequency`: Hz, default 10; no more than half the number of time steps in a second.
        `phase`: degrees, at `start`; default 0.
        `start`, `stop`: ms, default 0 and 1e12.

    The sine is sampled when a step begins and held for that step.
    Raises pyNN.errors.InvalidParameterValueError naming the parameter.
    """

    translations = identity(electrodes.ACSource)
    finite = {"amplitude": "nA", "offset": "nA", "frequency": "Hz", "phase": "degrees"}

    def _wave(self, since):
        turns = since * (self.frequency * self.network.dt / 1000.0) + self.phase % 360.0 / 360.0
        return self.offset + self.amplitude * numerics.sine_of_turns(turns)

    def _check(self, values):
        super()._check(values)
        highest = 500.0 / self.network.dt
        if not abs(values["frequency"]) <= highest * (1.0 + 1e-9):
            self._refuse("frequency", values["frequency"], f"must be at most {highest:g} Hz: "
                         f"steps of {self.network.dt:g} ms cannot follow it")


class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    """A current that changes at given times and is 0 before the first of them.

    Arguments:
        `times`: ms, strictly increasing; default [].
        `amplitudes`: nA, one for each time; default [].

    Both are kept, and read back, as they act: times rounded to the grid, and of those that round
    to one grid point the last.
    Raises pyNN.errors.InvalidParameterValueError naming the parameter.
    """

    translations = identity(electrodes.StepCurrentSource)

    def levels(self, first_step, n_steps):
        """The current during each of `n_steps` steps, nA, float64 [n_steps]."""
        amplitudes = np.append(0.0, self._values["amplitudes"])
        step = np.arange(first_step, first_step + n_steps)
        return amplitudes[np.searchsorted(self._steps(self._values["times"]), step, "right")]

    def _placed(self, values):
        steps = np.rint(values["times"] / self.network.dt)
        last = np.append(np.diff(steps) > 0.0, True)[:steps.size]
        return {"times": np.round(steps[last] * self.network.dt, 12),
                "amplitudes": values["amplitudes"][last]}

    def _check(self, values):
        times, amplitudes = values["times"], values["amplitudes"]
        for name in ("times", "amplitudes"):
            if np.ndim(values[name]) != 1:
                self._refuse(name, f"array of shape {np.shape(values[name])}",
                             "must be a list of numbers")
            bad = values[name][~np.isfinite(values[name])]
            if bad.size:
                self._refuse(name, f"[..., {bad[0]}, ...]", "must be finite")
        if times.size != amplitudes.size:
            self._refuse("times", f"[{times.size} values]",
                         f"but amplitudes has {amplitudes.size}; set both at once by "
                         "set_parameters(times=..., amplitudes=...)")
        if times.size and times.min() < 0.0:
            self._refuse("times", f"[..., {times.min()}, ...]", "must be >= 0 (ms)")
        back = np.flatnonzero(np.diff(times) <= 0.0)
        if back.size:
            self._refuse("times", f"[..., {times[back[0]]}, {times[back[0] + 1]}, ...]",
                         "must increase strictly")


class NoisyCurrentSource(Pulse, electrodes.NoisyCurrentSource):
    """Gaussian white noise: from `start` to `stop` a new level every `dt`, drawn independently.

    Arguments:
        `mean`, `stdev`: of the current, nA, whatever `dt` is; default 0 and 1.
        `dt`: ms, a multiple of the time step; default: the time step.
        `start`, `stop`: ms, default 0 and 1e12.
        `rng`: where the levels come from.
            None (default): the engine's own numbers, from the seed given to `setup(rng_seed=)`.
            NativeRNG(seed): the same from this seed instead.
            NumpyRNG: level k is mean + stdev * the k-th normal deviate that it would have drawn.
            It goes on far from these (2**128 numbers later), so that what it is used for next is
            independent; NumPy's normal deviates may differ in the last bit between machines.

    All cells that one source is injected into see the same current, as on NEURON and Brian 2; for
    independent noise make one source for each cell:

        for cell in population:
            cell.inject(sim.NoisyCurrentSource(mean=0.1, stdev=0.5))

    Without a NumpyRNG, the noise of a source depends on the seed and on how many current sources
    were made before it in this network. It is the same after reset(), for any number of threads,
    and however a run is cut into pieces. Parameters changed between two runs act at the next
    step; level k belongs to [start + k dt, start + (k+1) dt] as if they had always been so.

    Raises pyNN.errors.InvalidParameterValueError naming the parameter, TypeError for another rng.
    """

    translations = identity(electrodes.NoisyCurrentSource)
    finite = {"mean": "nA", "stdev": "nA", "dt": "ms"}

    def __init__(self, rng=None, **parameters):
        self._check_rng(rng)
        super().__init__(**{"dt": simulator.state.dt, **parameters})
        self._take_rng(rng)

    @property
    def rng(self):
        """The generator that was given, or None."""
        return self._rng

    @rng.setter
    def rng(self, rng):
        self.set_parameters(rng=rng)

    def set_parameters(self, copy=True, **parameters):
        """Set one or more parameters, `rng` among them; they take effect at the next step.

        Raises as the constructor does, before anything has changed.
        """
        new_rng = "rng" in parameters
        rng = parameters.pop("rng", None)
        self._check_rng(rng)
        self._take(parameters)
        if new_rng:
            self._take_rng(rng)

    def _wave(self, since):
        every = min(round(self.dt / self.network.dt), NEVER)
        return self.mean + self.stdev * self._deviates(since // every)

    def _check(self, values):
        super()._check(values)
        if not values["stdev"] >= 0.0:
            self._refuse("stdev", values["stdev"], "must be >= 0 (nA)")
        steps = values["dt"] / self.network.dt
        if not (steps > 0.5 and abs(steps - round(steps)) <= 1e-6):
            self._refuse("dt", values["dt"],
                         f"must be a multiple of the time step, {self.network.dt:g} ms")

    def _check_rng(self, rng):
        if isinstance(rng, AnyNativeRNG):
            if rng.seed is not None and not 0 <= rng.seed < 2**128:
                self._refuse("rng", rng, "its seed must be from 0 to 2**128 - 1")
        elif rng is not None and not isinstance(rng, NumpyRNG):
            raise TypeError(f"{self._name}: rng = {rng!r}, must be a NativeRNG, a NumpyRNG or None")

    def _take_rng(self, rng):
        self._rng = rng
        if isinstance(rng, NumpyRNG):
            self._deviates = DrawnDeviates(rng)
        else:
            seed = getattr(rng, "seed", None)
            self._deviates = CountedDeviates(self.network.seed if seed is None else seed,
                                             self._number)


class CountedDeviates:
    """Normal deviates that are functions of (seed, stream; k)."""

    def __init__(self, seed, stream):
        if seed >= 2**32:  # the generator's key has room for 32 bits: mix them all
            seed = numerics.philox([seed >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)],
                                   (0, 0))[0]
        self._key = (seed ^ PURPOSE_NOISE << 24, stream)

    def __call__(self, k):
        """The deviates of these numbers, int64 [n] -> float64 [n]."""
        return numerics.normal(k, self._key)


class DrawnDeviates:
    """The normal deviates that a NumpyRNG draws one after the other, which is moved on far."""

    def __init__(self, rng):
        state = rng.rng.get_state(legacy=False)
        generator = np.random.MT19937()
        generator.state = {name: state[name] for name in ("bit_generator", "state")}
        self._rng = copy.deepcopy(rng)
        rng.rng.set_state(generator.jumped().state)
        self._drawn = np.empty(0)

    def __call__(self, k):
        """The deviates of these numbers, int64 [n] -> float64 [n]."""
        needed = int(k.max(initial=-1)) + 1
        if needed > self._drawn.size:
            # at least doubled, so that many short runs copy little
            more = max(needed - self._drawn.size, self._drawn.size)
            self._drawn = np.append(
                self._drawn, self._rng.next(more, "normal", {"mu": 0.0, "sigma": 1.0}))
        return self._drawn[k]
