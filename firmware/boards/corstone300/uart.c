// SPDX-License-Identifier: Apache-2.0
// The console on a CMSDK UART: polled output, input by interrupt into a ring.
#include "py/mpconfig.h"
#include "py/mphal.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

#define UART_DATA REG32(BOARD_UART0_BASE + 0x00)
#define UART_STATE REG32(BOARD_UART0_BASE + 0x04)
#define UART_CTRL REG32(BOARD_UART0_BASE + 0x08)
#define UART_INT REG32(BOARD_UART0_BASE + 0x0C)
#define UART_BAUDDIV REG32(BOARD_UART0_BASE + 0x10)
#define STATE_TX_FULL (1u << 0)
#define STATE_RX_FULL (1u << 1)
#define CTRL_TX (1u << 0)
#define CTRL_RX (1u << 1)
#define CTRL_RX_INTERRUPT (1u << 3)
#define INT_RX (1u << 1)

#define BAUD 115200

static uint8_t ring_memory[1024];
static ringbuf_t ring = {ring_memory, sizeof(ring_memory), 0, 0};

void uart_init(void) {
    UART_BAUDDIV = BOARD_CPU_HZ / BAUD;
    UART_CTRL = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
    NVIC_IPR(BOARD_UART0_RX_IRQ) = PRIORITY_CONSOLE;
    NVIC_ISER(BOARD_UART0_RX_IRQ) = NVIC_BIT(BOARD_UART0_RX_IRQ);
}

// With a full ring the next character stays in the UART and its interrupt off, until uart_get()
// makes room: a sender that waits for the receiver loses nothing.
void uart_receive(void) {
    UART_INT = INT_RX;
    while (UART_STATE & STATE_RX_FULL) {
        if (ringbuf_free(&ring) == 0) {
            UART_CTRL = CTRL_TX | CTRL_RX;
            return;
        }
        int c = UART_DATA & 0xFF;
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&ring, c);
        }
    }
}

int uart_get(void) {
    int c = ringbuf_get(&ring);
    if (c >= 0 && !(UART_CTRL & CTRL_RX_INTERRUPT)) {
        uint32_t state = irq_save();
        UART_CTRL = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
        uart_receive();
        irq_restore(state);
    }
    return c;
}

void uart_put(char c) {
    while (UART_STATE & STATE_TX_FULL) {
    }
    UART_DATA = (uint8_t)c;
}
