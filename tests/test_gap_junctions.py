"""
Electrical synapses: against closed forms and DOP853, their order, charge, stability, symmetry, the
clamp of refractory cells, what spikes make of them, the same bits for threads and slices; and the
interface of their projections.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN import errors
from pyNN.core import IndexBasedExpression
from pyNN.random import NumpyRNG, RandomDistribution
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from test_hodgkin_huxley import START, rates

GAP = "source_section.gap"
# With such a membrane nothing flows but through the junctions: 1e9 ms of time constant.
INERT = {"tau_m": 1e9, "v_rest": 0.0, "v_thresh": 1e6, "v_reset": -1e6}


def join(pre, post, weight, connector=None, **given):
    """A projection of electrical synapses, all-to-all by default."""
    connector = connector or sim.AllToAllConnector(allow_self_connections=False)
    return sim.Projection(pre, post, connector, sim.ElectricalSynapse(weight=weight), **given)


def recorded(cells, variable="v"):
    """[n_samples, n_cells]"""
    return cells.get_data().segments[-1].filter(name=variable)[0].magnitude


def trains(cells):
    """[spike times of each cell]"""
    return [train.magnitude for train in cells.get_data().segments[-1].spiketrains]


# --- the scheme --------------------------------------------------------------------------------

def passive_error(dt, t_stop=40.0):
    """The largest error of v of two leaky cells against the matrix exponential, mV."""
    cm, tau, offset, g = np.array([0.5, 1.5]), np.array([10.0, 30.0]), np.array([0.3, -0.2]), 0.05
    sim.setup(timestep=dt)
    cells = sim.Population(2, sim.IF_curr_exp(cm=cm, tau_m=tau, i_offset=offset, v_thresh=1e3))
    cells.initialize(v=[-50.0, -80.0])
    cells.record("v")
    join(cells[:1], cells[1:], g)
    sim.run(t_stop)
    v = recorded(cells)
    matrix = np.diag(-1.0 / tau) + g / cm[:, None] * np.array([[-1.0, 1.0], [1.0, -1.0]])
    rest = np.linalg.solve(matrix, -(-65.0 / tau + offset / cm))
    exact = [rest + expm(matrix * dt * k) @ (np.array([-50.0, -80.0]) - rest)
             for k in range(len(v))]
    return np.abs(v - exact).max()


def test_two_leaky_cells_follow_the_matrix_exponential_with_order_2():
    found = [passive_error(dt) for dt in (0.1, 0.2, 0.4)]
    assert found[0] < 1e-4  # mV, of a difference of 30 mV
    # order 2, and errors far above rounding: the next term is below 2 % of the first
    assert np.allclose(np.log2(np.divide(found[1:], found[:-1])), 2.0, atol=0.02)


@pytest.mark.parametrize("weight", [1e-3, 0.1, 30.0])
def test_a_junction_alone_is_exact_and_samples_are_taken_after_it(weight):
    """Were v sampled between the halves, it would be half a step late."""
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp(cm=[0.2, 0.7], **INERT))
    cells.initialize(v=[-50.0, -80.0])
    cells.record("v")
    join(cells[1:], cells[:1], weight)
    sim.run(5.0)
    v = recorded(cells)
    mean = (0.2 * -50.0 + 0.7 * -80.0) / 0.9
    decay = np.exp(-weight * (1.0 / 0.2 + 1.0 / 0.7) * 0.1 * np.arange(len(v)))
    exact = mean + np.outer(decay, np.array([-50.0, -80.0]) - mean)
    # the leak of 1e9 ms takes 80 mV * 5 / 1e9; rounding is far below
    assert np.abs(v - exact).max() < 1e-6
    assert np.array_equal(v[-1], cells.state["v"])


def web(n, dt, weight, seed=1):
    """(cells, their capacitances in nF): inert, joined at random, some pairs repeatedly."""
    draw = np.random.RandomState(seed)
    sim.setup(timestep=dt)
    cm = draw.uniform(0.1, 2.0, n)
    cells = sim.Population(n, sim.IF_curr_exp(cm=cm, **INERT))
    cells.initialize(v=draw.uniform(-80.0, 20.0, n))
    cells.record("v")
    join(cells, cells, RandomDistribution("uniform", (0.0, weight), rng=NumpyRNG(seed)),
         sim.FixedTotalNumberConnector(5 * n, rng=NumpyRNG(seed)))
    return cells, cm


@pytest.mark.parametrize("weight", [0.05, 1000.0])
def test_charge_is_conserved_to_rounding(weight):
    cells, cm = web(40, 0.1, weight)
    sim.run(50.0)
    v = recorded(cells)
    charge = v @ cm
    # 100,000 exchanges of up to 100 mV, each rounded to 1e-14 mV: a random walk stays below 1e-10;
    # the leak of 1e9 ms is beneath 5e-8 of what is there
    assert np.abs(charge - charge[0]).max() < 1e-7 * np.abs(charge[0])
    assert np.ptp(v[-1]) < 0.3 * np.ptp(v[0])


@pytest.mark.parametrize("weight", [0.05, 1.0, 1000.0, 1e300])
def test_no_conductance_drives_a_potential_beyond_those_of_its_neighbours(weight):
    cells, _ = web(30, 1.0, weight)
    sim.run(20.0)
    v = recorded(cells)
    assert (np.diff(v.max(axis=1)) < 1e-6).all() and (np.diff(v.min(axis=1)) > -1e-6).all()


def test_the_order_of_many_junctions_is_2():
    """All of a web against the matrix exponential of its conductances."""
    found = []
    for dt in (0.05, 0.1, 0.2):
        cells, cm = web(12, dt, 0.05)
        network = sim.simulator.state.network
        sim.run(4.0)
        matrix = np.zeros((12, 12))
        for i, j, g in network.projections[0].get("weight", format="list"):
            i, j = int(i), int(j)
            matrix[[i, j], [j, i]] += g
            matrix[[i, j], [i, j]] -= g * (i != j)
        np.fill_diagonal(matrix, 0.0)
        np.fill_diagonal(matrix, -matrix.sum(axis=1))
        v = recorded(cells)
        found.append(np.abs(v[-1] - expm(matrix / cm[:, None] * 4.0) @ v[0]).max())
    assert np.allclose(np.log2(np.divide(found[1:], found[:-1])), 2.0, atol=0.1)


def test_two_cells_of_1000_uS_between_them_are_one():
    """They share their currents: each is as a single cell with the mean of both."""
    sim.setup(timestep=0.1)
    single = sim.Population(1, sim.IF_cond_exp(i_offset=0.4))
    pair = sim.Population(2, sim.IF_cond_exp(i_offset=[0.8, 0.0]))
    for cells in (single, pair):
        cells.record("v")
    join(pair[:1], pair[1:], 1000.0)
    sim.run(50.0)
    v, expected = recorded(pair), recorded(single)
    assert np.abs(v[:, 0] - v[:, 1]).max() < 1e-12
    # linear below the threshold, the same leak on both: the mean obeys the single cell's equation
    assert np.abs(v - expected).max() < 1e-9


def test_a_ring_stays_symmetric_about_the_cell_that_is_driven():
    def asymmetry(dt):
        sim.setup(timestep=dt)
        n = 10
        ring = sim.Population(n, sim.IF_curr_exp(v_thresh=1e3))
        ring[:1].inject(sim.DCSource(amplitude=1.0))
        ring.record("v")
        join(ring, ring, 0.2, sim.FromListConnector([(i, (i + 1) % n) for i in range(n)]))
        sim.run(20.0)
        v = recorded(ring)[-1]
        assert (np.diff(v[:6]) < 0.0).all() and np.ptp(v) > 1.0
        return np.abs(v - v[-np.arange(n) % n]).max()
    found = [asymmetry(dt) for dt in (0.05, 0.1)]
    # the order in which junctions act shows, as all of the splitting, with order 2
    assert found[1] < 1e-3 and np.log2(found[1] / found[0]) == pytest.approx(2.0, abs=0.1)


# --- against an independent solver -------------------------------------------------------------

def hodgkin_huxley(t_stop, g, offsets, dt):
    """(times of both cells' peaks, v [n_samples, 2]) by DOP853."""
    p = sim.HH_cond_exp.default_parameters

    def slope(t, y):
        cells = np.reshape(y, (2, 4))
        result = []
        for (v, m, h, n), (other, *_), offset in zip(cells, cells[::-1], offsets):
            current = (p["gbar_Na"] * m ** 3 * h * (p["e_rev_Na"] - v)
                       + p["gbar_K"] * n ** 4 * (p["e_rev_K"] - v)
                       + p["g_leak"] * (p["e_rev_leak"] - v) + offset + g * (other - v))
            result += [current / p["cm"], *(a * (1.0 - x) - b * x for (a, b), x in zip(
                rates(v - p["v_offset"]), (m, h, n)))]
        return result

    def top(k):
        def falls(t, y):
            return slope(t, y)[4 * k]
        falls.direction = -1
        return falls
    t = np.arange(round(t_stop / dt) + 1) * dt
    found = solve_ivp(slope, (0.0, t[-1]), [*START.values()] * 2, method="DOP853", rtol=1e-10,
                      atol=1e-10, t_eval=t, events=[top(0), top(1)])
    peaks = [times[np.reshape(states, (-1, 8))[:, 4 * k] > p["v_offset"] + 30.0]
             for k, (times, states) in enumerate(zip(found.t_events, found.y_events))]
    return peaks, found.y[[0, 4]].T


def simulate_hodgkin_huxley(t_stop, g, offsets, dt):
    sim.setup(timestep=dt)
    cells = [sim.Population(1, sim.HH_cond_exp(i_offset=offset)) for offset in offsets]
    for cell in cells:
        cell.initialize(**START)
        cell.record(["spikes", "v"])
    join(*cells, g)
    sim.run(t_stop)
    return [trains(cell)[0] for cell in cells], np.hstack([recorded(cell) for cell in cells])


@pytest.mark.parametrize("g, n_spikes", [(0.005, (8, 0)), (0.02, (8, 2)), (0.05, (6, 6)),
                                         (0.5, (5, 5)), (5.0, (5, 5))])
def test_two_hodgkin_huxley_cells_spike_as_by_dop853(g, n_spikes):
    """One is driven; the other does not follow, now and then, always, at once."""
    spikes, _ = simulate_hodgkin_huxley(60.0, g, (1.0, 0.0), 0.1)
    peaks, _ = hodgkin_huxley(60.0, g, (1.0, 0.0), 0.1)
    assert tuple(map(len, spikes)) == tuple(map(len, peaks)) == n_spikes
    # As for one cell alone spikes are stamped with the end of the step (0.1 ms) that has the peak,
    # or the step before, where a junction's second half is what ends the rise. What the second cell
    # does at 0.02 uS is at the edge of not happening, and junctions' errors grow there (its last
    # peak is 0.17 ms late at 0.1 ms, 0.017 at 0.05).
    allowed = (0.12, 0.15 if g == 0.02 else 0.12)
    for train, times, most in zip(spikes, peaks, allowed):
        assert (np.abs(train - times - 0.05) < most).all()


def test_hodgkin_huxley_cells_approach_the_reference_with_order_2():
    found = []
    for dt in (0.05, 0.1, 0.2):
        _, v = simulate_hodgkin_huxley(2.4, 0.2, (1.0, 0.0), dt)
        found.append(np.abs(v - hodgkin_huxley(2.4, 0.2, (1.0, 0.0), dt)[1])[-1].max())
    assert np.log2(np.divide(found[1:], found[:-1])) == pytest.approx(2.0, abs=0.2)


ADEXP = sim.EIF_cond_exp_isfa_ista.default_parameters


def adaptive_exponential(t_stop, g, offsets, refractory):
    """Spike times of two joined cells by DOP853, which is begun anew at each spike and release."""
    p = ADEXP
    top = p["v_thresh"] + 16.0 * p["delta_T"]  # steep enough: see test_adexp.py

    def slope(t, y, held):
        result = []
        for k in range(2):
            v, w = y[2 * k:2 * k + 2]
            upstroke = p["delta_T"] * np.exp((min(v, top) - p["v_thresh"]) / p["delta_T"])
            current = (p["cm"] / p["tau_m"] * (p["v_rest"] - v + upstroke) - w + offsets[k]
                       + g * (y[2 - 2 * k] - v))
            result += [0.0 if held[k] else current / p["cm"],
                       (1e-3 * p["a"] * (v - p["v_rest"]) - w) / p["tau_w"]]
        return result

    def crossing(k):
        def rises(t, y):
            return y[2 * k] - p["v_spike"]
        rises.terminal, rises.direction = True, 1
        return rises
    t, y, free_at, spikes = 0.0, np.array([p["v_rest"], 0.0] * 2), [0.0, 0.0], [[], []]
    while t < t_stop - 1e-9:
        held = [t < free - 1e-9 for free in free_at]
        end = min([free for free, now in zip(free_at, held) if now] + [t_stop])
        piece = solve_ivp(lambda t, y, held=held: slope(t, y, held), (t, end), y, method="DOP853",
                          rtol=1e-10, atol=1e-10, events=[crossing(0), crossing(1)])
        t, y = piece.t[-1], piece.y[:, -1]
        for k in range(2):
            if piece.status == 1 and len(piece.t_events[k]):
                spikes[k].append(t)
                y[2 * k], free_at[k] = p["v_reset"], t + refractory
                y[2 * k + 1] += p["b"]
    return [np.array(train) for train in spikes]


@pytest.mark.parametrize("refractory", [0.13, 3.07])
@pytest.mark.parametrize("g, offsets", [(0.002, (1.5, 0.6)), (0.01, (1.5, 1.1))])
def test_two_adaptive_exponential_cells_spike_as_by_dop853(g, offsets, refractory):
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.EIF_cond_exp_isfa_ista(i_offset=offsets, tau_refrac=refractory))
    cells.initialize(v=ADEXP["v_rest"])
    cells.record("spikes")
    join(cells[:1], cells[1:], g)
    sim.run(150.0)
    expected = adaptive_exponential(150.0, g, offsets, refractory)
    assert min(map(len, expected)) >= 1 and sum(map(len, expected)) >= 12
    for found, times in zip(trains(cells), expected):
        assert len(found) == len(times)
        # Stamped with the step's end: half a step (0.05 ms) late on average. Where a spike or a
        # release falls within a step, that step's exchange is of order 1 only.
        assert np.abs(found - 0.05 - times).max() < 0.25


