"""Writes cython_kernels/models/REFERENCE.md: every model, from the data that also runs it.

    python tests/reference_page.py

Nothing on the page is written by hand: equations, methods and sources stand in
cython_kernels/models/, defaults, units and recordables in the classes of
pyNN_laconeu/standardmodels/, meanings in cython_kernels/models/meanings.py, what the peers have in
tests/peer_models.json (see tests/peer_models.py). A model that is new there is new on the page.
"""

import inspect
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyNN.laconeu as sim
from peer_models import KINDS, PEERS, POINT_NEURONS, is_there, standard_models, stored
from pyNN.models import BaseCellType, BaseModelType
from pyNN.parameters import ArrayParameter
from pyNN.standardmodels import (
    StandardCurrentSource,
    base,
    cells,
)
from pyNN_laconeu.kernels.models import COMPOSED, FUSED, MEMBRANES, RECEPTORS
from pyNN_laconeu.kernels.models import KINDS as ACTIONS
from pyNN_laconeu.kernels.models.meanings import meaning

CELLS_TEXT = """\
In the equations i_syn is the sum of the currents that the receptors make, i_injected the sum of the
current sources' at the cell."""
PAGE = Path(__file__).resolve().parent.parent / "cython_kernels" / "models" / "REFERENCE.md"
COMMAND = "python tests/reference_page.py"
WIDTH = 100
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def page():
    """The whole page, Markdown."""
    cell_types = [m for m in public(BaseCellType) if not issubclass(m, cells.PointNeuron)]
    chapters = [
        ("Cell types", CELLS_TEXT, [cell(m) for m in cell_types if m.injectable]),
        ("Point neurons of parts", "", [plain(m) for m in public(cells.PointNeuron)]
         + [cell(m) for m in public(base.StandardCellTypeComponent)]
         + [response(m) for m in public(base.StandardPostSynapticResponse)]),
        ("Receptors", RECEPTORS_TEXT, [receptors()]),
        ("Spike sources", "", [plain(m) for m in cell_types if not m.injectable]),
        ("Current sources", "", [plain(m) for m in public(StandardCurrentSource)]),
        ("Synapse types", "", [plain(m) for m in public(base.StandardSynapseType)]),
        ("Parts of STDPMechanism", "", [plain(m) for m in public(base.STDPTimingDependence)]
         + [plain(m) for m in public(base.STDPWeightDependence)]),
        ("Who has what", *back_ends()),
    ]
    chapters = [(title, text, parts) for title, text, parts in chapters if parts]
    contents = "\n".join(contents_of(title, parts) for title, _, parts in chapters)
    head = ("# The models\n\n" + paragraph(
        f"Written by `{COMMAND}` from the models' data; a test fails where it is out of date. "
        "Change the data, not this page. Weights are in uS for conductances, nA for currents, mV "
        "where they are steps of the potential.") + "\n\n" + contents)
    return "\n\n".join([head] + [
        "\n\n".join([f"## {title}", *([text] if text else []), *parts])
        for title, text, parts in chapters]) + "\n"


def contents_of(title, parts):
    """A chapter's line in the table of contents, with links to its sections."""
    names = [part.split("\n", 1)[0][4:] for part in parts if part.startswith("### ")]
    links = ", ".join(f"[{name}](#{name.lower()})" for name in names)
    return f"- [{title}](#{title.lower().replace(' ', '-')})" + (f": {links}" if links else "")


def public(kind):
    """The models of this back end of one kind, in alphabetical order, without base classes."""
    found = {obj.__name__: obj for obj in vars(sim).values()
             if inspect.isclass(obj) and issubclass(obj, kind)
             and obj.__module__.startswith("pyNN_laconeu") and is_there(sim, obj.__name__)
             and (obj.default_parameters or not issubclass(obj, BaseCellType)
                  or issubclass(obj, cells.PointNeuron))}
    return sorted(found.values(), key=lambda obj: obj.__name__.lower())


# --- one model ---------------------------------------------------------------------------------

