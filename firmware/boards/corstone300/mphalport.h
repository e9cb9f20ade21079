// SPDX-License-Identifier: Apache-2.0
#ifndef HOCKET_MPHALPORT_H
#define HOCKET_MPHALPORT_H

#include "py/obj.h"
#include "shared/runtime/interrupt_char.h"

void hal_wait_for_event(mp_uint_t timeout_ms);

#define MICROPY_INTERNAL_WFE(timeout_ms) hal_wait_for_event(timeout_ms)

#endif
