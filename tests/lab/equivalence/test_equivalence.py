# SPDX-License-Identifier: Apache-2.0
"""The demonstration on CPython, MicroPython and the ARM image's emulators comes to the same."""

import json
from dataclasses import replace

import pytest

from hocket_host.machines.results import Run, SegmentRun
from hocket_lab.equivalence.compare import moved, report, wrong
from hocket_lab.equivalence.platforms import PLATFORMS, run
from hocket_lab.equivalence.result import PlatformResult, Response, read_report
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.zoo.application import APPLICATION
from paths import ELF, MODELS
from rigs.needs import BACK_ENDS


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


@pytest.fixture(scope="module")
def on_cpython(packed):
    return run("cpython", packed, ELF)


@pytest.mark.parametrize(
    "platform",
    [pytest.param("micropython", marks=pytest.mark.needs("micropython")), *BACK_ENDS],
)
def test_the_demonstration_comes_to_what_it_does_on_cpython(packed, on_cpython, platform, elf):
    found = report({"cpython": on_cpython, platform: run(platform, packed, elf)}, {})
    assert wrong(found) == []
    assert found[platform]["digest"] == found["cpython"]["digest"]
    assert {name: task["jobs"] for name, task in found[platform]["tasks"].items()} == {
        "keyword": 250, "digits": 50, "detector": 10,
    }  # fmt: skip
    # Where the processor's own time differs, a segment may fall on the other side of a release.
    assert found[platform]["moved"] <= found[platform]["segments"] // 20


# Comparison, on results made up -----------------------------------------------------------------

SEGMENTS = (SegmentRun(0, 0, 0, 10), SegmentRun(1, 0, 10, 30), SegmentRun(0, 1, 30, 35))
RUN = Run("cpython", 5_000_000_000, ("a", "b"), SEGMENTS, instructions=30_000_000, wall_s=2.0)
RESULT = PlatformResult(
    {"a": [b"x"], "b": [b"y", b"z"]},
    RUN,
    {"a": Response(1, 2, 3), "b": Response(4, 5, 6)},
    misses=0,
)


def ran(*segments):
    return replace(RUN, segments=segments)


def compared(**changes):
    return report({"cpython": RESULT, "micropython": replace(RESULT, **changes)}, {})


def test_the_same_is_not_wrong():
    assert wrong(compared()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outputs": {"a": [b"x"], "b": [b"y", b"w"]}}, "outputs of b are not those of cpython"),
        ({"outputs": {"a": [], "b": [b"y", b"z"]}}, "no job of a is common"),
        ({"run": ran(SEGMENTS[1], SEGMENTS[0], SEGMENTS[2])}, "not in the order of cpython"),
        ({"run": ran(*SEGMENTS[:2], SegmentRun(0, 1, 30, 36))}, "do not take the NPU as long"),
        ({"misses": 2}, "2 deadlines missed"),
        ({"mismatched": ("b",)}, "outputs of b are not tflite_micro's"),
        (
            {"responses": {"a": Response(1, 2, 3), "b": Response(4, 5, 7)}},
            "b does not respond as on cpython",
        ),
    ],
)
def test_what_differs_is_told(changes, said):
    assert any(said in line for line in wrong(compared(**changes)))


def test_only_jobs_that_all_completed_are_compared():
    found = compared(outputs={"a": [b"x"], "b": [b"y"]})
    assert wrong(found) == []
    assert found["cpython"]["tasks"]["b"]["jobs"] == 1


def test_order_is_not_compared_where_segments_were_not_watched():
    found = report({"cpython": RESULT, "unicorn": replace(RESULT, run=ran())}, {})
    assert wrong(found) == []
    assert (found["unicorn"]["moved"], found["unicorn"]["order_as"]) == (None, None)


def test_speed_is_told_in_instructions_and_in_virtual_time():
    found = compared()["cpython"]
    assert (found["guest_mips"], found["real_time"]) == (15.0, 2.5)


def test_moved_counts_segments_in_another_place():
    assert moved(["a/0", "b/0", "a/1", "a/2"], ["a/0", "a/1", "b/0", "a/2"]) == 1


TABLE = """
MPY: booted\r
task                   jobs       done       miss       skip      abort      fault     min us\
    mean us     max us blocked us NPU cycles\r
keyword                 250        250          1          2          3          4       4853\
       5120       7905       3072   19753000\r
digits                   50         50          0          0          0          0       6000\
       7463       9765          0    1916000\r
deadline missed: keyword by 5 us
"""


def test_the_kernels_table_is_read():
    responses, misses = read_report(TABLE)
    assert responses == {
        "keyword": Response(4853, 5120, 7905),
        "digits": Response(6000, 7463, 9765),
    }
    assert misses == 10


def test_console_without_a_table_has_no_report():
    assert read_report("no application at 0x70000000\n>>> ") is None


# Command ----------------------------------------------------------------------------------------


def test_the_command_takes_an_application_of_ones_own_and_verifies_it(tmp_path, hocket):
    model = MODELS / "mww_alexa.tflite"
    (tmp_path / "app.toml").write_text(
        f'[npu]\nclock = "32 MHz"\n[tasks.wake]\nmodel = "{model}"\nperiod = "100 ms"\n'
    )
    out = tmp_path / "found.json"
    words = (tmp_path / "app.toml", "--verify", "--output", out, "--firmware", ELF)
    assert hocket("lab", "same-answers", *words).code == 0
    ran = [platform for platform in json.loads(out.read_text()).values() if not platform["missing"]]
    assert {platform["tasks"]["wake"]["jobs"] for platform in ran} == {50}
    assert len({platform["digest"] for platform in ran}) == 1
    assert all(platform["verified"] and not platform["mismatched"] for platform in ran)


def test_the_command_tells_what_did_not_run_and_how_to_get_it(tmp_path, monkeypatch, hocket):
    for unused in ("micropython", "unicorn"):
        monkeypatch.delitem(PLATFORMS, unused)
    out = tmp_path / "build" / "same-answers.json"
    said = hocket("lab", "same-answers", "--firmware", "none.elf", "--output", out)
    assert said.code == 0
    assert "qemu did not run: no firmware image: make firmware" in said.out
    written = json.loads(out.read_text())
    assert written["qemu"] == {"missing": "no firmware image: make firmware"}
    assert len(written["cpython"]["digest"]) == 64
    assert len(written["cpython"]["order"]) == written["cpython"]["segments"]


def test_a_platform_that_was_asked_for_must_be_here(hocket):
    words = ("--platform", "cpython", "--platform", "qemu", "--firmware", "none.elf")
    said = hocket("lab", "same-answers", *words)
    assert said.code == 2
    assert "make firmware" in said.err


def test_an_unknown_platform_is_told_with_those_that_there_are(hocket):
    said = hocket("lab", "same-answers", "--platform", "java")
    assert said.code == 2
    assert all(name in said.err for name in PLATFORMS)
