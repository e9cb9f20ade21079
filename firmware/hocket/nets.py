# SPDX-License-Identifier: Apache-2.0
# Which kind of net an application's model is.
from .net import Net


# The net of a slot.
def make(app, slot, port, dispatcher):
    info = app.nets[slot]
    for step in range(info.first_step, info.first_step + info.steps):
        if app.step_is_cpu(step):
            from .mixed import MixedNet  # here, because most applications can do without

            return MixedNet(info, slot, app, port, dispatcher)
    return Net(info, slot, app, port, dispatcher)
