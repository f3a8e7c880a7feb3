"""From a population's parameters to the flat arrays that the engine walks.

Each class here holds every buffer of one kind of population, with dtype, shape and unit, and
knows which of the engine's `add_...` methods takes it. Step constants are computed here, once
before a run, with arithmetic that gives the same bits on every machine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from .dispatch import load_kernels
from .kernels import numerics
from .kernels.layout import aligned
from .kernels.models import MEMBRANES, RECEPTORS
from .kernels.render import (
    POISSON_THRESHOLDS,
    fused_name,
    poisson_name,
    receptor_constants,
    receptor_name,
)
from .synapses import simplified

ISA, KERNELS = load_kernels()

# What the models' functions of constants may call.
MATHS = SimpleNamespace(exp=numerics.exp, expm1=numerics.expm1, log=numerics.log,
                        log1p_ratio=numerics.log1p_ratio, phi=numerics.phi, psi=numerics.psi,
                        ceil=np.ceil, where=np.where)


@dataclass(frozen=True)
class Port:
    """How a cell type uses a receptor.

    receptor    name in the registry of receptors
    kind        one of kernels.models.KINDS: what the receptor's value does to the membrane
    variable    name of the receptor's state ('gsyn_exc'), or None if it has none
    parameters  the receptor's parameter ('tau_syn', 'e_rev') -> where it comes from, see `resolve`
    on_spike    where the amount comes from by which a spike of the cell itself raises the value,
                or None
    """

    receptor: str
    kind: str
    variable: str = None
    parameters: dict = field(default_factory=dict)
    on_spike: object = None

    @property
    def states(self):
        """Names of the states in `population.state`."""
        return [self.variable + suffix for suffix in RECEPTORS[self.receptor].states]


@dataclass(frozen=True)
class NeuronModel:
    """A membrane and its receptors.

    ports       receptor type -> `Port`
    own_ports   Ports that the cell's own spikes alone reach: adaptation
    parameters  the membrane's parameter -> where it comes from, see `resolve`, unless that is the
                cell type's parameter of the same name
    carriers    state that is a sum -> the state that takes up a change of it by initialize()
    initial     parameters -> {state: initial value} where that follows from them
    check       (parameters, label): raises where values do not fit a population already made
    """

    membrane: str
    ports: dict
    own_ports: tuple = ()
    parameters: dict = field(default_factory=dict)
    carriers: dict = field(default_factory=dict)
    initial: Callable = lambda parameters: {}
    check: Callable = lambda parameters, label: None

    @property
    def all_ports(self):
        """The Ports in the order in which the kernels take them."""
        return (*self.ports.values(), *self.own_ports)

    @property
    def states(self):
        """Names of all state variables."""
        return tuple(MEMBRANES[self.membrane].states) + tuple(
            name for port in self.all_ports for name in port.states)

    def of(self, parameters):
        """The model of a population with these parameters: the same for all."""
        return self

    def compile(self, population, network):
        """The population's `NeuronArrays`."""
        return NeuronArrays.of(self, population, network)


def resolve(source, population):
    """float64 [n]: a parameter of the population by name, a function of them all, or a number."""
    if isinstance(source, str):
        return population.parameters[source]
    value = source(population.parameters) if callable(source) else source
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (population.size,))


def receptor_parameter(population, receptor_type, names):
    """The first of `names` that the receptor has as a parameter: float, or float64 [n]; else 0."""
    sources = population.model.ports[receptor_type].parameters
    for name in names:
        if name in sources:
            return simplified(np.array(resolve(sources[name], population)))
    return 0.0


def _values(population, sources):
    """({model parameter: float or float64 [n]}, varied): floats if each is the same for all."""
    arrays = {name: resolve(source, population) for name, source in sources.items()}
    varied = any((array != array[0]).any() for array in arrays.values())
    return ({name: array if varied else float(array[0]) for name, array in arrays.items()},
            varied)


def _flat(value, population, varied):
    """A constant as the engine takes it: float64 [n] if varied, else [1]."""
    return aligned(value, (population.size,) if varied else (1,))


