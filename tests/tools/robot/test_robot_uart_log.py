# SPDX-License-Identifier: Apache-2.0
"""A test's log of the UART."""

from hocket_tools.robot.uart_log import UartLog


def test_a_line_has_the_instant_at_which_it_began():
    log = UartLog()
    log.heard(b"rea", 1_500_000_000)
    log.heard(b"dy\r\n", 2_000_000_000)
    assert log.take() == "   1.500000000 s  ready\n"


def test_a_line_that_did_not_end_is_there_too():
    log = UartLog()
    log.heard(b">>> ", 7)
    assert log.take() == "   0.000000007 s  >>> \n"


def test_the_next_test_begins_with_nothing():
    log = UartLog()
    log.heard(b"one\n", 1)
    log.take()
    assert log.take() == ""


def test_bytes_that_are_no_text_are_shown(tmp_path):
    log = UartLog()
    log.heard(b"\xff\n", 0)
    assert log.take().endswith("\\xff\n")


def test_the_file_is_named_by_the_test(tmp_path):
    log = UartLog()
    log.heard(b"ready\n", 0)
    log.write(tmp_path / "uart", "Hocket.Boot.It Is There / At Once")
    assert [path.name for path in (tmp_path / "uart").iterdir()] == [
        "Hocket.Boot.It_Is_There_At_Once.log"
    ]
