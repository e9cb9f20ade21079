# SPDX-License-Identifier: Apache-2.0
# Operators on the CPU. A code names a module of this package, which makes the operator of
# its packed parameters; an application adds its own under a code of 128 or more.

# By code. The host packs for these modules by name.
MODULES = (
    "move", "table", "binary", "dense", "conv", "pool", "reduce", "gather", "select", "resize",
    "convert", "softmax", "svdf", "curve", "matmul", "prelu", "lstm", "floats",
    "detect",
)  # fmt: skip

# By code, inputs that an operator writes, too: states that the net keeps.
IN_PLACE = {12: (3,), 16: (9, 10)}

_OWN = 128
_own = {}


# factory(params, inputs, outputs, scratch) -> operator, as of the modules here.
def register(code, factory):
    if code < _OWN:
        raise ValueError("operator code %d, must be %d or more" % (code, _OWN))
    _own[code] = factory


# An operator over tensors in place. params and scratch are byte views, aligned to 4; inputs and
# outputs have a byte view raw. May allocate; the operator's step does not. The parameters are not
# trusted: ValueError if a step would reach beyond what is given.
def make(code, params, inputs, outputs, scratch):
    if code < len(MODULES):
        name = MODULES[code]
        factory = __import__("hocket.ops." + name, None, None, ["make"], 0).make
        try:
            return factory(params, inputs, outputs, scratch)
        except (LookupError, ValueError) as error:
            raise ValueError("%s: %s" % (name, error)) from None
    factory = _own.get(code)
    if factory is None:
        raise ValueError("no operator with code %d" % code)
    return factory(params, inputs, outputs, scratch)
