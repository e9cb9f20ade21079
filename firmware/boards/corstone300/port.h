// SPDX-License-Identifier: Apache-2.0
// What the parts of this port offer each other.
#ifndef HOCKET_PORT_H
#define HOCKET_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include "py/obj.h"

// clock.c
void clock_init(void);
uint32_t clock_us(void); // low 32 bits
uint64_t clock_us64(void);
uint32_t clock_cycles(void); // low 32 bits
void clock_wait(uint32_t us); // to an interrupt, at most so long; interrupts masked by the caller

// uart.c
void uart_init(void);
void uart_receive(void); // its interrupt
int uart_get(void); // -1 if there is nothing
void uart_put(char c);

// irq.c
void irq_entry(void);
void irq_release_all(void);
extern volatile uint32_t irq_handled; // how often by Python
MP_DECLARE_CONST_FUN_OBJ_2(machine_set_irq_handler_obj);

// npu.c
extern const mp_obj_type_t npu_dispatcher_type;
bool npu_interrupt(mp_obj_t handler);

// agenda.c
extern const mp_obj_type_t agenda_type;

// semihosting.c
__attribute__((noreturn)) void semihosting_exit(uint32_t status);

#endif