def _receptor_constants(port, membrane, p, rp, h):
    """The constants of `render.receptor_constants`, in its order.

    p, rp: the membrane's and the receptor's parameters; h: substep in ms.
    """
    receptor = RECEPTORS[port.receptor]
    values = {}

    def value(how, k):
        if how not in values:
            if how == "propagator":
                values[how] = receptor.propagator(rp, h, MATHS)
            elif how == "gain":
                values[how] = (receptor.gain(rp, MATHS),)
            elif how.filtered:
                values[how] = tuple(c / p["cm"]
                                    for c in receptor.filtered(rp, p["tau_m"], h, MATHS))
            elif how.tilted:
                values[how] = receptor.tilted(rp, h, MATHS)
            elif how.mean:
                values[how] = tuple(c / h for c in receptor.integral(rp, 0.0, h, MATHS))
            elif how.since is not None:
                values[how] = receptor.integral(rp, how.since * h, h, MATHS)
            else:
                values[how] = receptor.propagator(rp, how.at * h, MATHS)
        return values[how][k]
    return [rp[k] if how == "parameter" else value(how, k)
            for _, (how, k) in receptor_constants(receptor, port.kind, membrane)]


@dataclass
class ReceptorArrays:
    """One receptor of one population."""

    kernel: int          # address of its loop; 0: the population's loop includes it
    varied: bool
    states: list         # float64 [n] each
    constants: list      # float64 [n] or [1] each, in the order of render.receptor_constants
    arrival: np.ndarray  # float64 [n_slots, ring_width] of weights that neurons sent, or None
    arrival_of_sources: np.ndarray = None  # the same for spike sources, or None
    additive: bool = False  # see `Receptor.additive`
    place: int = -1      # where in a slot of the bundles its cells begin; -1: they send nothing
    on_spike: np.ndarray = None  # float64 [n], added to the first state at a spike, or None
    sum_state: int = None  # which of the membrane's states it is added to, too, or None


@dataclass
class NeuronArrays:
    """A population of neurons."""

    index: int         # of the population in the network
    size: int
    kernel: int        # address of its loop
    add_and_clear: int  # address of the loop that adds what arrives
    fused: bool        # whether that includes the receptors
    varied: bool
    n_substeps: int    # per step
    dt: float          # of a substep, ms
    drawn: int         # which of `states` is drawn at each spike, or None
    packs: bool        # whether its loop packs few of a block's neurons: the more, the better
    states: list       # float64 [n] each, the membrane's, in its order
    constants: list    # float64 [n] or [1] each, the membrane's, then the fused receptors'
    n_drives: int      # arrays through which loops that are not fused meet
    force: np.ndarray  # float64 [n], what i_offset does; see Membrane.force
    force_terms: tuple  # float64 [n] each: i_offset in nA, and a, b of Membrane.force
    receptors: list    # ReceptorArrays
    injections: list   # (row of the current source's levels, int32 [k] sorted indices)

    @classmethod
    def of(cls, model, population, network):
        membrane = MEMBRANES[model.membrane]
        n_substeps = membrane.n_substeps(network.dt)
        h = network.dt / n_substeps
        receptors = [(RECEPTORS[port.receptor], port.kind) for port in model.all_ports]
        name = fused_name(membrane, receptors)
        fused = name + "_uniform" in KERNELS
        own = {**{name: name for name in membrane.parameters}, **model.parameters}
        sources = [{("receptor", key): source for key, source in port.parameters.items()}
                   for port in model.all_ports]
        together, varied = _values(population, own | {
            (k, *key): value for k, part in enumerate(sources) if fused
            for key, value in part.items()})
        p = {key: together[key] for key in own}
        constants = membrane.step_constants(p, h, network.dt, MATHS)
        constants = [_flat(constants[key], population, varied) for key in membrane.constants]
        arrays = []
        filtered = any(drive.filtered for drive in membrane.drives.values())
        types = [*model.ports, *(None for _ in model.own_ports)]
        for k, (port, receptor_type) in enumerate(zip(model.all_ports, types)):
            if fused:
                rp = {key: together[k, "receptor", key] for key in port.parameters}
                constants += [_flat(c, population, varied)
                              for c in _receptor_constants(port, membrane, p, rp, h)]
                arrays.append(ReceptorArrays(0, False, [], [], None))
            else:
                # A membrane's parameters matter to a receptor where it filters for it.
                values, own_varied = _values(population, sources[k] | (own if filtered else {}))
                rp = {key: values["receptor", key] for key in port.parameters}
                part = _receptor_constants(port, membrane, values, rp, h)
                own_varied = own_varied and bool(part)
                kernel = receptor_name(RECEPTORS[port.receptor], port.kind, membrane)
                arrays.append(ReceptorArrays(
                    KERNELS[f"{kernel}_{'varied' if own_varied else 'uniform'}"], own_varied, [],
                    [_flat(c, population, own_varied) for c in part], None))
            arrays[k].states = [population.state[state] for state in port.states]
            if receptor_type is not None:
                arrays[k].additive = RECEPTORS[port.receptor].additive
                arrays[k].place = network.place(population, receptor_type)
                arrays[k].arrival = network.ring(population, receptor_type, from_sources=False)
                arrays[k].arrival_of_sources = network.ring(population, receptor_type,
                                                            from_sources=True)
            if port.on_spike is not None:
                arrays[k].on_spike = np.array(resolve(port.on_spike, population))
            if port.kind in membrane.sums:
                arrays[k].sum_state = list(membrane.states).index(membrane.sums[port.kind])
        offset = population.parameters.get("i_offset", 0.0)
        rest, gain = membrane.force(p, h, MATHS)
        variant = "varied" if varied else "uniform"
        return cls(
            index=population.index, size=population.size,
            kernel=KERNELS[f"{name if fused else membrane.name}_{variant}"],
            add_and_clear=KERNELS["add_and_clear"], fused=fused, varied=varied,
            n_substeps=n_substeps, dt=h,
            drawn=(list(membrane.states).index(membrane.drawn) if membrane.drawn else None),
            packs=membrane.flow is not None,
            states=[population.state[state] for state in membrane.states],
            constants=constants, n_drives=0 if fused else len(membrane.drives),
            force=aligned(rest + gain * offset, (population.size,)),
            force_terms=tuple(aligned(term, (population.size,)) for term in (offset, rest, gain)),
            receptors=arrays,
            injections=network.injections(population))

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_neurons(self)


