# SPDX-License-Identifier: Apache-2.0
"""Results as Robot itself writes them, and the figures that are made of them."""

import json
import subprocess
import sys

import pytest

from hocket_lab.robot.results import Result, read, report

SUITE = """\
*** Test Cases ***
Passes
    No Operation

Fails
    Fail    on purpose

Takes Minutes
    [Tags]    slow
    No Operation
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robot")
    for name in ("one", "two"):
        (folder / f"{name}.robot").write_text(SUITE)
    subprocess.run(
        [
            *(sys.executable, "-m", "robot", "--outputdir", folder, "--skip", "slow"),
            *("--log", "NONE", "--report", "NONE", folder / "one.robot", folder / "two.robot"),
        ],
        check=False,
        capture_output=True,
    )
    return folder / "output.xml"


def test_tests_are_named_by_their_own_suite(output):
    assert read("unicorn", output).tests == {
        f"{suite}: {test}": verdict
        for suite in ("One", "Two")
        for test, verdict in (("Passes", "PASS"), ("Fails", "FAIL"), ("Takes Minutes", "SKIP"))
    }


def test_what_failed_says_why(output):
    assert read("unicorn", output).messages == {
        "One: Fails": "on purpose",
        "Two: Fails": "on purpose",
    }


def test_without_a_measurement_there_is_no_speed(output):
    assert read("renode", output).guest_mips is None


@pytest.mark.parametrize(
    ("instructions", "wall_s", "mips"), [(30_000_000, 2.0, 15.0), (None, 2.0, None), (0, 0.0, None)]
)
def test_speed_is_instructions_by_the_hosts_seconds(tmp_path, output, instructions, wall_s, mips):
    (tmp_path / "output.xml").write_bytes(output.read_bytes())
    (tmp_path / "speed.json").write_text(
        json.dumps({"instructions": instructions, "wall_s": wall_s})
    )
    assert read("unicorn", tmp_path / "output.xml").guest_mips == mips


def test_the_digest_is_of_what_every_test_said(tmp_path, output):
    (tmp_path / "output.xml").write_bytes(output.read_bytes())
    (tmp_path / "uart").mkdir()

    def digest(**logs):
        for name, text in logs.items():
            (tmp_path / "uart" / f"{name}.log").write_text(text)
        return read("unicorn", tmp_path / "output.xml").console_sha256

    first = digest(a="ready\n", b="42\n")
    assert digest(a="ready\n", b="42\n") == first
    assert digest(b="43\n") != first


def test_the_report_counts_by_back_end(output):
    figures = report([read("unicorn", output), Result("renode", missing="no Renode")])
    assert (
        figures["unicorn"].items()
        >= {
            "passed": 2,
            "failed": 2,
            "skipped": 2,
            "missing": None,
        }.items()
    )
    assert figures["renode"]["missing"] == "no Renode"
    assert figures["renode"]["failed"] == 0


def test_a_run_without_results_counts_as_failed():
    assert report([Result("qemu", broken="it crashed")])["qemu"]["failed"] == 1
