"""What the parameters and variables of PyNN's standard models mean, for the reference page.

PyNN says it in comments, which no program reads. A name that means different things in different
models stands under each of them.
"""

# name -> (meaning, unit where PyNN's `units` have none)
MEANINGS = {
    # integrate-and-fire
    "v": ("membrane potential", "mV"),
    "v_rest": ("resting potential, to which the leak pulls", "mV"),
    "cm": ("membrane capacitance", "nF"),
    "tau_m": ("membrane time constant", "ms"),
    "tau_refrac": ("refractory time", "ms"),
    "v_reset": ("potential after a spike", "mV"),
    "v_thresh": ("spike threshold", "mV"),
    "i_offset": ("constant current into the cell", "nA"),
    "tau_syn_E": ("time constant of the excitatory receptor", "ms"),
    "tau_syn_I": ("time constant of the inhibitory receptor", "ms"),
    "e_rev_E": ("reversal potential of the excitatory receptor", "mV"),
    "e_rev_I": ("reversal potential of the inhibitory receptor", "mV"),
    "g_leak": ("leak conductance", "uS"),
    "isyn_exc": ("current of the excitatory receptor", "nA"),
    "isyn_inh": ("current of the inhibitory receptor", "nA"),
    "gsyn_exc": ("conductance of the excitatory receptor", "uS"),
    "gsyn_inh": ("conductance of the inhibitory receptor", "uS"),
    # adaptation by conductances
    "tau_sfa": ("time constant of the adaptation conductance", "ms"),
    "e_rev_sfa": ("reversal potential of the adaptation conductance", "mV"),
    "q_sfa": ("what a spike adds to the adaptation conductance", "nS"),
    "g_s": ("adaptation conductance", "nS"),
    "tau_rr": ("time constant of the relative refractory conductance", "ms"),
    "e_rev_rr": ("reversal potential of the relative refractory conductance", "mV"),
    "q_rr": ("what a spike adds to the relative refractory conductance", "nS"),
    "g_r": ("relative refractory conductance", "nS"),
    # exponential integrate-and-fire
    "v_spike": ("potential at which a spike is cut off", "mV"),
    "delta_T": ("slope factor: how sharp the upstroke is; 0 is a fixed threshold", "mV"),
    "tau_w": ("time constant of the adaptation current", "ms"),
    "w": ("adaptation current", "nA"),
    # Hodgkin-Huxley
    "gbar_Na": ("largest sodium conductance", "uS"),
    "gbar_K": ("largest potassium conductance", "uS"),
    "e_rev_Na": ("sodium reversal potential", "mV"),
    "e_rev_K": ("potassium reversal potential", "mV"),
    "e_rev_leak": ("leak reversal potential", "mV"),
    "v_offset": ("shift of the rates along the potential", "mV"),
    "v_half_Na": ("potential at which half of the sodium channels are open", "mV"),
    "k_Na": ("slope of the sodium activation", "mV"),
    "v_half_K": ("potential at which half of the potassium channels are open", "mV"),
    "k_K": ("slope of the potassium activation", "mV"),
    "tau_K": ("time constant of the potassium activation", "ms"),
    "m": ("sodium activation", ""),
    "h": ("sodium inactivation", ""),
    "n": ("potassium activation", ""),
    # generalised integrate-and-fire
    "delta_v": ("width of the threshold", "mV"),
    "v_t_star": ("threshold at rest", "mV"),
    "lambda0": ("rate of spikes at the threshold", "Hz"),
    "tau_eta": ("time constants of the spike-triggered currents", "ms"),
    "tau_gamma": ("time constants of the threshold's components", "ms"),
    "a_eta": ("what a spike adds to each spike-triggered current", "nA"),
    "a_gamma": ("what a spike adds to each component of the threshold", "mV"),
    "i_eta": ("sum of the spike-triggered currents", "nA"),
    "v_t": ("threshold", "mV"),
    # spike sources and current sources
    "rate": ("mean rate", "Hz"),
    "start": ("when it begins", "ms"),
    "stop": ("when it ends", "ms"),
    "duration": ("how long it lasts", "ms"),
    "spike_times": ("times of the spikes", "ms"),
    "alpha": ("shape of the distribution of intervals", ""),
    "beta": ("rate of the distribution of intervals", "Hz"),
    "tbins": ("when each pair of a and b begins to hold", "ms"),
    "amplitude": ("amplitude", "nA"),
    "amplitudes": ("current from each of the times on", "nA"),
    "times": ("when the current changes", "ms"),
    "offset": ("mean of the sine", "nA"),
    "frequency": ("frequency", "Hz"),
    "phase": ("phase at the start", "degrees"),
    "mean": ("mean current", "nA"),
    "stdev": ("standard deviation of the current", "nA"),
    "dt": ("how long each level lasts; the time step where it is left out", "ms"),
    # receptors of PointNeuron
    "tau_syn": ("time constant", "ms"),
    "tau_rise": ("time constant of the rise", "ms"),
    "tau_decay": ("time constant of the decay", "ms"),
    "e_syn": ("reversal potential", "mV"),
    "gsyn": ("conductance", "uS"),
    "isyn": ("current", "nA"),
    # synapses
    "weight": ("weight", "uS, nA or mV"),
    "delay": ("delay; the smallest one (`min_delay`, or a time step) where it is left out", "ms"),
    "dendritic_delay_fraction": ("the part of the delay that is in the dendrite", ""),
    "p": ("probability that a spike is transmitted", ""),
    "U": ("use parameter: the part of the resources that a first spike uses", ""),
    "tau_rec": ("time constant of the recovery from depression", "ms"),
    "tau_facil": ("time constant of facilitation", "ms"),
    "w_min": ("smallest weight", "as weight"),
    "w_max": ("largest weight", "as weight"),
    "mu_plus": ("exponent of w_max - w in potentiation", ""),
    "mu_minus": ("exponent of w - w_min in depression", ""),
    "tau_plus": ("time constant of potentiation", "ms"),
    "tau_minus": ("time constant of depression", "ms"),
    "A_plus": ("potentiation by one pair of spikes, see the weight dependence", ""),
    "A_minus": ("depression by one pair of spikes, see the weight dependence", ""),
    "tau": ("time constant of the window", "ms"),
    "eta": ("change by one pair of spikes", "as weight"),
    "rho": ("rate at which the target settles", "Hz"),
}