def _steps(times, dt):
    """Times in ms as grid steps, rounded to the nearest, far times bounded; int64."""
    return np.clip(np.rint(np.asarray(times) / dt), -1, 2.0 ** 62).astype(np.int64)


@dataclass
class PoissonArrays:
    """A population of Poisson sources."""

    index: int
    size: int
    rate: np.ndarray   # float64 [n], expected spikes per step
    alike: bool        # whether all rates are equal
    kernels: dict      # number of thresholds -> address of the loop that counts with them
    add_counts: int    # address of the loop that adds counts times weights
    start: np.ndarray  # int64 [n] steps: spikes are stamped start < step <= stop
    stop: np.ndarray   # int64 [n]

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_poisson(self)


class SourceModel:
    """What the models of spike sources have in common: no state, the same for all parameters."""

    states = ()
    carriers = {}

    @classmethod
    def of(cls, parameters):
        """The model of a population with these parameters."""
        return cls

    @staticmethod
    def initial(parameters):
        """Initial values that follow from parameters: none."""
        return {}

    @staticmethod
    def check(parameters, label):
        """Any parameters that the cell type takes fit a population already made."""


class PoissonModel(SourceModel):
    """Spike counts per step drawn independently; several spikes of a source in a step happen."""

    @staticmethod
    def compile(population, network):
        """The population's `PoissonArrays`."""
        p, dt = population.parameters, network.dt
        return PoissonArrays(
            population.index, population.size,
            rate=np.ascontiguousarray(p["rate"] * (dt / 1000.0)),
            alike=bool((p["rate"] == p["rate"][0]).all()),
            kernels={n: KERNELS[poisson_name(n)] for n in POISSON_THRESHOLDS},
            add_counts=KERNELS["add_counts"],
            start=_steps(p["start"], dt), stop=_steps(p["start"] + p["duration"], dt))


class RenewalModel(SourceModel):
    """Processes that remember when they last spiked: what their cells keep between two runs.

    Where a parameter of a cell has changed since the last compilation, its next spike is drawn
    anew from then on, given the time since its last one.
    """

    # float64 [n]: steps, not rounded, and a number; all 0 before a process has begun.
    states = ("last_spike", "next_spike", "n_draws")
    # What the process depends on; start and duration only show a part of it.
    process = ()

    @classmethod
    def compile(cls, population, network):
        """The population's arrays for the engine."""
        p, dt = population.parameters, network.dt
        cls._redraw_changed(population)
        return cls.arrays(
            population.index, population.size,
            start=_steps(p["start"], dt), stop=_steps(p["start"] + p["duration"], dt),
            **{name: population.state[name] for name in cls.states}, **cls.constants(p, dt))

    @classmethod
    def _redraw_changed(cls, population):
        compiled = {name: population.parameters[name].copy() for name in cls.process}
        for name, before in population.compiled.items():
            # A Sequence that was not set is still the same object.
            changed = [new is not old and new != old for new, old in zip(compiled[name], before)]
            population.state["next_spike"][changed] = np.nan
        population.compiled = compiled


