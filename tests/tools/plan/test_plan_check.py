# SPDX-License-Identifier: Apache-2.0
"""From an application file to a proof, on the command line, and the proof against the emulation."""

import json
import shutil

import pytest

from hocket_host.machines.cpython.emulation import run
from hocket_host.machines.setup import Setup
from hocket_tools import cli
from hocket_tools import container as hkt
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from paths import MODELS

APPLICATION = """
[npu]
clock = "20 MHz"
[schedule]
policy = "{policy}"
[tasks.words]
model = "micro_speech.tflite"
period = "{period}"
deadline = "{deadline}"
cpu = "{cpu}"
[tasks.large]
model = "mlp_kws_int8.tflite"
period = "60 ms"
{more}
"""
FEASIBLE = {"policy": "fp", "period": "20 ms", "deadline": "8 ms", "cpu": "100 us", "more": ""}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("micro_speech", "mlp_kws_int8"):
        shutil.copy(MODELS / f"{name}.tflite", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def hocket(folder, monkeypatch, capsys):
    def run_with(*arguments, **changes):
        (folder / "app.toml").write_text(APPLICATION.format(**{**FEASIBLE, **changes}))
        monkeypatch.setattr("sys.argv", ["hocket", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        return stopped.value.code or 0, told.out, told.err

    return run_with


def test_a_proof_is_printed_and_ends_well(hocket):
    code, out, _ = hocket("check", "app.toml")
    assert code == 0
    assert "every deadline is proved" in out
    assert out.count("holds") == 2


def test_the_proof_as_json_adds_up(hocket):
    code, out, _ = hocket("check", "app.toml", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["schedulable"]
    for task in told["tasks"]:
        parts = ("execution_ns", "blocking_ns", "cpu_blocking_ns", "interference_ns")
        assert task["bound_ns"] == sum(task[part] for part in parts)
        assert task["slack_ns"] == task["deadline_ns"] - task["bound_ns"]


def test_jitter_of_releases_lengthens_the_bound(hocket):
    def bound(more):
        told = json.loads(hocket("check", "app.toml", "--json", more=more)[1])
        return told["tasks"][1]["bound_ns"]

    assert bound('jitter = "2 ms"') >= bound("") + 2_000_000


def test_a_container_is_checked_with_the_cuts_it_has(hocket):
    assert hocket("pack", "app.toml")[0] == 0
    code, out, _ = hocket("check", "app.hkt", "--json")
    assert code == 0
    assert json.loads(out)["schedulable"]


def test_an_impossible_deadline_is_told_with_what_would_help(hocket):
    code, out, _ = hocket("check", "app.toml", deadline="3 ms")
    assert code == 1
    assert "words may take" in out
    assert "clock =" in out


def test_more_work_than_time_is_told(hocket):
    code, out, _ = hocket("check", "app.toml", period="2 ms", deadline="2 ms")
    assert code == 1
    assert "the NPU is asked for" in out


def test_more_work_for_the_processor_than_it_has_time_is_told(hocket):
    code, out, _ = hocket("check", "app.toml", more=ON_BOTH_UNITS.replace("2 GHz", "400 MHz"))
    assert code != 0
    assert "the CPU is asked for" in out
    assert "large may take" in out


def test_pack_refuses_what_may_miss_a_deadline(hocket, folder):
    code, _, error = hocket("pack", "app.toml", deadline="1 ms")
    assert code == 1
    assert "words may take" in error
    assert not (folder / "app.hkt").exists()


def test_pack_writes_it_when_forced(hocket, folder):
    assert hocket("pack", "app.toml", "--force", deadline="1 ms")[0] == 0
    assert (folder / "app.hkt").exists()


def test_run_to_completion_is_advised_to_change_its_policy(hocket):
    code, out, _ = hocket("check", "app.toml", policy="fifo")
    assert code == 1
    assert 'policy = "fp"' in out


def test_priorities_against_the_deadlines_are_told(hocket):
    swapped = {"cpu": '100 us"\npriority = 1 #', "more": "priority = 0"}
    code, out, _ = hocket("check", "app.toml", **swapped)
    assert code == 1
    assert "priorities by deadline" in out


def test_a_file_that_is_no_application_is_bad_input(hocket, folder):
    (folder / "bad.toml").write_text("[tasks.a]\n")
    assert hocket("check", "bad.toml")[0] == 2


def test_a_zero_period_is_bad_input(hocket):
    assert hocket("check", "app.toml", period="0 ms")[0] == 2


def packed(**changes):
    return pack(loads(APPLICATION.format(**{**FEASIBLE, **changes}), MODELS / "app.toml"))


def test_the_plan_cuts_only_what_the_deadline_needs():
    words, large = packed().image.models
    assert len(words.steps) == 1
    assert 1 < len(large.steps) < 20


def test_the_plan_is_stored_in_the_container():
    found = packed()
    bounds = [task.bound_ns for task in found.proof.tasks]
    stored = hkt.read(found.data).plan
    assert [entry.response_bound_ns for entry in stored] == bounds
    assert stored[0].blocking_cycles == stored[1].longest_segment_cycles


ON_BOTH_UNITS = """
on-cpu = [4]
[board]
cpu-clock = "2 GHz"
"""


@pytest.mark.parametrize("more", ["", ON_BOTH_UNITS], ids=["NPU", "both"])
@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_the_emulation_at_its_worst_keeps_within_the_proof(policy, more):
    app = packed(policy=policy, more=f'offset = "3700 us"{more}')
    target = app.target
    setup = Setup(
        app.data, target.board, target.npu, target.system, cpu_hz=target.cpu_hz, worst=True
    )
    emulated = run(setup, 240_000_000)
    for found, task in zip(app.proof.tasks, emulated.tasks, strict=True):
        assert found.holds
        assert task.misses == 0
        assert len(task.responses_ns) >= 3
        assert max(task.responses_ns) <= found.bound_ns
        longest = max(s.end_ns - s.start_ns for s in emulated.segments)
        assert longest == max(max(t.task.segments_ns) for t in app.proof.tasks)
