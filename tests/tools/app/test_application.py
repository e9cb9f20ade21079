# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from hocket_tools.app import application
from hocket_tools.app.application import ApplicationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.tflite").write_bytes(b"")
    return tmp_path


def _load(folder: Path, text: str) -> application.Application:
    path = folder / "app.toml"
    path.write_text(text)
    return application.load(path)


TASK = '[tasks.a]\nmodel = "net.tflite"\nperiod = "20 ms"\n'


def test_a_deadline_is_the_period_unless_given(folder: Path) -> None:
    app = _load(
        folder, TASK + '[tasks.b]\nmodel = "net.tflite"\nperiod = "9 ms"\ndeadline = "5 ms"'
    )
    assert [task.deadline_ns for task in app.tasks.values()] == [20_000_000, 5_000_000]


def test_shorter_deadlines_are_more_urgent_when_no_priority_is_given(folder: Path) -> None:
    app = _load(folder, TASK + '[tasks.b]\nmodel = "net.tflite"\nperiod = "9 ms"')
    assert app.priorities == {"a": 1, "b": 0}


def test_a_priority_for_some_tasks_only_is_refused(folder: Path) -> None:
    with pytest.raises(ApplicationError, match=r"tasks\.b\.priority"):
        _load(folder, TASK + 'priority = 1\n[tasks.b]\nmodel = "net.tflite"\nperiod = "9 ms"')


def test_a_task_may_be_cut_in_its_own_way(folder: Path) -> None:
    app = _load(folder, '[schedule]\ncut = "50 us"\n' + TASK + 'cut = "none"\n')
    assert (app.schedule.cut, app.cut("a")) == (50_000, "none")


def test_paths_start_at_the_application_file(folder: Path) -> None:
    app = _load(folder, TASK)
    assert app.resolve(app.tasks["a"].model) == folder / "net.tflite"


@pytest.mark.parametrize(
    ("text", "where", "found", "told"),
    [
        ('[npu]\nclok = "1 MHz"\n' + TASK, "npu.clok", "clok", "did you mean clock?"),
        (TASK + "perio = 1", "tasks.a.perio", "perio", "did you mean period?"),
        (TASK.replace('"20 ms"', "20"), "tasks.a.period", "20", 'write "20 ms"'),
        (TASK.replace("20 ms", "20 MHz"), "tasks.a.period", "'20 MHz'", "ms"),
        (TASK.replace("20 ms", "0 ms"), "tasks.a.period", "'0 ms'", "above zero"),
        (TASK.replace("20 ms", "269 s"), "tasks.a.period", "'269 s'", "less than 268 s"),
        (TASK + 'offset = "300 s"', "tasks.a.offset", "'300 s'", "less than 268 s"),
        ('[npu]\naccelerator-config = "u55"\n' + TASK, "npu.accelerator", "'u55'", "ethos-u55-64"),
        ('[schedule]\npolicy = "rm"\n' + TASK, "schedule.policy", "'rm'", '"edf"'),
        ('[schedule]\ncut = "some"\n' + TASK, "schedule.cut", "'some'", '"50 us"'),
        ("[npu]\n", "tasks", "nothing", "tasks"),
        ("[tasks.a]\nperiod = '1 s'", "tasks.a.model", "nothing", "model"),
        (TASK.replace("net", "nett"), "tasks.a.model", "nett.tflite", "did you mean net.tflite?"),
        (TASK + 'input = { file = "x.wav" }', "tasks.a.input.file", "x.wav", "check the path"),
        (TASK + "input = { }", "tasks.a.input", "neither", "generator"),
        (TASK + "priority = 256", "tasks.a.priority", "256", "255"),
    ],
)
def test_a_wrong_file_is_told_with_key_found_and_remedy(
    folder: Path, text: str, where: str, found: str, told: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        _load(folder, text)
    message = str(caught.value)
    assert f"app.toml: {where}" in message
    assert found in message
    assert told in message


def test_there_are_no_more_tasks_than_the_device_has_slots(folder: Path) -> None:
    task = "[tasks.t{}]\nmodel = 'net.tflite'\nperiod = '1 s'\n"
    assert len(_load(folder, "".join(task.format(i) for i in range(254))).tasks) == 254
    with pytest.raises(ApplicationError, match="254"):
        _load(folder, "".join(task.format(i) for i in range(255)))


def test_every_problem_is_told_at_once(folder: Path) -> None:
    with pytest.raises(ApplicationError) as caught:
        _load(folder, '[npu]\nx = 1\n[tasks.a]\nperiod = "1 h"')
    assert all(key in str(caught.value) for key in ("npu.x", "tasks.a.period", "tasks.a.model"))


def test_a_file_that_is_not_toml_is_told_with_its_line(folder: Path) -> None:
    with pytest.raises(ApplicationError, match="line 2"):
        _load(folder, "[tasks]\nx = = 1\n")


def test_a_missing_file_is_an_error(folder: Path) -> None:
    with pytest.raises(ApplicationError, match="No such file"):
        application.load(folder / "none.toml")
