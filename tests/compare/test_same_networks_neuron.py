"""
Deterministic networks, generated, against pyNN.neuron.

NEURON integrates by backward Euler: its error is of order 1, and an expansion in the time step, as
long as no cell spikes. So it is asked twice, with a step and half of it: the error against our v
must shrink in proportion, and be gone to second order in 2 v(dt / 2) - v(dt). Spikes end the
comparison of v: NEURON's are detected by an event, the first is to come within its error.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

pytest.importorskip("neuron")
import pyNN.laconeu as laconeu  # noqa: E402
import pyNN.neuron as neuron  # noqa: E402
from generated_networks import networks, simulate  # noqa: E402

pytestmark = pytest.mark.compare

# Without HH_cond_exp, which at these steps is too far from NEURON's asymptotic error:
# test_cells_brian_neuron.py compares its rates.
CELLS = ["IF_cond_alpha", "IF_cond_exp", "IF_curr_alpha", "IF_curr_exp", "IF_cond_exp_gsfa_grr",
         "EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista"]
DT = 0.05  # ms; every time in a network is a multiple of it, but spike times between two


def on_the_grid(network):
    """With spikes and delays on grid points, which half the step has, too.

    NEURON does not round delays.
    """
    made = []
    for each in network["projections"]:
        kind, parameters = each["synapse"]
        delay = parameters["delay"]
        delay = delay[0] if isinstance(delay, list) else delay
        made.append({**each, "synapse": (kind, {**parameters, "delay": delay})})
    # A sine is another current where the steps are others; test_currents_peers.py has them.
    return {**network, "projections": made,
            "currents": [current for current in network["currents"] if current[0] != "AC"],
            "trains": [[round(t / DT + 0.5) * DT for t in train] for train in network["trains"]]}


NETWORKS = networks(CELLS, [DT], t_stop=40.0, plastic=False, recurrent=True, sampled=False,
                    changes=False)


@settings(max_examples=40, deadline=None, derandomize=True, print_blob=False,
          suppress_health_check=list(HealthCheck))
@given(NETWORKS)
def test_potentials_converge_to_ours(network):
    network = on_the_grid(network)
    fine = {**network, "dt": DT / 2}
    ours = simulate(laconeu, fine)
    try:
        coarse_theirs, fine_theirs = simulate(neuron, network), simulate(neuron, fine)
    except RuntimeError as error:
        # NEURON's solver of the receptors' equations gives up on some; nothing to compare with.
        assert "scopmath library error" in str(error)
        assume(False)
    for each, our_list, their_list in zip(network["projections"], ours[2], fine_theirs[2]):
        if each["synapse"][0] == "TsodyksMarkram":
            # NEURON's weight of such a synapse is what it transmitted last.
            our_list, their_list = our_list[:, [0, 1, 3]], their_list[:, [0, 1, 3]]
        np.testing.assert_allclose(our_list, their_list, rtol=1e-9, atol=1e-9)
    firsts = [min((step * dt for trains in run[0].values() for train in trains for step in train),
                  default=np.inf)
              for run, dt in ((ours, DT / 2), (fine_theirs, DT / 2), (coarse_theirs, DT))]
    # 2 ms before the first spike an upstroke may begin, which multiplies errors.
    until = min(min(firsts) - 2.0, 40.0)
    for k in ours[1]:
        n = int(max(until, 0.0) / DT)
        if n < 2:
            continue
        v = ours[1][k][::2][:n]
        coarse, halved = coarse_theirs[1][k][:n] - v, fine_theirs[1][k][::2][:n] - v
        error = np.abs(coarse).max(axis=0)
        # Half the error, and what is of second order: most for receptors of 0.3 ms, six steps.
        assert (np.abs(halved).max(axis=0) < 0.65 * error + 1e-3).all()
        assert (np.abs(2 * halved - coarse).max(axis=0) < 0.25 * error + 2e-3).all()
        # 0.16 mV seen: v moves by up to 3 mV in a step
        assert (error < 20.0 * DT).all()