# --- refractory cells --------------------------------------------------------------------------

@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_a_refractory_cell_keeps_its_potential_and_its_partner_relaxes_towards_it(dt):
    sim.setup(timestep=dt)
    driven = sim.Population(1, sim.IF_curr_exp(i_offset=3.0, tau_refrac=5.0, v_reset=-72.0))
    other = sim.Population(1, sim.IF_curr_exp(cm=0.4, tau_m=16.0, v_thresh=1e3))
    for cells in (driven, other):
        cells.record(["spikes", "v"])
    join(driven, other, 0.1)
    sim.run(40.0)
    v, partner = recorded(driven)[:, 0], recorded(other)[:, 0]
    steps = round(5.0 / dt)
    spikes = np.rint(trains(driven)[0] / dt).astype(int)
    assert len(spikes) > 2
    for spike in spikes[:-1]:
        # v_reset from the spike to the last sample of the refractory time, then free
        assert (v[spike:spike + steps + 1] == -72.0).all() and v[spike + steps + 1] != -72.0
        # C dv/dt = g_leak (v_rest - v) + g (v_reset - v), g_leak = 0.4 / 16
        rate = (0.025 + 0.1) / 0.4
        rest = (0.025 * -65.0 + 0.1 * -72.0) / 0.125
        exact = rest + (partner[spike] - rest) * np.exp(-rate * dt * np.arange(steps + 1))
        # splitting, order 2 in a step's part of the time constant of 3 ms, of 15 mV
        assert np.abs(partner[spike:spike + steps + 1] - exact).max() < 0.02 * (dt / 0.25) ** 2


