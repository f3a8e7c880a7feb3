"""pyNN.laconeu: a PyNN back end that simulates spiking networks in compiled, vectorised loops.

    import pyNN.laconeu as sim

Everything public is PyNN's interface; `setup` documents the options of this back end.
"""

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version

from pyNN import errors, random, space  # noqa: F401
from pyNN.network import Network  # noqa: F401
from pyNN.space import Space  # noqa: F401
from pyNN.standardmodels import StandardCellType as _StandardCellType

from . import _import_hook
from .cells import HH_reduced, NativeCellType, list_native_models, native_cell_type  # noqa: F401
from .connectors import *  # noqa: F401, F403
from .control import (  # noqa: F401
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_time_step,
    initialize,
    num_processes,
    rank,
    reset,
    run,
    run_for,
    run_until,
    setup,
)
from .native_models import native_electrode_type, native_synapse_type  # noqa: F401
from .populations import Assembly, Population, PopulationView  # noqa: F401
from .procedural_api import connect, create, record, record_gsyn, record_v, set  # noqa: F401
from .projections import Projection  # noqa: F401
from .random import GSLRNG, NativeRNG, NumpyRNG, RandomDistribution  # noqa: F401
from .standardmodels.cells import (  # noqa: F401
    LIF,
    AdExp,
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    GIF_cond_exp,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_cond_exp_gsfa_grr,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    IF_facets_hardware1,
    Izhikevich,
    PointNeuron,
    SpikeSourceArray,
    SpikeSourceGamma,
    SpikeSourceInhGamma,
    SpikeSourcePoisson,
    SpikeSourcePoissonRefractory,
)
from .standardmodels.electrodes import (  # noqa: F401
    ACSource,
    DCSource,
    NoisyCurrentSource,
    StepCurrentSource,
)
from .standardmodels.receptors import (  # noqa: F401
    AlphaPSR,
    BetaPSR,
    CondAlphaPostSynapticResponse,
    CondBetaPostSynapticResponse,
    CondExpPostSynapticResponse,
    CurrExpPostSynapticResponse,
    ExpPSR,
)
from .standardmodels.synapses import (  # noqa: F401
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    ElectricalSynapse,
    GutigWeightDependence,
    MultiplicativeWeightDependence,
    MultiQuantalSynapse,
    SimpleStochasticSynapse,
    SpikePairRule,
    StaticSynapse,
    STDPMechanism,
    StochasticTsodyksMarkramSynapse,
    TsodyksMarkramSynapse,
    Vogels2011Rule,
)
from .standardmodels.unavailable import stand_ins as _stand_ins

try:
    __version__ = _version("pyNN_laconeu")
except _PackageNotFoundError:  # run from the source tree
    __version__ = "unknown"

_import_hook.install()
globals().update(_stand_ins(globals()))


def list_standard_models():
    """Names of the standard cell types that this back end has."""
    return [obj.__name__ for obj in globals().values()
            if isinstance(obj, type) and issubclass(obj, _StandardCellType)
            and obj not in (_StandardCellType, PointNeuron)]


def load_ipython_extension(ipython):
    """`%load_ext pyNN_laconeu`: other back ends' imports in later cells give this one."""
    from .command.notebook import load

    load()


def unload_ipython_extension(ipython):
    """`%unload_ext pyNN_laconeu`: takes that back, and prints where the time went."""
    from .command.notebook import unload

    unload()
