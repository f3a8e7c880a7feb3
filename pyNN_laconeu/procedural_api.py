"""PyNN's procedural API: create, connect, record and set without naming a class."""

from pyNN import common
from pyNN.common.procedural_api import initialize, set

from . import simulator
from .connectors import FixedProbabilityConnector
from .populations import Population
from .projections import Projection
from .standardmodels.synapses import StaticSynapse

__all__ = ["connect", "create", "initialize", "record", "record_gsyn", "record_v", "set"]

create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
record = common.build_record(simulator)


def record_v(source, filename):
    """Record the membrane potential of `source`; end() writes it to `filename`."""
    return record(["v"], source, filename)


def record_gsyn(source, filename):
    """Record the synaptic conductances of `source`; end() writes them to `filename`."""
    return record(["gsyn_exc", "gsyn_inh"], source, filename)
