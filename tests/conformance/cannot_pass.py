"""
What of PyNN's scenarios and examples cannot pass on laconeu, for a reason that lies in them.

These lists may only shrink: a test fails where an entry passes after all, where it names what is
not there, and where there are more of them than there were.
"""

# name of the scenario -> reason
SCENARIOS = {
    "test_scenario5.py::test_scenario5": "a multicompartment cell, for NEURON and Arbor",
}
MOST_SCENARIOS = 1

# name of the example -> (part of the error's traceback, reason)
EXAMPLES = {
    "nineml_brunel": (
        "import pyNN.neuron as sim", "written for pyNN.neuron; 9ML becomes code of NEURON's"),
    "nineml_neuron": (
        "from nineml.abstraction import", "9ML becomes code of NEST's or NEURON's; the package "
        "nineml has not run since Python 3.10"),
    "nrn_artificial_cell": (
        "import pyNN.neuron as sim", "written for pyNN.neuron: its artificial cell IntFire1"),
    "simpleRandomNetwork_csa": (
        "unexpected keyword argument 'mask_local'", "calls NumpyRNG.next() with an argument that "
        "PyNN has given up"),
}
MOST_EXAMPLES = 4
