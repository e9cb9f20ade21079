// SPDX-License-Identifier: Apache-2.0
#include "start.h"

int main(void) {
    print("hello\n");
    print_hex("id ", NPU_REG(0));
    print_hex("config ", NPU_REG(0x28));
    return 7;
}
