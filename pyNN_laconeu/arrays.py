"""From a population's parameters to the flat arrays that the engine walks.

Each class here holds every buffer of one kind of population, with dtype, shape and unit, and
knows which of the engine's `add_...` methods takes it. Step constants are computed here, once
before a run, with arithmetic that gives the same bits on every machine.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from .dispatch import load_kernels
from .kernels import numerics
from .kernels.models import MEMBRANES, RECEPTORS
from .kernels.render import receptor_kernel_name

ISA, KERNELS = load_kernels()

# What the models' functions of constants may call.
MATHS = SimpleNamespace(exp=numerics.exp, expm1=numerics.expm1, phi=numerics.phi,
                        psi=numerics.psi, ceil=np.ceil)


@dataclass(frozen=True)
class Port:
    """How a cell type uses a receptor.

    receptor    name in the registry of receptors
    variable    name of the receptor's recordable state ('gsyn_exc'), or None if it has none
    parameters  the receptor's parameter -> the cell type's ('tau_syn' -> 'tau_syn_E')
    """

    receptor: str
    variable: str = None
    parameters: dict = field(default_factory=dict)

    @property
    def states(self):
        """Names of the states in `population.state`."""
        return [self.variable + suffix for suffix in RECEPTORS[self.receptor].states]


@dataclass(frozen=True)
class NeuronModel:
    """A membrane and its receptors: receptor type -> `Port`."""

    membrane: str
    ports: dict

    @property
    def states(self):
        """Names of all state variables."""
        return tuple(MEMBRANES[self.membrane].states) + tuple(
            name for port in self.ports.values() for name in port.states)

    def compile(self, population, network):
        """The population's `NeuronArrays`."""
        return NeuronArrays.of(self, population, network)


def _values(population, names):
    """({model parameter: float or float64 [n]}, varied): floats if each is the same for all."""
    arrays = {name: population.parameters[own] for name, own in names.items()}
    varied = any((array != array[0]).any() for array in arrays.values())
    return ({name: array if varied else float(array[0]) for name, array in arrays.items()},
            varied)


def _flat(value, population, varied):
    """A constant as the kernels read it: float64 [n] if varied, else [1]."""
    shape = (population.size,) if varied else (1,)
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), shape))


@dataclass
class ReceptorArrays:
    """One receptor type of one population."""

    kernel: int          # address of its loop
    varied: bool
    states: list         # float64 [n] each
    constants: list      # float64 [n] or [1] each, in the order of render.receptor_constants
    arrival: np.ndarray  # float64 [n_slots, n]: weights that neurons sent, by arrival step
    arrival_of_sources: np.ndarray = None  # the same for spike sources, or None

    @classmethod
    def of(cls, receptor_type, port, membrane, population, network):
        receptor = RECEPTORS[port.receptor]
        names = {**{name: name for name in membrane.parameters},
                 **{f"receptor {name}": own for name, own in port.parameters.items()}}
        values, varied = _values(population, names)
        p = {name: values[name] for name in membrane.parameters}
        rp = {name: values[f"receptor {name}"] for name in port.parameters}
        drives = membrane.drive_constants(receptor, rp, p, network.dt, MATHS)
        n_states = len(receptor.states)
        constants = [c for drive in drives for c in drive] if n_states else []
        if receptor.propagator:
            constants += list(receptor.propagator(rp, network.dt, MATHS))
        if receptor.gain:
            constants += [receptor.gain(rp, MATHS)]
        variant = "varied" if varied and constants else "uniform"
        return cls(
            kernel=KERNELS[receptor_kernel_name(n_states, len(membrane.drives), variant)],
            varied=varied,
            states=[population.state[name] for name in port.states],
            constants=[_flat(c, population, varied) for c in constants],
            arrival=network.ring(population, receptor_type, from_sources=False),
            arrival_of_sources=network.ring(population, receptor_type, from_sources=True))


@dataclass
class NeuronArrays:
    """A population of neurons."""

    index: int         # of the population in the network
    size: int
    kernel: int        # address of the membrane's loop
    varied: bool
    states: list       # float64 [n] each, in the membrane's order
    constants: list    # float64 [n] or [1] each, in the membrane's order
    n_drives: int
    offset: np.ndarray  # float64 [n] nA, i_offset
    receptors: list    # ReceptorArrays
    injections: list   # (row of the current source's levels, int32 [k] sorted indices)

    @classmethod
    def of(cls, model, population, network):
        membrane = MEMBRANES[model.membrane]
        p, varied = _values(population, {name: name for name in membrane.parameters})
        constants = membrane.step_constants(p, network.dt, MATHS)
        return cls(
            index=population.index, size=population.size,
            kernel=KERNELS[f"{membrane.name}_{'varied' if varied else 'uniform'}"],
            varied=varied,
            states=[population.state[name] for name in membrane.states],
            constants=[_flat(constants[name], population, varied) for name in membrane.constants],
            n_drives=len(membrane.drives),
            offset=population.parameters["i_offset"],
            receptors=[ReceptorArrays.of(receptor_type, port, membrane, population, network)
                       for receptor_type, port in model.ports.items()],
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
    start: np.ndarray  # int64 [n] steps: spikes are stamped start < step <= stop
    stop: np.ndarray   # int64 [n]

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_poisson(self)


class PoissonModel:
    """Spike counts per step drawn independently; several spikes of a source in a step happen."""

    states = ()

    @staticmethod
    def compile(population, network):
        """The population's `PoissonArrays`."""
        p, dt = population.parameters, network.dt
        return PoissonArrays(
            population.index, population.size,
            rate=np.ascontiguousarray(p["rate"] * (dt / 1000.0)),
            start=_steps(p["start"], dt), stop=_steps(p["start"] + p["duration"], dt))


@dataclass
class SpikeTimeArrays:
    """A population of sources with given spike times, merged into one list."""

    index: int
    size: int
    event_step: np.ndarray   # int64 [n_events], sorted by (step, index)
    event_index: np.ndarray  # int32 [n_events]

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        return engine.add_spike_times(self)


class SpikeTimesModel:
    """Given spike times; one between two grid points is stamped with the later one, as NEST."""

    states = ()

    @staticmethod
    def compile(population, network):
        """The population's `SpikeTimeArrays`."""
        times = [np.asarray(sequence.value, dtype=np.float64)
                 for sequence in population.parameters["spike_times"]]
        counts = [len(t) for t in times]
        # Up to the ceiling; a time that is a grid point but for rounding stays there.
        step = np.ceil(np.concatenate(times) / network.dt - 1e-6).astype(np.int64)
        index = np.repeat(np.arange(len(times), dtype=np.int32), counts)
        order = np.lexsort((index, step))
        return SpikeTimeArrays(population.index, population.size,
                               np.ascontiguousarray(step[order]),
                               np.ascontiguousarray(index[order]))
