# SPDX-License-Identifier: Apache-2.0
"""The driver of the device's prompt, on a device made up."""

import pytest

from hocket_host.machines.common import Stop
from hocket_host.machines.common.prompt import Prompt, PromptError, Said, printed, said

READY = b"raw REPL; CTRL-B to exit\r\n>"


class Device:
    """Sends what it is to say, a part at each look; it says no more than that."""

    def __init__(self, *parts, reason="time"):
        self.parts = list(parts)
        self.console = bytearray()
        self.typed = b""
        self.now_ns = 0
        self.reason = reason

    def feed(self, data):
        self.typed += data

    def run_for(self, ns):
        self.now_ns += ns
        if self.parts:
            self.console += self.parts.pop(0)
        return Stop("time" if self.parts else self.reason, self.now_ns)

    @property
    def prompt(self):
        return Prompt(self, self.console)


def test_a_script_is_typed_at_the_prompt_and_its_answer_read():
    device = Device(b"boot\r\n", READY[:9], READY[9:], b"OK", b"one\r\ntw", b"o\r\n\x04", b"\x04>")
    prompt = device.prompt
    prompt.start("print(1)")
    assert device.typed == b"\x01print(1)\x04"
    assert prompt.finish(10**9) == Said("one\ntwo\n", "")


def test_whole_lines_come_as_they_are_printed():
    device = Device(READY, b"OK", b"one\r\ntw", b"o\r\nthree\r\n")
    prompt = device.prompt
    prompt.start("pass")
    found = []
    for _ in range(3):
        found.append(prompt.lines())
        device.run_for(1)
    assert found == [[], ["one"], ["two", "three"]]


def test_a_traceback_is_apart_from_what_was_printed():
    console = READY + b"OK1\r\n\x04Traceback\r\n\x04>"
    assert said(console) == Said("1\n", "Traceback\n")
    assert printed(console) == "1\n"


@pytest.mark.parametrize(
    ("console", "text"), [(b"", None), (READY, None), (READY + b"OK1\r\n", "1\n")]
)
def test_what_is_not_over_has_said_nothing_yet(console, text):
    assert said(console) is None
    assert said(console + b"\x04") is None
    assert printed(console) == text


def test_a_line_interrupts_what_runs():
    device = Device(b"running", b"\r\n>>> ", b"2 + 2\r\nsum 4\r\n>>> ")
    assert device.prompt.ask(b"2 + 2", rb"^sum (\d)")[1] == b"4"
    assert device.typed == b"\x032 + 2\r\n"


@pytest.mark.parametrize("device", [Device(b"no prompt"), Device(b"bye", reason="exit")])
def test_a_device_that_does_not_answer_is_an_error_with_its_console(device):
    with pytest.raises(PromptError, match="hangs or ended") as error:
        device.prompt.start("pass")
    assert "no prompt" in str(error.value) or "bye" in str(error.value)
    assert error.value.expected
    assert error.value.try_
