# SPDX-License-Identifier: Apache-2.0
"""Two builds into one folder."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import pytest

module = importlib.import_module("hocket_tools.image.build")


def test_a_second_build_into_the_same_folder_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> list[object]:
        name = threading.current_thread().name
        inside.append(name)
        begun.set()
        if name == "first":
            go_on.wait()
        inside.append(name)
        return []

    monkeypatch.setattr(module, "_build", slow)
    monkeypatch.setattr(module.toolchain, "require", lambda: None)
    threads = [
        threading.Thread(target=module.build, kwargs={"output": tmp_path}, name=name)
        for name in ("first", "second")
    ]
    threads[0].start()
    begun.wait()
    threads[1].start()
    threads[1].join(0.2)
    go_on.set()
    for thread in threads:
        thread.join()
    assert inside == ["first", "first", "second", "second"]
