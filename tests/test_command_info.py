"""`laconeu info`: what it tells, and that its self-test can fail."""

import platform
import subprocess
import sys

import numpy
import pytest

import pyNN_laconeu
from pyNN_laconeu import command, dispatch
from pyNN_laconeu.command import info, selftest


def test_info_tells_what_is_there_and_passes_its_tests():
    done = subprocess.run([sys.executable, "-m", "pyNN_laconeu", "info"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    facts, _, tests = done.stdout.partition("self-test\n")
    for words in (pyNN_laconeu.__version__, platform.python_version(), sys.executable, "PyNN 0.13",
                  f"numpy {numpy.__version__}", "instruction set", "threads", "pyNN.nest",
                  "pyNN.neuron", "pyNN.brian2", *dispatch.built()):
        assert words in facts
    expected = [f"  PASS  {variant}: {network}, 1, 2, 3 threads: {n_spikes} spikes, {digest}"
                for variant in dispatch.usable()
                for network, (n_spikes, digest) in selftest.EXPECTED.items()]
    assert tests.splitlines() == expected and len(expected) >= 2


def test_the_self_test_covers_every_standard_cell_type():
    network_types = set(selftest.WEIGHTS)
    neurons = {name for name in pyNN_laconeu.list_standard_models()
               if getattr(pyNN_laconeu, name).receptor_types}
    assert network_types >= neurons - {"LIF", "AdExp"}


def one_variant(monkeypatch):
    monkeypatch.setattr(dispatch, "usable", lambda: dispatch.built()[-1:])
    return dispatch.built()[-1]


def test_a_wrong_result_fails_by_name_and_in_the_exit_status(monkeypatch, capsys):
    variant = one_variant(monkeypatch)
    right = selftest.EXPECTED["cells"]
    monkeypatch.setitem(selftest.EXPECTED, "cells", [right[0] + 1, right[1]])
    assert command.main(["info"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith(f"  FAIL  {variant}: cells, 1, 2, 3 threads: not {right[0] + 1} "
                                f"spikes, {right[1]}: 1 threads gave {right[0]} spikes")
    assert lines[-1].startswith(f"  PASS  {variant}: synapses")


def test_an_instruction_set_that_cannot_run_fails_with_its_error():
    (passed, text), = selftest.judged(selftest.begin("v9"))
    assert not passed
    assert text.startswith("ended with status 1: ImportError: LACONEU_ISA='v9' cannot be used")


def test_the_test_can_be_left_out(capsys):
    assert command.main(["info", "--no-test"]) == 0
    assert "self-test" not in capsys.readouterr().out


@pytest.mark.parametrize("compiled", [False, True])
def test_a_peer_is_found_without_importing_it(tmp_path, monkeypatch, compiled):
    for name in ("neuron", "pyNN/neuron/nmodl/x86_64"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("neuron", "pyNN"):
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "neuron-9.0.2.dist-info").mkdir()
    (tmp_path / "neuron-9.0.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: neuron\nVersion: 9.0.2\n")
    if compiled:
        (tmp_path / "pyNN/neuron/nmodl/x86_64/libnrnmech.so").touch()
    monkeypatch.delitem(sys.modules, "pyNN")
    monkeypatch.syspath_prepend(tmp_path)
    text = info.peer("pyNN.neuron", "neuron", "neuron")
    missing = info.peer("pyNN.genesis", "genesis", "genesis")
    monkeypatch.undo()
    assert text == "neuron 9.0.2" + ("" if compiled else ", PyNN's mechanisms not compiled")
    assert missing == "not installed"


def test_a_subcommand_is_required_and_a_wrong_one_refused(capsys):
    for arguments in ([], ["fly"]):
        with pytest.raises(SystemExit) as caught:
            command.main(arguments)
        assert caught.value.code == 2
    assert "SUBCOMMAND" in capsys.readouterr().err
