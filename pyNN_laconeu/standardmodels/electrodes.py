"""Current sources: DCSource and StepCurrentSource.

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
"""

import numpy as np
from pyNN import common, errors
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, Sequence
from pyNN.standardmodels import StandardCurrentSource, electrodes

from .. import simulator
from . import identity

# Later than any step, yet far from the end of int64
NEVER = 1 << 62


class CurrentSource(StandardCurrentSource):
    """What the sources of injected current have in common.

    levels(first_step, n_steps)  nA, float64 [n_steps], during each step from first_step on
    targets  [(root Population, int32 sorted root indices), ...], one for each injection
    """

    def __init__(self, **parameters):
        self.network = simulator.state.network
        self.targets = []
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
        except (AssertionError, AttributeError, TypeError, ValueError) as err:
            raise errors.InvalidParameterValueError(
                f"{self._name}: {', '.join(parameters)} must be numbers: {err}") from err
        self._check(values)
        self._keep_levels()
        self.__dict__["_values"] = values
        self.network.changed()

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


class DCSource(CurrentSource, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    translations = identity(electrodes.DCSource)

    def levels(self, first_step, n_steps):
        """The current during each of `n_steps` steps, nA, float64 [n_steps]."""
        step = np.arange(first_step, first_step + n_steps)
        start, stop = self._steps([self.start, self.stop])
        return np.where((start <= step) & (step < stop), self.amplitude, 0.0)

    def _check(self, values):
        if not np.isfinite(values["amplitude"]):
            self._refuse("amplitude", values["amplitude"], "must be a finite number of nA")
        if not 0.0 <= values["start"] < np.inf:
            self._refuse("start", values["start"], "must be finite and >= 0 (ms)")
        if not values["stop"] >= values["start"]:
            self._refuse("stop", values["stop"], f"must be >= start = {values['start']} (ms); "
                         "set both at once by set_parameters(start=..., stop=...)")


class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    __doc__ = electrodes.StepCurrentSource.__doc__
    translations = identity(electrodes.StepCurrentSource)

    def levels(self, first_step, n_steps):
        """The current during each of `n_steps` steps, nA, float64 [n_steps]."""
        # 0 before the first time; where times share a grid point, the last of them
        amplitudes = np.append(0.0, self._values["amplitudes"])
        step = np.arange(first_step, first_step + n_steps)
        return amplitudes[np.searchsorted(self._steps(self._values["times"]), step, "right")]

    def _check(self, values):
        times, amplitudes = values["times"], values["amplitudes"]
        for name in ("times", "amplitudes"):
            if values[name].ndim != 1:
                self._refuse(name, f"array of shape {values[name].shape}",
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
