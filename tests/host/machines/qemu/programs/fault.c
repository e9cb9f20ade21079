// SPDX-License-Identifier: Apache-2.0
// A fault that is not the NPU's, in the middle of work with it.
#include "start.h"

int main(void) {
    print_hex("id ", NPU_REG(0));
    REG(0x48300004) = 1;
    print("not reached\n");
    return 0;
}