@dataclass
class RenewalArrays:
    """A population of renewal processes; the states of the model are changed in place."""

    index: int
    size: int
    start: np.ndarray       # int64 [n] steps: spikes are stamped start < step <= stop
    stop: np.ndarray        # int64 [n]
    last_spike: np.ndarray  # float64 [n] steps
    next_spike: np.ndarray  # float64 [n] steps; NaN: to be drawn again
    n_draws: np.ndarray     # float64 [n]


@dataclass
class RefractoryArrays(RenewalArrays):
    """A population of Poisson sources with dead time."""

    rate: np.ndarray        # float64 [n], spikes per step when not in the dead time
    dead_time: np.ndarray   # float64 [n] steps

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_refractory(self)


class RefractoryModel(RenewalModel):
    """Poisson processes with dead time."""

    process = ("rate", "tau_refrac")
    arrays = RefractoryArrays

    @staticmethod
    def constants(p, dt):
        """Hazard and dead time, in steps."""
        rate = p["rate"] * (dt / 1000.0)
        dead_time = p["tau_refrac"] / dt
        return {"rate": rate / (1.0 - rate * dead_time), "dead_time": dead_time}


@dataclass
class GammaArrays(RenewalArrays):
    """A population of gamma processes, their parameters constant within bins of time."""

    first_bin: np.ndarray   # int64 [n + 1]: of each cell, in the arrays below
    begin: np.ndarray       # float64 [n_bins] steps, ascending for each cell
    shape: np.ndarray       # float64 [n_bins]
    rate: np.ndarray        # float64 [n_bins] 1 / scale, per step; 0: silence
    log_factor: np.ndarray  # float64 [n_bins] ln Gamma(shape + 1)

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_gamma(self)


class GammaModel(RenewalModel):
    """Gamma processes: one bin from t = 0 on."""

    process = ("alpha", "beta")
    arrays = GammaArrays

    @staticmethod
    def constants(p, dt):
        """One bin for each cell."""
        n = len(p["alpha"])
        return {"first_bin": np.arange(n + 1), "begin": np.zeros(n), "shape": p["alpha"].copy(),
                "rate": p["beta"] * (dt / 1000.0),
                "log_factor": numerics.log_gamma(p["alpha"] + 1.0)}


class InhomogeneousGammaModel(RenewalModel):
    """Gamma processes whose parameters follow a histogram of time."""

    process = ("a", "b", "tbins")
    arrays = GammaArrays

    @staticmethod
    def constants(p, dt):
        """The bins of each cell, one cell after the other."""
        shape, scale, begin = (
            np.concatenate([np.asarray(sequence.value, np.float64) for sequence in p[name]])
            for name in ("a", "b", "tbins"))
        lengths = [len(sequence.value) for sequence in p["a"]]
        return {"first_bin": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                "begin": begin / dt, "shape": shape, "rate": dt / (1000.0 * scale),
                "log_factor": numerics.log_gamma(shape + 1.0)}


@dataclass
class SpikeTimeArrays:
    """A population of sources with given spike times, merged into one list."""

    index: int
    size: int
    event_step: np.ndarray   # int64 [n_events], sorted by (step, index)
    event_index: np.ndarray  # int32 [n_events]
    event_time: np.ndarray   # float64 [n_events] ms, as given

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_spike_times(self)

    def exact_spikes(self, first, last):
        """(index, step, time in ms as given) of the spikes stamped first + 1 to last."""
        at = slice(*np.searchsorted(self.event_step, [first, last], "right"))
        return self.event_index[at], self.event_step[at], self.event_time[at]


class SpikeTimesModel(SourceModel):
    """Given spike times; one between two grid points is stamped with the later one, as NEST."""

    @staticmethod
    def compile(population, network):
        """The population's `SpikeTimeArrays`."""
        trains = [np.asarray(sequence.value, dtype=np.float64)
                  for sequence in population.parameters["spike_times"]]
        times = np.concatenate(trains)
        # Up to the ceiling; a time that is a grid point but for rounding stays there.
        step = np.ceil(times / network.dt - 1e-6).astype(np.int64)
        index = np.repeat(np.arange(len(trains), dtype=np.int32), [len(t) for t in trains])
        order = np.lexsort((index, step))
        return SpikeTimeArrays(population.index, population.size,
                               np.ascontiguousarray(step[order]),
                               np.ascontiguousarray(index[order]), times[order])
