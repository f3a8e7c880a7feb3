"""
The registry of models: complete, all of it compiled, and one result from both kinds of loops.
"""

import ast

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN_laconeu.kernels.models import COMPOSED, FUSED, KINDS, MEMBRANES, OWN_KINDS, RECEPTORS
from pyNN_laconeu.kernels.models.model import FLOW, PHASE, phases_of
from pyNN_laconeu.kernels.render import (
    POISSON_THRESHOLDS,
    VARIANTS,
    fused_name,
    pairs_name,
    poisson_name,
    receptor_name,
)

from pyNN_laconeu import arrays


def resolve(receptors):
    return [(RECEPTORS[receptor], kind) for receptor, kind in receptors]


FUSED_NAMES = {fused_name(MEMBRANES[membrane], resolve(receptors)): (membrane, receptors)
               for membrane, receptors in FUSED}


def test_every_loop_that_is_listed_has_been_compiled_and_no_other():
    names = {*FUSED_NAMES, *COMPOSED, *(
        receptor_name(RECEPTORS[receptor], kind, MEMBRANES[membrane])
        for membrane, receptors in COMPOSED.items() for receptor, kind in receptors)}
    assert set(arrays.KERNELS) == {
        *(f"{name}_{variant}" for name in names for variant in VARIANTS),
        *(poisson_name(n) for n in POISSON_THRESHOLDS),
        *(pairs_name(powers) for powers in (False, True)), "add_and_clear", "add_counts"}
    assert len(set(arrays.KERNELS.values())) == len(arrays.KERNELS)
    assert all(address != 0 for address in arrays.KERNELS.values())


def test_every_membrane_and_receptor_is_in_some_loop():
    assert {membrane for membrane, _ in FUSED} | set(COMPOSED) == set(MEMBRANES)
    used = {pair for _, receptors in FUSED for pair in receptors}
    used |= {pair for receptors in COMPOSED.values() for pair in receptors}
    assert {receptor for receptor, _ in used} == set(RECEPTORS)
    assert {kind for _, kind in used} == set(KINDS)


def test_weights_arrive_at_the_ports_of_cell_types_and_at_no_adaptation():
    sim.setup()
    for name in sim.list_standard_models():
        model = sim.Population(1, getattr(sim, name)()).model
        for port in getattr(model, "ports", {}).values():
            assert port.kind not in OWN_KINDS and port.on_spike is None, name
        for port in getattr(model, "own_ports", ()):
            assert port.kind in OWN_KINDS and port.on_spike is not None, name
    assert set(OWN_KINDS) < set(KINDS)


@pytest.mark.parametrize("name", MEMBRANES)
def test_every_membrane_says_what_it_is(name):
    membrane = MEMBRANES[name]
    assert membrane.name == name
    for text in (membrane.equations, membrane.source, membrane.method):
        assert len(text.strip()) > 10 or text == "see the receptors", text
    assert "spike" in membrane.equations.lower()
    for units in (membrane.parameters, membrane.states, membrane.constants):
        assert all(isinstance(unit, str) for unit in units.values())
    assert set(membrane.reset) <= set(membrane.states)
    assert membrane.drawn is None or membrane.drawn in membrane.states
    assert set(membrane.sums) <= set(OWN_KINDS)
    assert set(membrane.sums.values()) <= set(membrane.states) - set(membrane.reset)
    assert next(iter(membrane.states)) == "v"


BUILT_IN = {"exp_", "exp_of_negative_", "exp_to_9_digits_", "exp_within_", "expm1_near_0_",
            "expm1_near_0_to_9_digits_", "exprel_near_0_to_10_digits_", "log_", "log_of_normal_",
            "not_above_bound", "sqrt", "dt"}


def names_in(code):
    """(names, those that are assigned) in a membrane's lines."""
    code = "".join("\n".join([f"wanted_here = {phase.condition or 0}", *phase.lines, ""])
                   for phase in phases_of(code))
    names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    return ({node.id for node in names} - {"wanted_here"},
            {node.id for node in names if isinstance(node.ctx, ast.Store)} - {"wanted_here"})