def test_the_other_models_that_are_held_after_a_spike_keep_their_potential_too():
    sim.setup(timestep=0.1)
    held = {
        "conductances": sim.Population(1, sim.IF_cond_alpha(i_offset=2.0, tau_refrac=4.0)),
        "adaptive": sim.Population(1, sim.EIF_cond_exp_isfa_ista(
            i_offset=2.0, tau_refrac=4.0, v_reset=-65.0)),
        "without upstroke": sim.Population(1, sim.EIF_cond_exp_isfa_ista(
            i_offset=2.0, tau_refrac=4.0, v_reset=-65.0, delta_T=0.0)),
        "escaping": sim.Population(1, sim.GIF_cond_exp(i_offset=4.0, tau_refrac=4.0, v_reset=-65.0,
                                                       v_t_star=-50.0)),
    }
    partner = sim.Population(1, sim.IF_curr_exp(v_thresh=1e3, v_rest=-40.0))
    for cells in held.values():
        cells.record(["spikes", "v"])
        join(partner, cells, 0.2)
    sim.run(60.0)
    for name, cells in held.items():
        v, spikes = recorded(cells)[:, 0], np.rint(trains(cells)[0] / 0.1).astype(int)
        assert len(spikes) >= 2, name
        for spike in spikes[spikes < 550]:
            # the adaptive cell is held from the spike on, which is before its stamp
            free = spike + (40 if name == "adaptive" else 41)
            assert (v[spike:free] == -65.0).all() and v[free + 1] != -65.0, name


