# SPDX-License-Identifier: Apache-2.0
"""How the suites are started on each back end, what is missing, and what the command says."""

import json
import sys
from pathlib import Path

import pytest

from hocket_host.missing import Missing
from hocket_lab.robot import fixtures, runner
from hocket_lab.robot.results import Result
from paths import ROOT

SUITES = ROOT / "robot_tests"


@pytest.fixture
def firmware(tmp_path):
    path = tmp_path / "firmware.elf"
    path.touch()
    return path


def program(folder, name, text="#!/bin/sh\nexit 0\n"):
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with an empty path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("RENODE_PATH", raising=False)
    return folder


def test_the_firmware_comes_first(tmp_path):
    assert "make firmware" in runner.missing("unicorn", tmp_path / "none.elf")


def test_renode_that_is_not_here_is_named_with_how_to_get_it(bare, firmware):
    assert "renode-run" in runner.missing("renode", firmware)


@pytest.mark.parametrize("name", ["renode-test", "renode-run"])
def test_either_of_renodes_commands_will_do(bare, firmware, name):
    program(bare, name)
    assert runner.missing("renode", firmware) is None


def test_renode_path_is_the_folder_of_a_package(bare, firmware, monkeypatch, tmp_path):
    package = tmp_path / "renode_portable"
    package.mkdir()
    monkeypatch.setenv("RENODE_PATH", str(package))
    assert "RENODE_PATH" in runner.missing("renode", firmware)
    found = program(package, "renode-test")
    assert runner.missing("renode", firmware) is None
    assert runner.renode_test() == [str(found)]


def test_plain_robot_gets_the_keywords_and_the_back_end():
    words = runner.command("qemu", SUITES, Path("results"), slow=False)
    assert words[:3] == [sys.executable, "-m", "robot"]
    assert "BACK_END:qemu" in words
    (keywords,) = (w for w in words if w.startswith("RENODEKEYWORDS:"))
    assert Path(keywords.partition(":")[2]).is_file()


def test_slow_tests_are_skipped_unless_they_are_wanted(bare):
    program(bare, "renode-test")
    for back_end, option in (("unicorn", "--skip"), ("renode", "--exclude")):
        assert option in runner.command(back_end, SUITES, Path("r"), slow=False)
        assert option not in runner.command(back_end, SUITES, Path("r"), slow=True)


def test_renode_runs_the_same_files_by_its_own_command(bare):
    program(bare, "renode-run")
    words = runner.command("renode", SUITES, Path("results"), slow=True)
    assert words[:3] == ["renode-run", "test", "--"]
    ours = runner.command("unicorn", SUITES, Path("results"), slow=True)
    files = sorted(str(path) for path in SUITES.glob("*.robot"))
    assert words[-len(files) :] == ours[-len(files) :] == files
    assert not any("RENODEKEYWORDS" in word or "BACK_END" in word for word in words)


def test_a_runner_that_leaves_no_results_has_failed(bare, tmp_path):
    program(bare, "renode-test", "#!/bin/sh\necho no such option\nexit 3\n")
    result = runner.run("renode", SUITES, tmp_path / "results", slow=False)
    assert result.broken == "no such option"
    assert result.failed == 1


@pytest.fixture
def hocket_robot(monkeypatch, tmp_path, hocket):
    """The command, with results instead of runs."""

    def call(*arguments, **results):
        monkeypatch.setattr(
            runner,
            "run",
            lambda back_end, *rest, **named: results[back_end],
        )
        monkeypatch.setattr(
            runner,
            "missing",
            lambda name, elf: None if name in results else Missing(f"no {name}", "get it"),
        )
        monkeypatch.setattr(fixtures, "prepare", lambda *folders: None)
        output = tmp_path / "robot.json"
        said = hocket("lab", "robot", "--suites", SUITES, "--output", output, *arguments)
        return said, json.loads(output.read_text()) if output.exists() else None

    return call


def test_a_folder_without_suites_is_told(hocket, tmp_path):
    said = hocket("lab", "robot", "--suites", tmp_path)
    assert said.code == 2
    assert "there are no suites" in said.err


def test_robot_framework_itself_may_be_missing(firmware, monkeypatch):
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: None)
    assert "hocket[test]" in runner.missing("unicorn", firmware)


PASSED = Result("unicorn", {"Boot: It Is There": "PASS"}, guest_mips=31.4)
FAILED = Result("qemu", {"Boot: It Is There": "FAIL"}, {"Boot: It Is There": "it was not"})


def test_the_matrix_has_a_column_a_back_end_and_its_speed(hocket_robot):
    said, figures = hocket_robot(unicorn=PASSED)
    assert said.code == 0
    assert "Boot: It Is There" in said.out
    assert "31.4" in said.out
    assert "renode did not run: no renode" in said.out
    assert figures["unicorn"]["guest_mips"] == 31.4


def test_a_failed_test_fails_the_command_and_says_why(hocket_robot):
    said, figures = hocket_robot(unicorn=PASSED, qemu=FAILED)
    assert said.code == 1
    assert "it was not" in said.out
    assert figures["qemu"]["failed"] == 1


def test_a_back_end_that_was_asked_for_must_be_here_before_anything_runs(hocket_robot):
    said, figures = hocket_robot("--back-end", "unicorn", "--back-end", "qemu", unicorn=PASSED)
    assert said.code == 2
    assert "no qemu" in said.err
    assert "get it" in said.err
    assert figures is None


def test_that_nothing_could_run_is_no_success(hocket_robot):
    said, _ = hocket_robot()
    assert said.code == 2
    assert "no unicorn; no qemu; no renode" in said.err


def test_an_unknown_back_end_is_told_with_those_that_there_are(hocket_robot):
    said, _ = hocket_robot("--back-end", "bochs")
    assert said.code == 2
    assert "unicorn, qemu, renode" in said.err
