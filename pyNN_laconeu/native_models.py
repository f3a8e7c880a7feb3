"""What native models of pyNN.nest are called in PyNN: scripts that ask for one are told so.

Only names are known here. `native_cell_type` of this back end's own models is in cells.py.
"""

STANDARD = {
    # cells
    "iaf_psc_exp": "IF_curr_exp", "iaf_psc_exp_ps": "IF_curr_exp",
    "iaf_psc_alpha": "IF_curr_alpha", "iaf_psc_alpha_ps": "IF_curr_alpha",
    "iaf_psc_delta": "IF_curr_delta", "iaf_psc_delta_ps": "IF_curr_delta",
    "iaf_cond_exp": "IF_cond_exp", "iaf_cond_alpha": "IF_cond_alpha",
    "iaf_cond_beta": "PointNeuron(LIF(...), name=BetaPSR(...))",
    "iaf_cond_exp_sfa_rr": "IF_cond_exp_gsfa_grr", "hh_cond_exp_traub": "HH_cond_exp",
    "aeif_cond_exp": "EIF_cond_exp_isfa_ista", "aeif_cond_alpha": "EIF_cond_alpha_isfa_ista",
    "aeif_cond_alpha_multisynapse": "PointNeuron(AdExp(...), name=AlphaPSR(...))",
    "aeif_cond_beta_multisynapse": "PointNeuron(AdExp(...), name=BetaPSR(...))",
    "iaf_psc_exp_multisynapse": "PointNeuron(LIF(...), name=CurrExpPostSynapticResponse(...))",
    "izhikevich": "Izhikevich", "gif_cond_exp": "GIF_cond_exp",
    "poisson_generator": "SpikeSourcePoisson", "spike_generator": "SpikeSourceArray",
    "ppd_sup_generator": "SpikeSourcePoissonRefractory", "gamma_sup_generator": "SpikeSourceGamma",
    "inh_gamma_generator": "SpikeSourceInhGamma",
    # synapses
    "static_synapse": "StaticSynapse", "static_synapse_hom_w": "StaticSynapse",
    "tsodyks_synapse": "TsodyksMarkramSynapse", "tsodyks2_synapse": "TsodyksMarkramSynapse",
    "bernoulli_synapse": "SimpleStochasticSynapse", "quantal_stp_synapse": "MultiQuantalSynapse",
    "stdp_synapse": "STDPMechanism", "stdp_synapse_hom": "STDPMechanism",
    "vogels_sprekeler_synapse": "STDPMechanism(Vogels2011Rule(...), ...)",
    "gap_junction": "ElectricalSynapse",
    # current sources
    "dc_generator": "DCSource", "ac_generator": "ACSource", "noise_generator": "NoisyCurrentSource",
    "step_current_generator": "StepCurrentSource",
}


def in_standard_words(name):
    """A clause that names the standard model of a native one, empty where there is none."""
    standard = STANDARD.get(name)
    return f"; sim.{standard} is the standard model for it" if standard else ""


def native_synapse_type(model_name):
    """Refuses: this back end has no synapses but PyNN's."""
    raise ValueError(f"native_synapse_type: laconeu has no native synapse types, such as "
                     f"{model_name!r}" + in_standard_words(model_name))


def native_electrode_type(model_name):
    """Refuses: this back end has no current sources but PyNN's."""
    raise ValueError(f"native_electrode_type: laconeu has no native current sources, such as "
                     f"{model_name!r}" + in_standard_words(model_name))
