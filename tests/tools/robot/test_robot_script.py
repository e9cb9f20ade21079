# SPDX-License-Identifier: Apache-2.0
"""The Monitor's language, as far as our scripts and suites use it."""

import pytest

from hocket_tools.robot.script import Monitor, MonitorError


@pytest.fixture
def told():
    return []


@pytest.fixture
def monitor(told):
    def note(name):
        def action(words):
            told.append((name, *words))
            return f"{name} done"

        return action

    return Monitor({name: note(name) for name in ("sysbus LoadELF", "machine Reset", "start")})


def test_a_command_is_called_with_its_words(monitor, told):
    assert monitor.command("sysbus LoadELF @/images/a.elf") == "sysbus LoadELF done"
    assert told == [("sysbus LoadELF", "/images/a.elf")]


def test_one_word_is_a_command_too(monitor, told):
    monitor.command("start")
    assert told == [("start",)]


def test_a_variable_is_replaced(monitor, told):
    monitor.command("$bin=@/images/a.elf")
    monitor.command("sysbus LoadELF $bin")
    assert told == [("sysbus LoadELF", "/images/a.elf")]


def test_a_default_leaves_what_was_set(monitor, told):
    monitor.command("$bin=@mine.elf")
    monitor.command("$bin?=@default.elf")
    monitor.command("$app?=@default.hkt")
    assert monitor.variables == {"bin": "mine.elf", "app": "default.hkt"}


def test_quotes_hold_words_together(monitor, told):
    monitor.command('sysbus LoadELF "my image.elf"')
    assert told == [("sysbus LoadELF", "my image.elf")]


def test_what_matters_to_renode_alone_has_no_effect(monitor, told):
    for command in ("using sysbus", 'mach create "m55"', "showAnalyzer uart0"):
        assert monitor.command(command) == ""
    assert told == []


def test_after_a_reset_there_are_no_variables(monitor):
    monitor.command("$bin=@a.elf")
    monitor.reset()
    assert monitor.variables == {}


SCRIPT = """\
# A comment; start
$bin?=$ORIGIN/a.elf   # another
start; start

macro reset
\"\"\"
    sysbus LoadELF $bin
\"\"\"
runMacro $reset
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "a.resc"
    path.write_text(SCRIPT)
    return path


def test_a_script_runs_line_by_line(monitor, told, script, tmp_path):
    monitor.run_file(str(script))
    assert told == [("start",), ("start",), ("sysbus LoadELF", f"{tmp_path}/a.elf")]


def test_a_macro_sees_variables_as_they_are_when_it_runs(monitor, told, script):
    monitor.run_file(str(script))
    told.clear()
    monitor.command("$bin=@other.elf")
    monitor.command("runMacro $reset")
    assert told == [("sysbus LoadELF", "other.elf")]


def test_origin_is_the_folder_of_the_innermost_script(monitor, script, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "b.resc").write_text("$inner=$ORIGIN\n")
    script.write_text("include @" + str(inner / "b.resc") + "\n$outer=$ORIGIN\n")
    monitor.run_file(f"@{script}")
    assert monitor.variables["inner"] == str(inner)
    assert monitor.variables["outer"] == str(tmp_path)


def test_a_number_sign_in_quotes_is_no_comment(monitor, told, script):
    script.write_text('sysbus LoadELF "a#b.elf" # really\n')
    monitor.run_file(str(script))
    assert told == [("sysbus LoadELF", "a#b.elf")]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sysbus Explode", "unknown Monitor command"),
        ("sysbus LoadELF $nothing", "never set"),
        ("runMacro $nothing", "no such macro"),
        ("runMacro", "no such macro"),
        ("include", "a .resc file"),
        ('sysbus LoadELF "half', "does not end"),
    ],
)
def test_what_it_cannot_do_is_told(monitor, command, said):
    with pytest.raises(MonitorError) as error:
        monitor.command(command)
    assert said in str(error.value)


def test_an_error_in_a_script_names_the_script(monitor, script):
    script.write_text("sysbus Explode\n")
    with pytest.raises(MonitorError, match=r"a\.resc: unknown Monitor command"):
        monitor.run_file(str(script))


def test_a_script_that_is_not_there_is_told(monitor, tmp_path):
    with pytest.raises(MonitorError, match="cannot read the script"):
        monitor.run_file(str(tmp_path / "none.resc"))