def test_a_hodgkin_huxley_cell_is_not_held_after_its_spike():
    """Its 2 ms without another spike say nothing about its potential."""
    sim.setup(timestep=0.1)
    alone = sim.Population(1, sim.HH_cond_exp(i_offset=1.0))
    joined = sim.Population(1, sim.HH_cond_exp(i_offset=1.0))
    inert = sim.Population(1, sim.IF_curr_exp(cm=1e6, **{**INERT, "tau_m": 1e12}))
    inert.initialize(v=-65.0)
    for cells in (alone, joined):
        cells.record(["spikes", "v"])
    projection = join(joined, inert, 0.0)
    sim.run(2.9)
    assert len(trains(joined)[0]) == 1
    projection.set(weight=0.05)
    sim.run(1.0)
    apart = np.abs(recorded(joined) - recorded(alone))[:, 0]
    assert (apart[:30] == 0.0).all() and (apart[30:] > 0.1).all()


# --- spikes ------------------------------------------------------------------------------------

def crossings(v, level):
    return int(((v[1:] >= level) & (v[:-1] < level)).sum())


@pytest.mark.parametrize("weight", [1.0, 3.0, 30.0, 1000.0])
def test_a_cell_that_junctions_lift_over_the_threshold_spikes_once(weight):
    """HH_reduced spikes where v comes to v_thresh, in the membrane's step or between two."""
    sim.setup(timestep=0.05)
    driven = sim.Population(5, sim.HH_reduced(i_offset=np.linspace(30.0, 70.0, 5)))
    pulled = sim.Population(5, sim.HH_reduced())
    for cells in (driven, pulled):
        cells.record(["spikes", "v"])
    join(driven, pulled, weight, sim.OneToOneConnector())
    sim.run(100.0)
    spikes = [len(train) for cells in (driven, pulled) for train in trains(cells)]
    v = np.hstack([recorded(driven), recorded(pulled)])
    # the last crossing may be one of the second half of the last step
    assert np.abs(np.subtract(spikes, [crossings(v[:, k], -20.0) for k in range(10)])).max() <= 1
    assert sum(spikes) > 50


@pytest.mark.parametrize("weight, i_offset", [(0.3, 4.8), (0.6, 9.6), (2.0, 32.0), (3.0, 60.0)])
def test_a_loaded_hodgkin_huxley_cell_spikes_at_each_of_its_peaks(weight, i_offset):
    """Its own currents may still charge it when what the junction takes ends the rise."""
    sim.setup(timestep=0.1)
    cell = sim.Population(1, sim.HH_cond_exp(i_offset=i_offset))
    load = sim.Population(1, sim.IF_curr_exp(cm=1e6, **{**INERT, "tau_m": 1e12}))
    load.initialize(v=-65.0)
    cell.record(["spikes", "v"])
    join(cell, load, weight)
    sim.run(100.0)
    v = recorded(cell)[:, 0]
    peaks = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:]) & (v[1:-1] > -33.0)) + 1
    spikes = np.rint(trains(cell)[0] / 0.1)
    assert len(spikes) == len(peaks) > 20
    # the peak is in the step before or after the highest sample
    assert (np.abs(spikes - peaks) <= 1).all()


