# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821 - viper has its own names
# The last frames of features as the input of a network, in its own type and scale.
import micropython

from .frontend import Frontend

# Real value of one unit of a feature, as microWakeWord has it: 1 / 25.6.
SCALE = 0.0390625


# The last n of size bytes to the front.
@micropython.viper
def _keep(data, size: int, n: int):
    d = ptr8(data)
    first = size - n
    for i in range(n):
        d[i] = d[first + i]


class Spectrogram:
    # The tensor says how many frames an inference takes; fresh of them are new each time, all if
    # None, and the others are kept of those before.
    def __init__(self, tensor, frontend=None, fresh=None, scale=SCALE):
        self.frontend = Frontend() if frontend is None else frontend
        channels = self.frontend.channels
        frames = len(tensor) // channels
        if frames * channels != len(tensor) or not frames:
            raise ValueError(
                "tensor %s: %d elements, must be a multiple of %d channels"
                % (tensor.name, len(tensor), channels)
            )
        if fresh is None:
            fresh = frames
        if not 0 < fresh <= frames:
            raise ValueError("%d fresh frames, must be 1 to %d" % (fresh, frames))
        self.step_samples = self.frontend.step_samples
        self.data = memoryview(bytearray(len(tensor.raw)))
        self._adaptor = tensor.adaptor("H", scale)
        self._kept = len(self.data) // frames * (frames - fresh)
        self._frames = frames
        self._fresh = fresh
        self.reset()

    # Forgets all samples and frames.
    def reset(self):
        self.frontend.reset()
        self.ready = False
        self._count = 0

    # Takes the samples of one step. True when a frame is complete: then step() is to be called
    # until it is done.
    def push(self, samples):
        return self.frontend.push(samples)

    # One CPU step of a frame. True when it is done; ready then says, until the next one is, whether
    # data is a whole input.
    def step(self):
        frontend = self.frontend
        if not frontend.step():
            return False
        if self._count == self._frames:
            _keep(self.data, len(self.data), self._kept)
            self._count = self._frames - self._fresh
        channels = frontend.channels
        adaptor = self._adaptor
        adaptor.convert(frontend.features, 0, self.data, self._count * channels, channels)
        self._count += 1
        self.ready = self._count == self._frames
        return True

    # The samples of one step, and the whole frame if they complete one. True when data is a whole
    # input that was not there before.
    def feed(self, samples):
        if not self.push(samples):
            return False
        while not self.step():
            pass
        return self.ready
