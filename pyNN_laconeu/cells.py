"""Native cell types: models that PyNN does not define, with its names, units and interface."""

from pyNN.models import BaseCellType

from .arrays import NeuronModel
from .native_models import in_standard_words
from .standardmodels.cells import Cell, conductance_ports


class NativeCellType(Cell, BaseCellType):
    """What native cell types have in common."""

    recordable = ["spikes", "v", "gsyn_exc", "gsyn_inh"]
    receptor_types = ("excitatory", "inhibitory")


class HH_reduced(NativeCellType):
    """Reduced Hodgkin-Huxley neuron: two variables, with a sodium current that follows at once.

        cm dv/dt = gbar_Na m_inf(v) (e_rev_Na - v) + gbar_K n (e_rev_K - v)
                   + g_leak (e_rev_leak - v) + i_offset + synaptic and injected currents
        dn/dt = (n_inf(v) - n) / tau_K
        x_inf(v) = 1 / (1 + exp((v_half_x - v) / k_x))

    The persistent sodium plus potassium model of Izhikevich (2007), Dynamical Systems in
    Neuroscience, chapter 4. The defaults are its high-threshold parameters for 1 nF of membrane:
    what is given there in mS/cm2 and uA/cm2 is in uS and nA here. Synapses are exponential
    conductances. A spike is stamped where v comes to or above v_thresh from below.
    """

    default_parameters = {
        "cm": 1.0,           # nF
        "g_leak": 8.0,       # uS
        "e_rev_leak": -80.0,  # mV
        "gbar_Na": 20.0,     # uS
        "e_rev_Na": 60.0,    # mV
        "v_half_Na": -20.0,  # mV
        "k_Na": 15.0,        # mV
        "gbar_K": 10.0,      # uS
        "e_rev_K": -90.0,    # mV
        "v_half_K": -25.0,   # mV
        "k_K": 5.0,          # mV
        "tau_K": 1.0,        # ms
        "e_rev_E": 0.0,      # mV
        "e_rev_I": -80.0,    # mV
        "tau_syn_E": 0.2,    # ms
        "tau_syn_I": 2.0,    # ms
        "i_offset": 0.0,     # nA
        "v_thresh": -20.0,   # mV
    }
    units = {
        "cm": "nF", "g_leak": "uS", "e_rev_leak": "mV", "gbar_Na": "uS", "e_rev_Na": "mV",
        "v_half_Na": "mV", "k_Na": "mV", "gbar_K": "uS", "e_rev_K": "mV", "v_half_K": "mV",
        "k_K": "mV", "tau_K": "ms", "e_rev_E": "mV", "e_rev_I": "mV", "tau_syn_E": "ms",
        "tau_syn_I": "ms", "i_offset": "nA", "v_thresh": "mV",
        "v": "mV", "n": "dimensionless", "gsyn_exc": "uS", "gsyn_inh": "uS",
    }
    recordable = ["spikes", "v", "n", "gsyn_exc", "gsyn_inh"]
    default_initial_values = {"v": -65.0, "n": 0.0, "gsyn_exc": 0.0, "gsyn_inh": 0.0}
    positive = ("cm", "k_Na", "k_K", "tau_K", "tau_syn_E", "tau_syn_I")
    not_negative = ("g_leak", "gbar_Na", "gbar_K")
    model = NeuronModel("hh_reduced", conductance_ports("exp"))


NATIVE_CELL_TYPES = {"HH_reduced": HH_reduced}


def native_cell_type(model_name):
    """The class of a native cell type, by name; see `list_native_models`.

    Raises ValueError for a name that there is not.
    """
    if model_name not in NATIVE_CELL_TYPES:
        raise ValueError(f"native_cell_type: there is no {model_name!r}, but "
                         f"{', '.join(NATIVE_CELL_TYPES)}" + in_standard_words(model_name))
    return NATIVE_CELL_TYPES[model_name]


def list_native_models():
    """Names of the native cell types."""
    return list(NATIVE_CELL_TYPES)
