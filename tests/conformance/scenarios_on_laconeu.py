"""
A pytest plugin for PyNN's system scenarios: every one runs on laconeu, and on nothing else.

The scenarios name the simulators that they are for in a decorator, `run_with_simulators`. Here it
is replaced, before the first of them is imported, by one that names laconeu whatever it is given.
"""

import system.scenarios.fixtures as fixtures

run_with_simulators = fixtures.run_with_simulators


def run_with_laconeu(*sim_names):
    """What a scenario for these simulators becomes."""
    return run_with_simulators("laconeu")


fixtures.run_with_simulators = run_with_laconeu
