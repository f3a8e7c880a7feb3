"""
Where a peer does something else than laconeu, on purpose or by mistake: what, why, and the test
that pins it. `pyNN_laconeu/README.md` says the same to users, by the words in `what`;
`tests/test_known_differences.py` compares the two.
"""

from typing import NamedTuple


class Difference(NamedTuple):
    """peer; what: words of the README; cause; test: file::function that fails if it goes away."""

    peer: str
    what: str
    cause: str
    test: str


HERE = "compare/test_differences_nest.py::"
NEURON = "compare/test_differences_neuron.py::"
KNOWN_DIFFERENCES = [
    Difference("nest", "what is set or initialized between two runs acts min_delay later",
               "NEST simulates one min_delay more than asked for before it returns",
               HERE + "test_nest_takes_a_parameter_over_min_delay_later"),
    Difference("nest", "The sample at t = 0 is what `initialize` was told last",
               "NEST records nothing at t = 0; pyNN.nest writes the initial value it knows then",
               HERE + "test_nest_writes_the_last_initial_value_at_0"),
    Difference("nest", "A refractory IF_curr cell stays at the v that `initialize` gives it",
               "NEST's current-based models leave v alone while refractory; here it is v_reset",
               HERE + "test_nest_leaves_v_alone_while_refractory"),
    Difference("nest", "an initial w of adaptive exponential cells counts in pA",
               "pyNN.nest applies the scale of w to what it reads, not to what it writes",
               HERE + "test_nest_takes_an_initial_w_for_pa"),
    Difference("nest", "`get` of weights onto IF_curr_delta and Izhikevich returns them divided by "
               "1000", "pyNN.nest applies receptor_scale where it connects, not where it reads",
               HERE + "test_nest_returns_weights_in_mv_divided_by_1000"),
    Difference("nest", "After `get`, one of an older projection may return another's values",
               "pyNN.nest keeps a list of connections that connecting more cells invalidates",
               HERE + "test_nest_reads_another_projections_weights"),
    Difference("nest", "`set` of cm alone leaves the leak conductance of conductance-based cells",
               "pyNN.nest makes g_L from tau_m and cm where tau_m is given, not where cm is",
               HERE + "test_nest_changes_tau_m_with_cm"),
    Difference("nest", "tau_minus is one for each target cell",
               "NEST keeps the post-synaptic trace in the cell, for all its projections",
               HERE + "test_nest_has_one_tau_minus_for_each_cell"),
    Difference("nest", "`reset()` is refused unless `setup(t_flush=...)` was given",
               "NEST cannot take back its time or what is under way",
               HERE + "test_nest_refuses_reset_without_t_flush"),
    Difference("nest", "`reset()` simulates on for t_flush: spikes under way at its end arrive",
               "NEST cannot take back its time or what is under way",
               HERE + "test_nest_delivers_after_a_reset_what_was_under_way"),
    Difference("nest", "synapses keep learned weights, resources and traces through a reset",
               "pyNN.nest restores what cells have initial values for, nothing of synapses",
               HERE + "test_nest_keeps_the_state_of_synapses_through_a_reset"),
    Difference("nest", "step currents keep their last value, others begin min_delay late",
               "pyNN.nest moves start and stop to the new time without its own correction for "
               "min_delay, and looks for the times of steps under NEST's name, not PyNN's",
               HERE + "test_nest_does_not_bring_back_currents_in_a_reset"),
    Difference("nest", "signals begin with samples of t_flush where min_delay is longer than dt",
               "the recorder is cleared before what is in its buffers for min_delay arrives",
               HERE + "test_nest_samples_on_through_a_reset"),
    Difference("nest", "current sources cannot act before min_delay + dt",
               "a current travels for min_delay",
               "compare/test_currents_peers.py::test_nests_sine_from_0_on_is_late_by_min_delay"),
    Difference("nest", "NEST draws for each cell",
               "a generator of NEST draws for each of its connections",
               "compare/test_currents_peers.py::"
               "test_noise_has_the_same_moments_and_intervals_everywhere"),
    Difference("neuron", "integrates by backward Euler",
               "its fixed-step method is of order 1; ours converges to the same v",
               "compare/test_same_networks_neuron.py::"
               "test_potentials_spikes_and_weights_converge_to_ours"),
    Difference("neuron", "The gates of HH_cond_exp begin at 0",
               "its mechanism sets them so; here they begin at rest at the initial v",
               NEURON + "test_neuron_begins_hodgkin_huxley_cells_with_gates_at_0"),
    Difference("neuron", "loses spikes of adaptive exponential cells",
               "its implicit step takes the exponential's slope for a conductance, which turns the "
               "step round where it is steeper than C / dt",
               NEURON + "test_neuron_loses_spikes_of_adaptive_exponential_cells"),
    Difference("neuron", "what is initialized between two runs acts from the next reset() on",
               "pyNN.neuron keeps initial values for when NEURON is initialized",
               NEURON + "test_neuron_initializes_at_a_reset_only"),
    Difference("neuron", "A spike under way arrives with the weight of its arrival",
               "a NetCon's weight is read at delivery",
               NEURON + "test_neuron_delivers_with_the_weight_of_the_arrival"),
    Difference("neuron", "`reset()` leaves plastic weights as learned",
               "the weight belongs to the NetCon, which is not initialized",
               NEURON + "test_neuron_keeps_plastic_weights_through_a_reset"),
    Difference("neuron", "a step current may be off from a run's end to its next step",
               "pyNN.neuron sets it to 0 when a run begins and enters the value for the run's end, "
               "which rounding may have passed",
               NEURON + "test_neuron_may_stop_a_step_current_at_the_end_of_a_run"),
    Difference("neuron", "the last sample of a longer interval may be the one before",
               "pyNN.neuron repeats it where rounding has left one out",
               NEURON + "test_neuron_repeats_a_sample_at_the_end_of_a_second_run"),
]