@pytest.mark.parametrize("weight, n_halves", [(0.8, 8), (0.9, 7)])
def test_a_potential_that_is_pushed_over_the_threshold_spikes_in_the_membrane_s_step(weight,
                                                                                     n_halves):
    """At once where a first half step pushes, in the next step where a second half does."""
    sim.setup(timestep=0.1)
    pushed = sim.Population(1, sim.IF_curr_exp(tau_m=1e9, v_rest=-65.0))
    high = sim.Population(1, sim.IF_curr_exp(**INERT))
    high.initialize(v=0.0)
    pushed.record(["spikes", "v"])
    join(high, pushed, weight)
    sim.run(1.0)
    v, (spike, *_) = recorded(pushed)[:, 0], np.rint(trains(pushed)[0] / 0.1).astype(int)
    # the difference of 65 mV falls by exp(-2 weight 0.05) in each half step; at 35 mV the lower
    # cell is at -50 mV
    assert n_halves == np.ceil(np.log(65.0 / 35.0) / (2.0 * weight * 0.05))
    assert spike == (n_halves + 2) // 2
    assert (v[spike - 1] >= -50.0) == (n_halves == 8) and v[spike] == -65.0


# --- every cell type ---------------------------------------------------------------------------

NEURONS = {name: getattr(sim, name) for name in (*sim.list_standard_models(),
                                                 *sim.list_native_models())
           if getattr(sim, name).receptor_types}
NEURONS["PointNeuron(LIF)"] = lambda **given: sim.PointNeuron(
    sim.LIF(**given), a=sim.CurrExpPostSynapticResponse(), b=sim.CondBetaPostSynapticResponse())
NEURONS["PointNeuron(AdExp)"] = lambda **given: sim.PointNeuron(
    sim.AdExp(**given), syn=sim.CondExpPostSynapticResponse())
WITHOUT_CM = {"Izhikevich": 1e-3, "IF_facets_hardware1": 0.2}  # nF


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("first", [True, False])
def test_the_charge_that_a_cell_gives_is_what_its_partner_takes(name, first):
    """One step of 1 us, from which that of the same cells unjoined is subtracted."""
    capacitance = WITHOUT_CM.get(name, 0.35)

    def step(weight):
        sim.setup(timestep=0.001)
        cell = sim.Population(2, NEURONS[name](**({} if name in WITHOUT_CM else {"cm": 0.35})))
        inert = sim.Population(2, sim.IF_curr_exp(cm=2.0, **INERT))
        cell.initialize(v=-70.0)
        inert.initialize(v=-60.0)
        join(*((cell, inert) if first else (inert, cell)), weight, sim.OneToOneConnector())
        sim.run(0.001)
        return np.concatenate([cell.state["v"], inert.state["v"]])
    moved = (step(0.01) - step(0.0)).reshape(2, 2)
    assert np.array_equal(moved[:, 0], moved[:, 1])
    total = 0.01 * 10.0 * 0.001  # uS mV ms = pC
    # one step takes at most 1 % of the difference; the membranes' answer to it is as small
    assert moved[0, 0] * capacitance == pytest.approx(total, rel=0.015)
    assert moved[1, 0] * 2.0 == pytest.approx(-total, rel=0.015)


def test_the_capacitance_may_be_changed_between_two_runs():
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp(cm=[1.0, 1.0], **INERT))
    cells.initialize(v=[-60.0, -80.0])
    join(cells[:1], cells[1:], 50.0)
    sim.run(5.0)
    assert np.allclose(cells.state["v"], -70.0, atol=1e-5)
    cells[:1].set(cm=3.0)
    cells.initialize(v=[-60.0, -80.0])
    sim.run(5.0)
    assert np.allclose(cells.state["v"], -65.0, atol=1e-5)


def test_junctions_of_one_pair_add_up():
    """All-to-all among the same cells joins each pair twice; a cell to itself does nothing."""
    def run(pairs, weight):
        sim.setup(timestep=0.1)
        cells = sim.Population(2, sim.IF_curr_exp(v_thresh=1e3))
        cells.initialize(v=[-50.0, -80.0])
        cells.record("v")
        join(cells, cells, weight, pairs)
        sim.run(10.0)
        return recorded(cells)
    twice = run(sim.AllToAllConnector(allow_self_connections=False), 0.02)
    once = run(sim.FromListConnector([(1, 0)]), 0.04)
    assert np.abs(twice - once).max() < 1e-11 and np.ptp(once[-1]) < 15.0
    assert np.array_equal(run(sim.AllToAllConnector(), 0.02), twice)
    alone = run(sim.FromListConnector([(0, 0), (1, 1)]), 1000.0)
    assert np.array_equal(alone, run(sim.FromListConnector([(0, 1)]), 0.0))


# --- the same bits -----------------------------------------------------------------------------