def cell(cell_type):
    """The section of a cell type, or of a part of one, that has a membrane."""
    model = neuron_model(cell_type)
    description, references, _ = docstring(cell_type)
    membranes = membranes_of(cell_type, model)
    first = next(iter(membranes.values()))
    parts = [f"### {cell_type.__name__}", paragraph(description), equations(first.equations)]
    if model:
        parts.append(receptor_ports(model))
        fixed = fixed_parameters(cell_type, model)
        parts.append(paragraph(f"Fixed: {fixed}.") if fixed else "")
    parts += [parameters(cell_type), recordables(cell_type)]
    parts.append("\n".join([
        *(f"- Method{condition}: {linked(membrane.method)}."
          for condition, membrane in membranes.items()),
        source_line(first.source, references)]))
    return "\n\n".join(part for part in parts if part)


def source_line(source, references):
    """The registry's source, and the docstring's references to other years' papers."""
    sources = [source] if source else []
    sources += [reference for reference in references
                if not source or not all(year in source for year in YEAR.findall(reference))]
    return f"- Source: {linked('; '.join(sources))}." if sources else ""


def membranes_of(cell_type, model):
    """{"" or " with <responses>": Membrane}: a part of a PointNeuron may have several."""
    if model:
        return {"": MEMBRANES[model.membrane]}
    responses = {}
    for each in public(base.StandardPostSynapticResponse):
        responses.setdefault(cell_type.membrane([each()]), []).append(each.__name__)
    return {f", with {' or '.join(names)}" if len(responses) > 1 else "": MEMBRANES[membrane]
            for membrane, names in responses.items()}


def response(model):
    """The section of a postsynaptic response."""
    receptor, variable = RECEPTORS[model.receptor], model.recordable[0]
    action = ACTIONS["conductance"].replace("e_rev", "e_syn") if model.conductance_based \
        else ACTIONS["current"]
    equation = re.sub(r"\bx\(t\)", f"{variable}(t)", receptor.equation)
    lines = [*equation.split(", "), re.sub(r"\br\b", variable, action)]
    return "\n\n".join([
        f"### {model.__name__}", paragraph(docstring(model)[0]),
        "```text\n" + "\n".join(lines) + "\n```", parameters(model), recordables(model),
        source_line(receptor.source, [])])


def plain(model):
    """The section of a model that is described by its docstring."""
    description, references, rest = docstring(model)
    parts = [f"### {model.__name__}", paragraph(description), *rest]
    parts.append(parameters(model))
    states = getattr(model, "default_initial_values", {})
    if isinstance(states, dict) and states:  # a PointNeuron's come with its parts
        parts.append(table(("state", "at the start", "meaning"), [
            (f"`{name}`", "" if value is None else value_text(value),
             meaning(model.__name__, name)[0]) for name, value in states.items()]))
    data = getattr(model, "dynamics", None) or getattr(model, "rule", None)
    source = getattr(data, "source", "")  # of an STDPMechanism, its parts decide
    parts.append(source_line(source if isinstance(source, str) else "", references))
    return "\n\n".join(part for part in parts if part)


def neuron_model(cell_type):
    """The NeuronModel of a cell type with default parameters, or None."""
    model = getattr(cell_type, "model", None)
    if not hasattr(model, "of"):
        return None
    return model.of({name: [value] if isinstance(value, ArrayParameter) else np.array([value])
                     for name, value in cell_type.default_parameters.items()})


def fixed_parameters(cell_type, model):
    """The membrane's parameters that the cell type does not offer, at the others' defaults."""
    defaults = dict(cell_type.default_parameters)
    said = []
    for name, source in model.parameters.items():
        if name in defaults or name not in meanings_of_membranes():
            continue
        value = source(defaults) if callable(source) else defaults.get(source, source)
        unit = MEMBRANES[model.membrane].parameters[name]
        said.append(f"{name} = {value:g} {unit}" + (
            " (from the parameters, here their defaults)" if callable(source) else ""))
    return ", ".join(said)


def meanings_of_membranes():
    """Names of the membranes' parameters that a user knows."""
    return {name for membrane in MEMBRANES.values() for name in membrane.parameters
            if meaning("", name)[0]}


