# SPDX-License-Identifier: Apache-2.0
"""What a machine lacks is skipped, or an error where it is required."""

from __future__ import annotations

import pytest

from rigs import needs


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(needs.NEEDS, "qemu", lambda: "no QEMU at all")
    needs.lack.cache_clear()
    yield
    needs.lack.cache_clear()


@pytest.mark.usefixtures("lacking")
def test_what_is_not_here_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOCKET_TESTS_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no QEMU at all"):
        needs.need("qemu")


@pytest.mark.usefixtures("lacking")
def test_what_is_not_here_but_required_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_TESTS_REQUIRE", "image,qemu")
    with pytest.raises(pytest.fail.Exception, match="no QEMU at all"):
        needs.need("qemu")


def test_a_requirement_that_is_no_need_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_TESTS_REQUIRE", "qemu,quemu")
    with pytest.raises(pytest.UsageError, match=r"no quemu among .*qemu"):
        needs.required()
