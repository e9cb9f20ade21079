// SPDX-License-Identifier: Apache-2.0
// Works for ever: two instructions a turn.
#include "start.h"

int main(void) {
    for (;;) {
        __asm volatile ("");
    }
}
