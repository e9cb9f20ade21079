# SPDX-License-Identifier: Apache-2.0
__version__ = "0.1.0"

_attrs = {
    "load": "container",
    "Kernel": "kernel",
    "NpuError": "net",
    "Port": "port",
    "Trace": "trace",
    "Event": "sync",
    "Lock": "sync",
    "Queue": "sync",
    "QueueEmpty": "sync",
    "QueueFull": "sync",
    "TimeoutError": "sync",
    "pause": "sync",
    "sleep_ms": "sync",
    "sleep_us": "sync",
    "wait_for_ms": "sync",
    "wait_for_us": "sync",
    "FIFO": "policy",
    "FixedPriority": "policy",
    "EarliestDeadline": "policy",
    "RoundRobin": "policy",
}

# What the parts import of each other as modules: with a __getattr__ here, MicroPython asks it
# before it looks for a submodule.
_modules = ("_layout", "ethosu", "policy", "task", "trace")


# Lazy loader: a program pays only for the parts that it names.
def __getattr__(attr):
    if attr in _modules:
        return __import__("hocket." + attr, None, None, [attr], 0)
    mod = _attrs.get(attr, None)
    if mod is None:
        raise AttributeError(attr)
    value = getattr(__import__("hocket." + mod, None, None, [attr], 0), attr)
    globals()[attr] = value
    return value
