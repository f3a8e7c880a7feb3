"""
The reference page of the models: up to date, and with nothing left out of it.

Everything here runs over the registry and over what the package offers, not over a list of names.
"""

import re

import pytest
import reference_page
from peer_models import KINDS, PEERS, standard_models, stored
from pyNN.models import BaseCellType, BaseModelType
from pyNN.standardmodels import cells
from pyNN_laconeu.kernels.models import MEMBRANES, RECEPTORS
from pyNN_laconeu.kernels.models.meanings import meaning

MODELS = [model for model in reference_page.public(BaseModelType)
          if not issubclass(model, cells.PointNeuron)]
CELL_TYPES = [model for model in MODELS if issubclass(model, BaseCellType) and model.injectable]


def names(models):
    return [getattr(model, "__name__", str(model)) for model in models]


def test_the_page_is_what_the_models_say_today():
    """Remade from the data as they are, the page is the one that is stored."""
    page, kept = reference_page.page(), reference_page.PAGE.read_text(encoding="utf-8")
    apart = [line for line in set(page.splitlines()) ^ set(kept.splitlines())]
    assert page == kept, (
        f"{reference_page.PAGE.name} is out of date, remake it: {reference_page.COMMAND}\n"
        + "\n".join(sorted(apart)[:20]))


@pytest.mark.parametrize("name", [*MEMBRANES, *RECEPTORS])
def test_every_model_in_the_registry_has_an_equation_and_a_source(name):
    model = MEMBRANES.get(name) or RECEPTORS[name]
    assert getattr(model, "equations", "") or getattr(model, "equation", "")
    assert len(model.source) > 10


@pytest.mark.parametrize("name", MEMBRANES)
def test_a_method_says_the_substeps_that_are_taken(name):
    membrane = MEMBRANES[name]
    said = re.findall(r"substeps of ([\d.]+) ms", membrane.method)
    assert all(float(length) == membrane.substep for length in said)
    assert said or membrane.substep is None or "as IF_cond_exp" in membrane.method


@pytest.mark.parametrize("model", MODELS, ids=names(MODELS))
def test_every_model_has_a_section_that_says_what_its_parameters_mean(model):
    assert f"\n### {model.__name__}\n" in reference_page.PAGE.read_text(encoding="utf-8")
    missing = [name for name in [*getattr(model, "default_parameters", {}),
                                 *getattr(model, "recordable", [])]
               if name not in ("spikes", "locations") and not meaning(model.__name__, name)[0]]
    assert not missing, f"say what they mean in cython_kernels/models/meanings.py: {missing}"


@pytest.mark.parametrize("cell_type", CELL_TYPES, ids=names(CELL_TYPES))
def test_every_cell_type_has_its_equations_and_receptors_on_the_page(cell_type):
    section = reference_page.cell(cell_type)
    model = reference_page.neuron_model(cell_type)
    assert "```text\n" in section and "- Method: " in section and "- Source: " in section
    for receptor in model.ports:
        assert f"| `{receptor}` |" in section
    for name, default in cell_type.default_parameters.items():
        assert f"| `{name}` | {reference_page.value_text(default)} |" in section


def test_the_units_of_pynn_and_of_the_meanings_agree():
    """Where both have one; PyNN writes /ms for 1/ms, and has units of half of its models only."""
    for model in MODELS:
        for name, unit in getattr(model, "units", {}).items():
            text, own = meaning(model.__name__, name)
            if text and (model.__name__, name) != ("IF_facets_hardware1", "g_leak"):  # nS there
                assert own == reference_page.unit_text(unit), (model.__name__, name)


def test_the_table_of_back_ends_holds_every_standard_model_of_pynn():
    for peer in PEERS:
        assert list(stored()["models"][peer]) == [
            name for kind in KINDS for name in standard_models(kind)]