class Joined:
    """All cell types, sources, static and plastic synapses, and junctions between all of them."""

    def __init__(self, threads=1, weight=0.01, splits=(60.0,)):
        sim.setup(timestep=0.1, threads=threads, rng_seed=3)
        rng, draw = NumpyRNG(5), np.random.RandomState(5)
        source = sim.Population(20, sim.SpikeSourcePoisson(rate=80.0))
        self.cells = [sim.Population(20 + k, NEURONS[name](), label=name)
                      for k, name in enumerate(NEURONS)]
        self.projections = []
        for cells in self.cells:
            strong = {"Izhikevich": 8.0, "HH_reduced": 5.0, "IF_curr_delta": 8.0,
                      "IF_curr_alpha": 2.0, "PointNeuron(LIF)": 2.0}.get(
                cells.label, 0.05 if cells.conductance_based else 0.6)
            sim.Projection(source, cells, sim.FixedProbabilityConnector(0.5, rng=rng),
                           sim.StaticSynapse(weight=strong, delay=RandomDistribution(
                               "uniform", (0.1, 3.0), rng=rng)))
            self.projections.append(sim.Projection(
                cells, cells, sim.FixedProbabilityConnector(0.3, rng=rng), sim.STDPMechanism(
                    sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=strong),
                    weight=0.3 * strong, delay=2.0, dendritic_delay_fraction=0.5)))
            cells.record(["spikes", "v"])
        everyone = sim.Assembly(*(cells[draw.permutation(cells.size)[:6]] for cells in self.cells))
        small = 0.1 if weight else 0.0
        join(everyone, everyone, RandomDistribution("uniform", (0.0, weight), rng=rng),
             sim.FixedTotalNumberConnector(300, rng=rng))
        join(self.cells[0], self.cells[1][::-1], small * weight)
        for length in splits:
            sim.run(length)

    def bits(self):
        return ([[train.tolist() for train in trains(cells)] for cells in self.cells],
                [recorded(cells).tobytes() for cells in self.cells],
                [projection.get("weight", format="list") for projection in self.projections],
                [state.tobytes() for cells in self.cells for state in cells.state.values()])


@pytest.fixture(scope="module")
def joined():
    return Joined().bits()


def test_the_network_spikes_everywhere(joined):
    counts = [sum(map(len, spikes)) for spikes in joined[0]]
    assert min(counts) > 0 and sum(counts) > 300


@pytest.mark.parametrize("threads, splits", [
    (2, (60.0,)), (3, (60.0,)), (1, (0.1, 20.0, 0.3, 39.6)), (3, (7.7, 52.3))])
def test_threads_and_splits_of_a_run_give_the_same_bits(joined, threads, splits):
    assert Joined(threads, splits=splits).bits() == joined


def test_a_reset_gives_the_same_bits_again(joined):
    network = Joined(splits=(13.0,))
    sim.reset()
    sim.run(60.0)
    assert network.bits() == joined


def test_junctions_without_conductance_change_no_bit(monkeypatch, joined):
    """Nor do they touch the random numbers or the order in which spikes arrive."""
    zero = Joined(weight=0.0).bits()
    monkeypatch.setattr(sim.Projection, "junctions", lambda projection: [])
    assert Joined(weight=0.0).bits() == zero != joined


# --- the projection ----------------------------------------------------------------------------

def pair(n=3, cell_type=None, **given):
    sim.setup(timestep=0.1)
    return [sim.Population(n, (cell_type or sim.IF_curr_exp)(**given), label=label)
            for label in ("left", "right")]


@pytest.mark.parametrize("given", [{}, {"receptor_type": GAP}, {"source": GAP},
                                   {"receptor_type": GAP, "source": GAP}])
@pytest.mark.parametrize("cell_type", [sim.HH_cond_exp, sim.IF_curr_exp])
def test_source_and_receptor_type_are_those_of_pynn_or_left_out(cell_type, given):
    projection = join(*pair(cell_type=cell_type), 0.1, **given)
    assert projection.receptor_type == GAP and projection.label == "left→right"


def test_pynn_s_way_of_joining_hodgkin_huxley_cells():
    """After PyNN's own test of the class: a list with a column of weights, both directions."""
    left, right = pair(4, sim.HH_cond_exp)
    connections = sim.FromListConnector([(0, 0, 0.1), (0, 1, 0.1), (2, 2, 0.1), (3, 2, 0.1)],
                                        column_names=["weight"])
    sim.Projection(left, right, connections, sim.ElectricalSynapse(weight=1.0), source=GAP,
                   receptor_type=GAP)
    current = sim.StepCurrentSource(amplitudes=[1.0], times=[20.0])
    left[0:1].inject(current)
    right[2:3].inject(current)
    left.record("v")
    right.record("v")
    sim.run(60.0)
    swing = np.ptp(np.hstack([recorded(left), recorded(right)])[200:], axis=0)
    joined = [0, 2, 3, 4, 5, 6]  # 3 through two junctions
    assert (swing[joined] > 50.0).all() and (swing[[1, 7]] < 5.0).all()


CONNECTORS = {
    "all": lambda: sim.AllToAllConnector(),
    "one": lambda: sim.OneToOneConnector(),
    "p": lambda: sim.FixedProbabilityConnector(0.5, rng=NumpyRNG(1)),
    "pre": lambda: sim.FixedNumberPreConnector(2, rng=NumpyRNG(1)),
    "post": lambda: sim.FixedNumberPostConnector(2, rng=NumpyRNG(1)),
    "total": lambda: sim.FixedTotalNumberConnector(9, rng=NumpyRNG(1)),
    "distance": lambda: sim.DistanceDependentProbabilityConnector("d < 2.5"),
    "index": lambda: sim.IndexBasedProbabilityConnector(Near()),
    "small world": lambda: sim.SmallWorldConnector(2.0, 0.3, rng=NumpyRNG(1)),
    "array": lambda: sim.ArrayConnector(np.eye(5, k=1, dtype=bool)),
    "list": lambda: sim.FromListConnector([(0, 1), (1, 2), (0, 4)]),
    "displacement": lambda: sim.DisplacementDependentProbabilityConnector(
        lambda d: (np.abs(d[0]) < 1.5) * 1.0),
}