_ADAPTATION = {"a": ("adaptation below the threshold: conductance", "nS"),
               "b": ("what a spike adds to the adaptation current", "nA"),
               "v_thresh": ("potential at which the upstroke begins", "mV")}

_RELEASE = {"u": ("part of the resources that a spike uses", ""),
            "x": ("recovered part of the resources", ""),
            "y": ("active part of the resources", ""),
            "R": ("1 where the release site is ready", ""),
            "a": ("release sites that are ready", ""),
            "n": ("number of release sites", "")}

# model -> the same, of names that mean something else there
MEANINGS_IN = {
    "EIF_cond_exp_isfa_ista": _ADAPTATION,
    "EIF_cond_alpha_isfa_ista": _ADAPTATION,
    "AdExp": _ADAPTATION,
    "Izhikevich": {"a": ("rate at which u recovers", "1/ms"),
                   "b": ("how strongly u follows v", "1/ms"),
                   "c": ("potential after a spike", "mV"),
                   "d": ("what a spike adds to u", "mV/ms"),
                   "u": ("recovery variable", "mV/ms")},
    "SpikeSourceInhGamma": {"a": ("shapes of the distribution of intervals", ""),
                            "b": ("scales of the distribution of intervals", "s")},
    "SpikeSourcePoissonRefractory": {"rate": ("mean rate, dead time included", "Hz"),
                                     "tau_refrac": ("dead time after a spike", "ms")},
    "HH_reduced": {"v_thresh": ("potential at which a rise of v counts as a spike", "mV")},
    "TsodyksMarkramSynapse": _RELEASE,
    "StochasticTsodyksMarkramSynapse": _RELEASE,
    "MultiQuantalSynapse": _RELEASE,
    "ElectricalSynapse": {"weight": ("conductance", "uS")},
}


def meaning(model, name):
    """(meaning, unit) of a parameter or variable of a standard model; empty if unknown."""
    return {**MEANINGS, **MEANINGS_IN.get(model, {})}.get(name, ("", ""))
