# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.sim.bus import Bus, BusFault, BusMapError, Memory

RAM, ROM = 0x2000_0000, 0x7000_0000
SIZE = 256


class Recorder:
    """A device that answers with its offset and keeps what is written."""

    def __init__(self):
        self.written = []

    def read(self, offset, size):
        return offset

    def write(self, offset, size, value):
        self.written.append((offset, size, value))


def bus():
    return Bus([Memory("rom", ROM, SIZE, writable=False), Memory("ram", RAM, SIZE)])


ACCESS = st.sampled_from([1, 2, 4]).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.integers(0, SIZE // size - 1).map(lambda i: i * size),
        st.integers(0, (1 << 8 * size) - 1),
    )
)


@given(st.lists(ACCESS, max_size=30))
def test_memory_behaves_like_a_byte_array(accesses):
    b, expected = bus(), bytearray(SIZE)
    for size, at, value in accesses:
        b.write(RAM + at, size, value)
        expected[at : at + size] = value.to_bytes(size, "little")
        assert b.read(RAM + at, size) == value
    assert bytes(b.view(RAM, SIZE)) == bytes(expected)


@given(st.integers(0, (1 << 32) - 4), st.sampled_from([1, 2, 4]))
def test_an_access_either_hits_a_window_or_faults_with_its_address(address, size):
    b = bus()
    inside = any(base <= address and address + size <= base + SIZE for base in (RAM, ROM))
    if inside and address % size == 0:
        assert b.read(address, size) == 0
    else:
        with pytest.raises(BusFault) as caught:
            b.read(address, size)
        assert caught.value.address == address


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_offsets_lead_into_the_flat_array(at, length):
    b = bus()
    if at < SIZE and at + length <= SIZE:
        offset = b.offset_of(RAM + at, length)
        b.memory[offset : offset + length] = 7
        assert bytes(b.view(RAM + at, length)) == bytes([7]) * length
    else:
        with pytest.raises(BusFault):
            b.offset_of(RAM + at, length)


def test_values_wider_than_the_access_are_cut():
    b = bus()
    b.write(RAM, 1, 0x1FF)
    assert b.read(RAM, 4) == 0xFF


@pytest.mark.parametrize("size", [2, 4])
def test_unaligned_access_faults(size):
    with pytest.raises(BusFault, match="aligned"):
        bus().read(RAM + 1, size)


def test_read_only_memory_faults_on_a_write_and_takes_an_image():
    b = bus()
    with pytest.raises(BusFault, match="read-only"):
        b.write(ROM, 4, 1)
    b.load(ROM, b"\x01\x02")
    assert b.read(ROM, 2) == 0x0201


def test_a_view_of_read_only_memory_is_read_only():
    view = bus().view(ROM, 4)
    with pytest.raises(TypeError):
        view[0] = 1


def test_a_view_is_memory_in_place():
    b = bus()
    b.view(RAM, 4)[1] = 9
    assert b.read(RAM, 4) == 0x900


def test_a_device_sees_offsets_from_its_base():
    b, device = bus(), Recorder()
    b.add_device("dev", 0x4000_0000, 0x1000, device)
    b.write(0x4000_0010, 4, 5)
    assert b.read(0x4000_0020, 4) == 0x20
    assert device.written == [(0x10, 4, 5)]


def test_devices_cannot_be_viewed():
    b = bus()
    b.add_device("dev", 0x4000_0000, 0x1000, Recorder())
    with pytest.raises(BusFault, match="device"):
        b.view(0x4000_0000, 4)


def test_an_alias_reaches_the_same_bytes():
    b = bus()
    assert b.add_alias("ram", RAM | 0x1000_0000)
    b.write(RAM | 0x1000_0000, 4, 42)
    assert b.read(RAM, 4) == 42


def test_an_alias_gives_way_to_what_is_mapped():
    assert not bus().add_alias("ram", ROM)


def test_overlapping_windows_are_refused_by_name():
    with pytest.raises(BusMapError, match="overlap") as caught:
        Bus([Memory("a", 0x1000, 0x100), Memory("b", 0x10F0, 0x100)])
    assert "inside a" in str(caught.value)


@pytest.mark.parametrize(("base", "size"), [(0, 0), (8, 16), (1 << 40, 16)])
def test_impossible_windows_are_refused(base, size):
    with pytest.raises(BusMapError):
        Bus([Memory("m", base, size)])


def test_windows_do_not_touch_in_the_flat_array():
    b = bus()
    assert abs(b.offset_of(RAM) - b.offset_of(ROM)) > SIZE


def test_memory_that_moves_takes_its_content_along_and_is_the_one_in_use():
    b = bus()
    b.write(RAM + 4, 4, 0x1234_5678)
    elsewhere = np.zeros_like(b.memory)
    b.move_to(elsewhere)
    assert b.read(RAM + 4, 4) == 0x1234_5678
    b.write(RAM + 8, 1, 0xA5)
    at = b.offset_of(RAM)
    assert elsewhere[at + 8] == 0xA5
    assert bytes(b.view(RAM + 4, 5)) == bytes(elsewhere[at + 4 : at + 9])
