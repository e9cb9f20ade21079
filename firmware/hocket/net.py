# SPDX-License-Identifier: Apache-2.0
# A net as a task sees it: tensors in place, and the inference to await.
from micropython import const

from . import ethosu
from . import task as core
from .port import region_address, ticks_add
from .tensor import Tensor

_SPAN_US = const(0x10000000)  # as port._SPAN_US

_EIO = const(5)

_BY_ARRIVAL = const(0)  # as policy._BY_ARRIVAL
_BY_PRIORITY = const(1)  # as policy._BY_PRIORITY
_BY_DEADLINE = const(2)  # as policy._BY_DEADLINE


# An inference that did not come to its end on the NPU; args are (errno, text).
class NpuError(OSError):
    pass


class Net:
    def __init__(self, info, slot, app, port, dispatcher):
        self.name = info.name
        self.slot = slot
        self.periodic = None  # the periodic task that it belongs to
        self._dispatcher = dispatcher
        self._inputs = [_tensor(t, info, app, port) for t in info.inputs]
        self._outputs = [_tensor(t, info, app, port) for t in info.outputs]
        self._persistent = ()  # most have none, and a list would take memory
        if info.persistent:
            self._persistent = [_state(held, info, app, port) for held in info.persistent]
        self.inference = Inference(self, dispatcher, port)
        self.reset()

    def input(self, i=0):
        return self._inputs[i]

    def output(self, i=0):
        return self._outputs[i]

    # Forgets what the net keeps from one inference to the next.
    def reset(self):
        for view, fill, initial in self._persistent:
            for i in range(len(view)):
                view[i] = fill if initial is None else initial[i]

    # To be awaited at once. Data is for the first input, or a tuple for all; without it the
    # inputs are taken as they lie, for which the task writes net.input(i) itself.
    def infer(self, data=None):
        if not self._dispatcher.idle(self.slot):
            raise RuntimeError("net %s is under way" % self.name)
        if data is not None:
            if isinstance(data, tuple):
                if len(data) != len(self._inputs):
                    raise ValueError(
                        "net %s: %d inputs, must be %d" % (self.name, len(data), len(self._inputs))
                    )
                for tensor, value in zip(self._inputs, data):  # noqa: B905 - MicroPython has no strict=
                    tensor.write(value)
            else:
                self._inputs[0].write(data)
        return self.inference.arm()


def _tensor(info, net, app, port):
    base = region_address(net.regions[info.region], app, port.arena_base)
    return Tensor(info, port.view(base + info.offset, info.size))


# View of a persistent range, fill byte, and view of what it holds initially or None.
def _state(held, net, app, port):
    region, offset, size, fill, initial = held
    view = port.view(region_address(net.regions[region], app, port.arena_base) + offset, size)
    return view, fill, port.view(app.address + initial, size) if initial else None


# One object a net is awaited again and again, so that an inference allocates nothing. It has
# what the kernel asks of a coroutine, and so is also the whole body of a task without one.
class Inference:
    def __init__(self, net, dispatcher, port):
        self._net = net
        self._dispatcher = dispatcher
        self._port = port
        self._armed = False
        self._end = StopIteration()

    def arm(self):
        self._armed = True
        return self

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        if self.send(None):
            self._end.__traceback__ = None
            raise self._end

    # Submits what was armed; resumed again, takes the result: True, which as the body of a task
    # tells its end without an exception.
    def send(self, _):
        net = self._net
        dispatcher = self._dispatcher
        if self._armed:
            self._armed = False
            task = core.current
            task.place = self
            priority = task.priority
            rule = dispatcher.rule
            rank = tie = 0
            if rule == _BY_PRIORITY:
                rank = priority
            elif rule != _BY_ARRIVAL:
                periodic = net.periodic
                if periodic is None:
                    deadline = ticks_add(self._port.ticks_us(), _SPAN_US)  # the farthest
                else:
                    deadline = periodic.words[periodic.deadline_at]
                if rule != _BY_DEADLINE:
                    dispatcher.submit(net.slot, priority, deadline, task.index)
                    return None
                rank = deadline
                tie = priority
            dispatcher.queue(net.slot, rank, tie, priority, task.index + 1)
            return None
        status = dispatcher.take(net.slot)
        if status:
            raise NpuError(_EIO, "net %s: %s" % (net.name, ethosu.reason(status)))
        return True

    def throw(self, error, value=None, traceback=None):
        raise error

    def close(self):
        self._armed = False

    # Whether a task that is ready, and was waiting here, waits no more.
    def is_over(self):
        return True

    # As the lists of tasks have it: the task no longer waits, so nobody wants the result.
    def remove(self, task):
        task.place = None
        self._dispatcher.cancel(self._net.slot)

    # Makes a task wait until the segment of a request that was given up is over.
    def drain(self, task):
        task.place = self
        self._dispatcher.drain(self._net.slot, task.index)