class Near(IndexBasedExpression):
    def __call__(self, i, j):
        return (np.abs(i - j) == 1) * 1.0


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_connector_joins_the_pairs_that_it_connects(name):
    def made(synapse):
        sim.setup()
        cells = sim.Population(5, sim.IF_curr_exp())
        projection = sim.Projection(cells, cells, CONNECTORS[name](), synapse)
        sim.run(0.3)
        return [(i, j) for i, j, _ in projection.get("weight", format="list")]
    found = made(sim.ElectricalSynapse(weight=0.1))
    assert found == made(sim.StaticSynapse(weight=0.1)) and len(found) > 2


def test_a_clone_has_the_same_pairs():
    left, right = pair()
    first = sim.Projection(left, right, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0))
    clone = join(left, right, 0.2, sim.CloneConnector(first))
    assert clone.get("weight", format="list") == [(k, k, 0.2) for k in range(3)]


def test_weights_are_all_that_there_is_and_can_be_changed_between_runs(tmp_path):
    left, right = pair(3)
    projection = join(left, right, 0.1)
    assert projection.attribute_names == ("weight",)
    sim.run(1.0)
    assert projection.get("weight", format="array").tolist() == [[0.1] * 3] * 3
    projection.set(weight=0.3)
    projection[1].weight = 0.7
    assert projection[1].as_tuple("presynaptic_index", "postsynaptic_index", "weight") == (1, 0, .7)
    sim.run(1.0)
    sim.reset()
    assert projection.get("weight", format="list")[:3] == [(0, 0, 0.3), (1, 0, 0.7), (2, 0, 0.3)]
    projection.save("all", str(tmp_path / "weights.txt"))
    assert np.loadtxt(tmp_path / "weights.txt").tolist() == [
        list(row) for row in projection.get("weight", format="list")]
    again = join(left, right, 0.0, sim.FromFileConnector(str(tmp_path / "weights.txt")))
    assert again.get("weight", format="list") == projection.get("weight", format="list")


def test_new_weights_act_from_the_next_step_on_and_a_reset_restores_potentials():
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp(**INERT))
    cells.initialize(v=[-60.0, -80.0])
    cells.record("v")
    projection = join(cells[:1], cells[1:], 0.0)
    sim.run(1.0)
    projection.set(weight=5.0)
    sim.run(1.0)
    difference = -np.diff(recorded(cells), axis=1)[:, 0]
    steps = np.maximum(np.arange(21) - 10, 0)
    assert np.allclose(difference, 20.0 * np.exp(-2.0 * 5.0 * 0.1 * steps), atol=1e-6)
    sim.reset()
    sim.run(1.0)
    assert recorded(cells)[0].tolist() == [-60.0, -80.0]
    assert np.allclose(np.diff(recorded(cells)[1]), -20.0 * np.exp(-1.0), atol=1e-6)


def test_weights_can_be_recorded():
    left, right = pair(2)
    projection = join(left, right, 0.1)
    projection.record("weight", sampling_interval=0.5, connections=[1, 3])
    sim.run(1.0)
    projection.set(weight=0.2)
    sim.run(1.0)
    signal, = projection.get_data().segments[0].analogsignals
    assert signal.units == "uS" or str(signal.units.dimensionality) == "uS"
    assert signal.magnitude.tolist() == [[0.1, 0.1]] * 3 + [[0.2, 0.2]] * 2
    assert signal.array_annotations["presynaptic_index"].tolist() == [1, 1]


def test_a_variable_is_sampled_after_the_exchange_at_its_own_interval():
    cells, _ = web(10, 0.1, 0.1)
    sim.run(6.0)
    every = recorded(cells)
    cells, _ = web(10, 0.1, 0.1)
    cells.record(None)
    cells[2:5].record("v", sampling_interval=0.3)
    sim.run(6.0)
    assert np.array_equal(recorded(cells), every[::3, 2:5])


def test_views_and_assemblies_of_several_types_are_joined():
    sim.setup(timestep=0.1)
    types = (sim.IF_curr_exp, sim.IF_cond_exp)
    a, b = (sim.Population(4, kind(**INERT)) for kind in types)
    c = sim.Population(2, sim.IF_curr_exp(**INERT))
    for cells in (a, b, c):
        cells.initialize(v=0.0)
    c.initialize(v=[10.0, 20.0])
    mixed = sim.Assembly(a[2:0:-1], b)
    projection = join(c, mixed, 1e-3, sim.FromListConnector([(0, 0), (1, 3)]))
    assert projection.post is mixed and projection.shape == (2, 6)
    sim.run(0.1)
    assert [np.flatnonzero(cells.state["v"] > 1e-6).tolist() for cells in (a, b)] == [[2], [1]]
    assert projection.get("weight", format="list") == [(0, 0, 1e-3), (1, 3, 1e-3)]