@pytest.mark.parametrize("name", MEMBRANES)
def test_every_name_in_a_membrane_s_code_is_declared(name):
    membrane = MEMBRANES[name]
    flow = membrane.flow
    used, assigned = names_in(
        membrane.update.replace(FLOW, PHASE) + f"spikes_here = {membrane.spike}\n" + "".join(
            f"after_{state} = {expression}\n" for state, expression in membrane.reset.items()))
    built_in = BUILT_IN | {"last", "last_f", "force", "spikes_here",
                           *(f"after_{state}" for state in membrane.reset)}
    declared = {*membrane.states, *membrane.constants, *membrane.drives, *membrane.locals}
    assert used - built_in <= declared
    # and none is declared in vain, or a constant written to
    assert set(membrane.locals) <= assigned
    constants, drives = set(membrane.constants), set(membrane.drives)
    assert constants | drives <= used | (names_in(flow.update)[0] if flow else set())
    assert assigned.isdisjoint(constants | drives)


@pytest.mark.parametrize("name", [name for name in MEMBRANES if MEMBRANES[name].flow])
def test_every_name_in_a_flow_s_code_is_declared(name):
    membrane = MEMBRANES[name]
    flow = membrane.flow
    assert FLOW in membrane.update and flow.tolerance > 0.0
    assert flow.states[0] == "v" and set(flow.states) <= set(membrane.states)
    used, assigned = names_in(flow.update)
    assert used - BUILT_IN <= {*flow.states, *flow.drives, *membrane.constants, *flow.locals}
    assert assigned == {*flow.states, *flow.locals} and set(flow.drives) <= used
    before, _ = membrane.update.split(FLOW)
    # the whole substep, its halves, its quarters
    assert {f"{drive}_{part}" for drive in flow.drives for part in range(7)} <= (
        names_in(before)[1])


@pytest.mark.parametrize("name", RECEPTORS)
def test_every_receptor_says_what_it_is(name):
    receptor = RECEPTORS[name]
    assert receptor.name == name and receptor.equation and receptor.source
    assert set(receptor.parameters.values()) <= {"ms"}
    # with states come the functions that move them
    for function in (receptor.propagator, receptor.integral):
        assert (function is not None) == bool(receptor.states)


# --- the same bits from both ---------------------------------------------------------------------

CASES = {
    "IF_curr_exp": (1.5, 1.0), "IF_cond_exp": (1.0, 0.1), "IF_cond_alpha": (1.0, 0.1),
    "EIF_cond_exp_isfa_ista": (0.9, 0.03), "EIF_cond_alpha_isfa_ista": (0.9, 0.03),
    "GIF_cond_exp": (1.2, 0.1)}
BOTH = [name for name, (membrane, receptors) in FUSED_NAMES.items()
        if set(receptors) <= set(COMPOSED.get(membrane, ()))]


def run(name, varied, dt):
    """(spikes, signals of all recordables) of 300 cells, more than a block."""
    offset, weight = CASES[name]
    sim.setup(timestep=dt, min_delay=dt, threads=1)
    draw = np.random.RandomState(1)
    n = 300
    own = {"tau_m": draw.uniform(8.0, 20.0, n), "tau_syn_E": draw.uniform(0.3, 6.0, n)}
    cells = sim.Population(n, getattr(sim, name)(i_offset=offset, **(own if varied else {})))
    cells.record(cells.celltype.recordable)
    source = sim.Population(20, sim.SpikeSourcePoisson(rate=100.0))
    for receptor, scale in (("excitatory", 1.0), ("inhibitory", 0.7)):
        sign = -1.0 if receptor == "inhibitory" and not cells.conductance_based else 1.0
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(
            weight=sign * scale * weight * draw.uniform(0.0, 0.3, (20, n)), delay=dt),
            receptor_type=receptor)
    sim.run(60.0)
    segment = cells.get_data().segments[0]
    return ([train.magnitude.tolist() for train in segment.spiketrains],
            {signal.name: signal.magnitude for signal in segment.analogsignals})


def test_there_is_a_case_for_each_neuron_that_has_both_kinds_of_loops():
    assert len(BOTH) == len(CASES) == 6


@pytest.mark.parametrize("dt", [0.1, 0.5])
@pytest.mark.parametrize("varied", [False, True], ids=["uniform", "varied"])
@pytest.mark.parametrize("name", CASES)
def test_one_loop_for_everything_gives_the_bits_of_a_loop_for_each_part(name, varied, dt,
                                                                        monkeypatch):
    fused = run(name, varied, dt)
    assert sum(map(len, fused[0])) > 300
    without = {loop: address for loop, address in arrays.KERNELS.items()
               if not any(loop.startswith(other) for other in FUSED_NAMES)}
    assert len(without) == len(arrays.KERNELS) - 2 * len(FUSED_NAMES)
    monkeypatch.setattr(arrays, "KERNELS", without)
    composed = run(name, varied, dt)
    assert composed[0] == fused[0]
    for variable, samples in fused[1].items():
        assert np.array_equal(composed[1][variable], samples), variable
