# SPDX-License-Identifier: Apache-2.0
"""Two readers, written independently, must agree on what a container is."""

import random

import pytest
from device import load_under_cpython, micropython_verdicts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import damaged, example, images, poke
from test_container_reader import REFUSED, as_version_1_0, with_extra_section

from hocket_tools.container import ContainerError, build, read

DATA = build(example())
load = load_under_cpython()


def host_accepts(data):
    try:
        read(data)
    except ContainerError:
        return False
    return True


def device_accepts(data):
    try:
        load(data)
    except ValueError:
        return False
    return True


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(damaged(DATA))
def test_both_readers_agree_on_any_damaged_container(data):
    assert host_accepts(data) == device_accepts(data)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data(), images())
def test_both_readers_agree_on_any_damage_to_any_container(data, image):
    bytes_ = data.draw(damaged(build(image)))
    assert host_accepts(bytes_) == device_accepts(bytes_)


@settings(max_examples=100)
@given(st.binary(max_size=700))
def test_both_readers_refuse_noise(data):
    assert not host_accepts(data)
    assert not device_accepts(data)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(images())
def test_the_device_accepts_whatever_the_host_builds(image):
    assert device_accepts(build(image))


@pytest.mark.parametrize("data", [data for data, _ in REFUSED.values()], ids=REFUSED)
def test_the_device_refuses_what_the_host_refuses_in_one_line(data):
    with pytest.raises(ValueError, match=r"\Acontainer, byte \d+: .+\Z"):
        load(data)


def _word_edits(count):
    """Reproducible edits of one field each, with every CRC right."""
    from images import fix_crcs, section

    from hocket_tools.container.format import SectionKind

    random_ = random.Random(20)
    streams = section(DATA, SectionKind.STREAMS)
    end = streams.offset + streams.size
    for _ in range(count):
        data = bytearray(DATA)
        at = random_.randrange(8, end)
        data[at] = random_.choice([0, 1, 2, 0x10, 0x7F, 0x80, 0xFF, data[at] ^ 1])
        yield fix_crcs(data)


def test_micropython_agrees_with_the_host(tmp_path):
    containers = [
        DATA,
        with_extra_section(2),
        as_version_1_0(DATA),
        poke(as_version_1_0(DATA), 10, "H", 1),
        *(data for data, _ in REFUSED.values()),
        *_word_edits(400),
    ]
    verdicts = [v.startswith("accepted") for v in micropython_verdicts(containers, tmp_path)]
    assert verdicts == [host_accepts(data) for data in containers]
    assert 0 < sum(verdicts) < len(verdicts)
