# SPDX-License-Identifier: Apache-2.0
from typing import Any

from .container import App
from .net import Net
from .port import Port

class MixedNet(Net):
    def __init__(self, info: Any, slot: int, app: App, port: Port, dispatcher: Any) -> None: ...
    @property
    def cpu_us(self) -> int: ...
