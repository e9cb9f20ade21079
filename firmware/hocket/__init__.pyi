# SPDX-License-Identifier: Apache-2.0
# The device API for editors and type checkers; boards never see these files.
from .container import App as App
from .container import load as load
from .kernel import Kernel as Kernel
from .net import NpuError as NpuError
from .policy import FIFO as FIFO
from .policy import EarliestDeadline as EarliestDeadline
from .policy import FixedPriority as FixedPriority
from .policy import RoundRobin as RoundRobin
from .port import Port as Port
from .sync import Event as Event
from .sync import Lock as Lock
from .sync import Queue as Queue
from .sync import QueueEmpty as QueueEmpty
from .sync import QueueFull as QueueFull
from .sync import TimeoutError as TimeoutError
from .sync import pause as pause
from .sync import sleep_ms as sleep_ms
from .sync import sleep_us as sleep_us
from .sync import wait_for_ms as wait_for_ms
from .sync import wait_for_us as wait_for_us
from .trace import Trace as Trace

__version__: str
