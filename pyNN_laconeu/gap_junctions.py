"""Electrical synapses: what the engine needs to know of gap junctions, and what is refused.

The scheme is written in cython_kernels/gap_junctions.pxi. A projection of electrical synapses
keeps its connections in `synapses.Columns`, which the engine's arrays are made from anew after any
change; it has no rows.
"""

from dataclasses import dataclass

import numpy as np
from pyNN import errors

from .arrays import resolve
from .kernels import numerics
from .kernels.models import MEMBRANES

# The receptor type by which PyNN calls the place of a junction in a cell of one compartment.
RECEPTOR_TYPE = "source_section.gap"
# Beyond, exp(-rate) is nothing beside 1.
HIGHEST_RATE = 100.0


@dataclass
class EndArrays:
    """The cells on one side of the junctions between two populations."""

    v: np.ndarray             # float64 [size] mV
    clamp: np.ndarray         # float64 [size], how long v is held, or None: never
    whole_step: float         # the time step in the unit of `clamp`
    exchanged: np.ndarray     # float64 [size] mV, the membrane's state of that kind, or None
    index: np.ndarray         # int32 [n], in the population
    share: np.ndarray         # float64 [n] of v_other - v: what v moves by in half a step
    share_alone: np.ndarray   # float64 [n] the same where the other cell is held


@dataclass
class JunctionArrays:
    """The gap junctions between two populations, in the order of the projection's connections."""

    pre: EndArrays
    post: EndArrays

    @classmethod
    def of(cls, pre, pre_index, post, post_index, weight, dt):
        """From root populations, int32 indices, the conductance (uS, float or [n]) and dt (ms)."""
        cm_pre, cm_post = _capacitance(pre)[pre_index], _capacitance(post)[post_index]
        with np.errstate(over="ignore"):
            exchanged = _relaxed(weight * (1.0 / cm_pre + 1.0 / cm_post) * (0.5 * dt))
            alone_pre = _relaxed(weight / cm_pre * (0.5 * dt))
            alone_post = _relaxed(weight / cm_post * (0.5 * dt))
        both = cm_pre + cm_post
        return cls(_end(pre, pre_index, exchanged * (cm_post / both), alone_pre, dt),
                   _end(post, post_index, exchanged * (cm_pre / both), alone_post, dt))

    def add_to(self, engine):
        """Hand the arrays to the engine."""
        engine.add_junctions(self)


def _relaxed(rate):
    """1 - exp(-rate): the part of a difference that is gone."""
    return -numerics.expm1(-np.minimum(rate, HIGHEST_RATE))


def _capacitance(population):
    """float64 [size] nF"""
    model = population.model
    source = MEMBRANES[model.membrane].capacitance
    return resolve(model.parameters.get(source, source), population)


def _end(population, index, share, share_alone, dt):
    membrane, state = MEMBRANES[population.model.membrane], population.state
    clamp, whole_step = None, 1.0
    if membrane.clamp is not None:
        name, unit = membrane.clamp
        clamp, whole_step = state[name], {"steps": 1.0, "ms": dt}[unit]
    return EndArrays(state["v"], clamp, whole_step,
                     None if membrane.exchanged is None else state[membrane.exchanged],
                     np.ascontiguousarray(index, np.int32), np.ascontiguousarray(share),
                     np.ascontiguousarray(share_alone))


def check_ends(pre, post, source, receptor_type, label):
    """Refuse what electrical synapses cannot join.

    pre, post: [root populations]; source, receptor_type: as given to Projection.
    Raises ConnectionError.
    """
    for side, roots in (("presynaptic", pre), ("postsynaptic", post)):
        for root in roots:
            if not root.celltype.receptor_types:
                raise errors.ConnectionError(
                    f"Projection {label or ''}: the {side} cells {root.label!r} are of type "
                    f"{type(root.celltype).__name__}, which has no membrane that an "
                    "ElectricalSynapse could join")
    for name, given in (("source", source), ("receptor_type", receptor_type)):
        if given not in (None, "default", RECEPTOR_TYPE):
            raise errors.ConnectionError(
                f"Projection {label or ''}: {name} = {given!r}; that of an ElectricalSynapse is "
                f"{RECEPTOR_TYPE!r} or None")