def test_delays_of_other_projections_are_what_min_and_max_delay_tell():
    left, right = pair()
    join(left, right, 0.1)
    assert sim.get_min_delay() == sim.get_max_delay() == 0.1
    sim.Projection(left, right, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=2.0))
    assert sim.get_min_delay() == sim.get_max_delay() == 2.0


# --- what is refused ---------------------------------------------------------------------------

def refused(make, error, *words):
    """`make` raises `error` with all of `words`, and leaves the network as it was."""
    network = sim.simulator.state.network
    before = len(network.projections)
    with pytest.raises(error) as caught:
        make()
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert len(network.projections) == before
    sim.run(0.2)


@pytest.mark.parametrize("receptor_type", ["excitatory", "inhibitory", "soma.gap"])
def test_a_receptor_of_spikes_is_refused(receptor_type):
    cells = pair()
    refused(lambda: join(*cells, 0.1, receptor_type=receptor_type), errors.ConnectionError,
            receptor_type, "ElectricalSynapse", GAP)
    refused(lambda: join(*cells, 0.1, source="axon"), errors.ConnectionError, "source", "axon", GAP)


@pytest.mark.parametrize("cell_type", [sim.HH_cond_exp, sim.IF_curr_exp])
@pytest.mark.parametrize("synapse", [None, "StaticSynapse", "TsodyksMarkramSynapse"])
def test_a_chemical_synapse_onto_the_place_of_a_junction_is_refused(cell_type, synapse):
    cells = pair(cell_type=cell_type)
    made = None if synapse is None else getattr(sim, synapse)(weight=0.1)
    refused(lambda: sim.Projection(*cells, sim.AllToAllConnector(), made, receptor_type=GAP),
            errors.ConnectionError, GAP, "ElectricalSynapse", synapse or "StaticSynapse")


@pytest.mark.parametrize("side", ["presynaptic", "postsynaptic"])
def test_spike_sources_on_either_side_are_refused(side):
    left, _ = pair()
    sources = sim.Population(2, sim.SpikeSourcePoisson(), label="noise")
    for cells in (sources, sources[:1], sim.Assembly(left, sources)):
        ends = (cells, left) if side == "presynaptic" else (left, cells)
        refused(lambda ends=ends: join(*ends, 0.1), errors.ConnectionError, side, "noise",
                "SpikeSourcePoisson", "no membrane")


@pytest.mark.parametrize("weight, word", [(-0.1, "-0.1"), (np.nan, "nan"), (np.inf, "inf")])
def test_weights_that_are_no_conductances_are_refused(weight, word):
    cells = pair()
    wrong = (errors.ConnectionError, errors.InvalidWeightError, errors.InvalidParameterValueError)
    refused(lambda: join(*cells, weight), wrong, word)
    varied = np.full((3, 3), 0.1)
    varied[1, 2] = weight
    refused(lambda: join(*cells, varied), wrong, word)
    projection = join(*cells, 0.1)
    with pytest.raises(wrong, match=word):
        projection.set(weight=varied)
    with pytest.raises(wrong, match=word):
        projection[0].weight = weight
    assert (projection.get("weight", format="array") == 0.1).all()


def test_a_delay_is_refused_by_name_wherever_it_is_given():
    cells = pair()
    with pytest.raises(errors.NonExistentParameterError, match="delay"):
        sim.ElectricalSynapse(weight=0.1, delay=1.0)
    refused(lambda: join(*cells, 0.1, sim.FromListConnector([(0, 1, 0.1, 1.0)])), ValueError,
            "delay", "ElectricalSynapse", "weight")
    projection = join(*cells, 0.1)
    for ask in (lambda: projection.set(delay=1.0), lambda: projection.get("delay", "list"),
                lambda: projection.save("delay", "nowhere")):
        with pytest.raises(errors.NonExistentParameterError, match="delay"):
            ask()
    with pytest.raises(AttributeError, match="delay"):
        projection[0].delay = 1.0


def test_other_arguments_are_refused_as_for_all_projections():
    cells = pair()
    gap = sim.ElectricalSynapse(weight=0.1)
    refused(lambda: sim.Projection(cells[0], "cells", sim.AllToAllConnector(), gap),
            errors.ConnectionError, "synaptic_neurons")
    refused(lambda: sim.Projection(*cells, "all", gap), TypeError, "connector")
    refused(lambda: join(*cells, np.ones((2, 3))), errors.InvalidDimensionsError, "weight",
            "(3, 3)")
    refused(lambda: join(*cells, None), (errors.InvalidParameterValueError, TypeError, ValueError),
            "weight")
    old = cells[0]
    sim.setup()
    new = sim.Population(3, sim.IF_curr_exp())
    refused(lambda: join(old, new, 0.1), errors.ConnectionError, "presynaptic", "setup()")
    with pytest.raises(errors.RecordingError, match="'delay'.*weight"):
        join(new, new, 0.1).record("delay")


def test_a_projection_without_connections_does_nothing():
    cells = pair()
    projection = join(*cells, 0.1, sim.FromListConnector([]))
    sim.run(1.0)
    assert len(projection) == 0 and projection.get("weight", format="list") == []
