# SPDX-License-Identifier: Apache-2.0
# Runs the tests of one file on MicroPython: folder of the firmware, folder and name of the tests.
import sys

firmware, tests, name = sys.argv[1:4]
sys.path.insert(0, firmware)
sys.path.insert(0, tests)
module = __import__(name)
found = [n for n in dir(module) if n.startswith("test_")]
for test in found:
    try:
        getattr(module, test)()
    except Exception as error:
        print("FAILED", test)
        sys.print_exception(error)
        sys.exit(1)
print("passed", len(found))
