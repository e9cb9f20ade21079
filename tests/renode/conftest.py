# SPDX-License-Identifier: Apache-2.0
import pytest

from rigs.renode import Direct, Renode, server


@pytest.fixture
def npu_server(monkeypatch):
    with server() as running:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(running.port))
        yield running


@pytest.fixture
def renode(npu_server):
    bench = Renode()
    yield bench
    bench.close()


@pytest.fixture
def direct():
    return Direct()