def receptor_ports(model):
    """What reaches the cell, and what it does there."""
    rows = []
    for name, port in [*model.ports.items(), *(("own spikes", port) for port in model.own_ports)]:
        named = {key: source for key, source in port.parameters.items()
                 if not callable(source)}
        if len(named) < len(port.parameters):
            continue  # one of a list of components, which the equations describe
        response = RECEPTORS[port.receptor].equation
        action = ACTIONS[port.kind].split(",")[0].replace("the same", ACTIONS["conductance"])
        if port.kind == "delta":
            response, action = "", "v jumps by the weight"
        for key, source in named.items():
            text = f"{source:g} mV" if isinstance(source, float) else str(source)
            response, action = (re.sub(rf"\b{key}\b", text, part) for part in (response, action))
        if port.variable:
            response = re.sub(r"\bx\(t\)", f"{port.variable}(t)", response)
            action = re.sub(r"\br\b", port.variable, action)
        if isinstance(port.on_spike, str):
            response = re.sub(r"\bw\b", port.on_spike, response)
        rows.append((f"`{name}`" if name != "own spikes" else name, code(response), code(action)))
    return table(("receptor", "response to a weight w", "what it does"), rows)


def parameters(model):
    """The table of a model's parameters."""
    units = getattr(model, "units", {})
    rows = []
    for name, default in getattr(model, "default_parameters", {}).items():
        if name == "locations":
            continue  # of no meaning to point neurons, and refused
        text, unit = meaning(model.__name__, name)
        rows.append((f"`{name}`", value_text(default), unit_text(units.get(name, unit)), text))
    return table(("parameter", "default", "unit", "meaning"), rows)


def recordables(cell_type):
    """The table of what can be recorded."""
    rows = [(f"`{name}`", value_text(cell_type.default_initial_values[name])
             if name in cell_type.default_initial_values else "",
             unit_text(cell_type.units.get(name, "")), meaning(cell_type.__name__, name)[0])
            for name in cell_type.recordable if name != "spikes"]
    spikes = [("`spikes`", "", "ms", "their times")] if "spikes" in cell_type.recordable else []
    return table(("recordable", "at the start", "unit", "meaning"), spikes + rows)


# --- receptors and back ends -------------------------------------------------------------------

RECEPTORS_TEXT = "\n\n".join([
    "How a receptor responds to the arrival of a weight w at t = 0, and how that acts on the cell.",
    "\n".join(f"- {kind}: {text}" for kind, text in ACTIONS.items()),
])


def receptors():
    """The table of the registry's receptors."""
    meetings = {}
    for membrane, pairs in (*FUSED, *COMPOSED.items()):
        for name, kind in pairs:
            meetings.setdefault(name, {}).setdefault(membrane, set()).add(kind)
    return table(("receptor", "response", "parameters", "acts on", "source"), [
        (f"`{name}`", code(receptor.equation),
         ", ".join(f"`{key}` ({unit})" for key, unit in receptor.parameters.items()),
         "; ".join(f"{membrane} ({', '.join(sorted(kinds))})"
                   for membrane, kinds in sorted(meetings.get(name, {}).items())),
         linked(receptor.source)) for name, receptor in RECEPTORS.items()])


def back_ends():
    """(text, [table]) of which back end has which of PyNN's standard models."""
    asked = stored()
    versions = asked["versions"]
    notes, rows, standard = [], [], set()
    for kind in KINDS:
        standard |= set(standard_models(kind))
        for name in standard_models(kind):
            answers = ["yes" if is_there(sim, name) else "no"]
            for peer in PEERS:
                answer = asked["models"][peer][name]
                if answer not in ("yes", "no"):
                    if answer not in notes:
                        notes.append(answer)
                    known = "in part" if answer.startswith("only ") else "fails"
                    answer = f"{known} ({notes.index(answer) + 1})"
                answers.append(answer)
            rows.append((f"`{name}`", *answers))
    rows += [(f"`{model.__name__}`", "yes", *("no" for _ in PEERS))
             for model in public(BaseModelType) if model.__name__ not in standard]
    text = paragraph(
        f"Of PyNN {versions['pyNN']}'s standard models; each was made with default parameters and "
        "run for 2 ms on NEST {nest}, NEURON {neuron} and Brian {brian2}".format(**versions)
        + f", on {asked['date']}, as installed by pip, without compiling extensions for NEST. "
        f"{' and '.join(POINT_NEURONS)} are parts of PointNeuron. A yes says that it ran, not that "
        "it does what its name says: Brian's STDP is additive whatever the weight dependence.")
    legend = "\n".join(f"{k}. {note}" for k, note in enumerate(notes, 1))
    return text, [table(("model", "laconeu", *PEERS), rows), legend]


