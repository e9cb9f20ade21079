# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E722, F821
#
# The secure alias of the Ethos-U55 for Renode: a Python peripheral that passes each access on to
# the one named npu. One NPU at two addresses, so there is one state and one connection.

try:
    if request.IsRead:
        request.Value = self.GetMachine()["sysbus.npu"].ReadDoubleWord(request.Offset)
    elif request.IsWrite:
        self.GetMachine()["sysbus.npu"].WriteDoubleWord(
            request.Offset, System.UInt32(int(request.Value))
        )
except:
    # An exception here would end Renode.
    self.ErrorLog("the NPU cannot be reached by its secure alias: is there a peripheral named npu?")
