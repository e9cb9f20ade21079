// SPDX-License-Identifier: Apache-2.0
// Says what is typed, with the time at which it came in turns of a loop.
#include "start.h"

int main(void) {
    uint32_t turns = 0;
    for (;;) {
        if (REG(0x49303004) & 2) {
            char c = (char)REG(0x49303000);
            put(c);
            print_hex(" ", turns);
            if (c == '.') {
                return 0;
            }
        }
        turns++;
    }
}