# --- text --------------------------------------------------------------------------------------

def docstring(model):
    """(first sentence, references, other paragraphs) of a model's docstring, as Markdown."""
    text = model.__doc__ or ""
    # What this back end adds to PyNN's text may be indented otherwise (Python 3.13 takes away the
    # indentation of docstrings, not that of what is added to them).
    inherited = [each.__doc__ for each in model.__mro__[1:]
                 if each.__doc__ and text != each.__doc__ and text.startswith(each.__doc__)]
    if inherited:
        added = text[len(inherited[0]):]
        text = inspect.cleandoc(inherited[0]) + "\n\n" + inspect.cleandoc(added)
    text = inspect.cleandoc(text)
    links = dict(re.findall(r"^\.\. _`(.+?)`: (\S+)$", text, re.MULTILINE))
    text = re.sub(r"^\.\. _`.*$", "", text, flags=re.MULTILINE)
    for name, address in links.items():
        text = text.replace(f"`{name}`_", f"[{name}]({address})")
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    if not blocks or blocks == ["docstring needed"]:
        return "", [], []
    first, *rest = [joined(blocks[0]), *blocks[1:]]
    sentence, _, more = first.partition(". ")
    sentence = re.sub(r",? (?:according to|from|implemented using the model of.*):?$", "",
                      sentence.rstrip(".:"))
    if more:
        rest.insert(0, more)
    references, others = [], []
    for block in rest:
        if block.startswith("    "):
            others.append("```python\n" + textwrap.dedent(block).strip() + "\n```")
            continue
        # Arguments are in the table; what is refused, in the docstring.
        if re.match(r"(?:\w+ )*[Aa]rguments:", block):
            continue
        flat = re.sub(r" ?\bRaises .*$", "", joined(block))
        if not flat:
            continue
        if flat.startswith("in ") and not others:  # goes on where a reference interrupted it
            sentence += ", " + flat.rstrip(".")
            continue
        if re.match(r"(?:See|References?): |.*(?:\(\d{4}\)|\b\d{4}\.)", flat) \
                and "doi:" not in flat and len(flat) < 600:
            references.append(re.sub(r"^(?:See|References?): ?", "", flat).rstrip("."))
        else:
            others.append(linked(paragraph(flat)))
    return sentence + ".", references, others


def joined(block):
    """A paragraph on one line; words that a line's end divides at their hyphen are whole again."""
    return " ".join(re.sub(r"(?<=\w-)\n\s*(?=[a-z])", "", block).split())


def equations(text):
    """A membrane's equations as a block of code, what it does besides as a sentence."""
    first, *sentences = re.split(r"\. (?=[A-Z])", text)
    lines = re.split(r"; |(?:, |: )(?=[\w/ ]+ = )", first.rstrip("."))
    lines = [part for line in lines for part in textwrap.wrap(
        line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)]
    rest = ". ".join(sentences)
    return "```text\n" + "\n".join(lines) + "\n```" + (
        "\n\n" + paragraph(rest.rstrip(".") + ".") if rest else "")


def paragraph(text):
    """Text broken into lines."""
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def linked(text):
    """With every DOI a link."""
    return re.sub(r"doi:(10\.\d+/[^\s,;()]*\w)", r"[doi:\1](https://doi.org/\1)", text)


def code(text):
    """As code, if there is any."""
    return f"`{text}`" if text else ""


def unit_text(unit):
    """A unit as this project writes it."""
    return {"dimensionless": "", "/ms": "1/ms"}.get(unit, unit)


def value_text(value):
    """A default as one would write it in a script."""
    if value is None:
        return ""
    if hasattr(value, "value"):
        return "[" + ", ".join(f"{x:g}" for x in np.asarray(value.value).ravel()) + "]"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def table(head, rows):
    """A table without the columns that are empty in every row; nothing if there are no rows."""
    rows = [tuple(str(entry).replace("|", "\\|") for entry in row) for row in rows]
    used = [k for k in range(len(head)) if any(row[k] for row in rows)]
    if not used:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line[k] for k in used) + " |" for line in lines)


if __name__ == "__main__":
    text = page()
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE}: {len(text.splitlines())} lines", file=sys.stderr)
