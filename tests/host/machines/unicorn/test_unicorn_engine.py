# SPDX-License-Identifier: Apache-2.0
import pytest
from guest import Guest

from hocket_host.machines.unicorn import EngineError
from hocket_host.machines.unicorn import engine as engines


def test_without_the_engine_one_is_told_how_to_get_it(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(engines, "import_module", absent)
    with pytest.raises(EngineError, match="not installed") as caught:
        engines.Engine(lambda number: None, lambda address, kind: None)
    assert "hocket[emulator]" in str(caught.value)


@pytest.mark.needs("unicorn")
def test_an_engine_that_counts_elsewhere_is_refused(monkeypatch):
    monkeypatch.setattr(engines, "_SEARCH_BYTES", 64)
    with pytest.raises(EngineError, match="not known") as caught:
        engines.Engine(lambda number: None, lambda address, kind: None)
    assert "unicorn==2.1.4" in str(caught.value)


@pytest.mark.needs("unicorn")
def test_code_changed_from_outside_is_translated_anew(build):
    guest = Guest(
        build(
            'NOINLINE int answer(void) { __asm volatile(""); return 1; }'
            "int main(void) { note(answer()); for (volatile int i = 0; i < 1000; i++) {}"
            "note(answer()); return 0; }"
        )
    )
    guest.machine.run_until(20_000)
    address = guest.image.symbol("answer").address
    assert guest.notes == [1]
    guest.machine.write_memory(address, bytes.fromhex("02207047"))  # movs r0, #2; bx lr
    guest.run()
    assert guest.notes == [1, 2]
