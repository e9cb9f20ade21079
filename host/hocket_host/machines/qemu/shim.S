@ SPDX-License-Identifier: Apache-2.0
@ What the host puts under a guest so that Python can answer its NPU: the first instructions after
@ reset, the handler of accesses to the NPU's window, where the machine has nothing, and to the
@ UART while it is closed, and the handler of the timer that ends the host's waits.
@
@ Each of them rings the host (one byte out, one byte in, by semihosting, which blocks the machine
@ and with it virtual time) and then carries out the host's list of calls. Memory from the label
@ mailbox on is shared with the host. Names of its words: mailbox.py.
    .syntax unified
    .cpu cortex-m33
    .thumb

    .equ MAILBOX_KIND, 0x00
    .equ MAILBOX_VERDICT, 0x04
    .equ MAILBOX_TIME, 0x08
    .equ MAILBOX_WINDOW, 0x10
    .equ MAILBOX_WINDOW_SIZE, 0x14
    .equ MAILBOX_UART, 0x18
    .equ MAILBOX_OLD_RESET, 0x1C
    .equ MAILBOX_OLD_FAULT, 0x20
    .equ MAILBOX_OPEN_OUT, 0x24
    .equ MAILBOX_OPEN_IN, 0x30
    .equ MAILBOX_BELL_OUT, 0x3C
    .equ MAILBOX_BELL_IN, 0x48
    .equ MAILBOX_IS_OPEN, 0x54
    .equ MAILBOX_OLD_NMI, 0x58
    .equ MAILBOX_REGISTERS, 0x60
    .equ MAILBOX_CODE, 0xA8
    .equ MAILBOX_CALLS, 0x100

    .equ KIND_RESET, 1
    .equ KIND_ACCESS, 2
    .equ KIND_TIMER, 3

    .equ CALL_RESUME, 0
    .equ CALL_RING, 0x40
    .equ CALL_POKE, 0x41
    .equ CALL_PEEK, 0x42
    .equ CALL_ARM, 0x43

    .equ SYS_OPEN, 0x01
    .equ SYS_WRITE, 0x05
    .equ SYS_READ, 0x06
    .equ SYS_EXIT, 0x18
    .equ APPLICATION_EXIT, 0x20026

    .equ TIMER, 0x48001000
    .equ TIMER_COUNT, 0x00
    .equ TIMER_COMPARE, 0x20
    .equ TIMER_CONTROL, 0x2C
    .equ COUNTER_CONTROL, 0x58100000
    .equ TIMER_IRQ, 4
    .equ WATCHDOG, 0x4802E000
    .equ WATCHDOG_LOAD, 0x0
    .equ WATCHDOG_CONTROL, 0x8
    .equ WATCHDOG_CLEAR, 0xC
    .equ WATCHDOG_RAISED, 0x14
    .equ WATCHDOG_AGAIN, 32
    .equ NVIC_ISER0, 0xE000E100

    .equ SCB_CFSR, 0xE000ED28
    .equ CFSR, 0x28
    .equ MMFAR, 0x34
    .equ BFAR, 0x38
    .equ PRECISE_BUS_FAULT, 0x8200
    .equ DATA_MEMORY_FAULT, 0x82
    .equ HFSR_FORCED, 0x40000000

    .section .text
    .word on_reset
    .word on_fault
    .word on_timer
    .word on_nmi
    .word mailbox

    .thumb_func
on_reset:
    ldr r4, =mailbox
    ldr r0, =COUNTER_CONTROL
    movs r1, #1
    str r1, [r0]
    ldr r0, [r4, #MAILBOX_IS_OPEN]
    cbnz r0, 1f
    movs r0, #SYS_OPEN
    add r1, r4, #MAILBOX_OPEN_OUT
    bkpt 0xab
    str r0, [r4, #MAILBOX_BELL_OUT]
    movs r0, #SYS_OPEN
    add r1, r4, #MAILBOX_OPEN_IN
    bkpt 0xab
    str r0, [r4, #MAILBOX_BELL_IN]
    movs r0, #1
    str r0, [r4, #MAILBOX_IS_OPEN]
1:  movs r0, #KIND_RESET
    bl exchange
    ldr r0, [r4, #MAILBOX_OLD_RESET]
    bx r0

@ The CPU stacked r0 to r3, r12, lr, pc and xpsr. Only a precise fault inside a window is the
@ host's; any other goes to the guest's own handler, which finds everything as the fault left it.
    .thumb_func
on_fault:
    ldr r0, =SCB_CFSR
    ldr r1, [r0]
    ldr r3, =mailbox
    mov r2, #PRECISE_BUS_FAULT
    bics r2, r2, r1
    bne 1f
    ldr r1, [r0, #BFAR - CFSR]
    ldr r2, [r3, #MAILBOX_WINDOW]
    subs r1, r1, r2
    ldr r2, [r3, #MAILBOX_WINDOW_SIZE]
    cmp r1, r2
    blo 3f
    b 2f
1:  mvns r1, r1
    tst r1, #DATA_MEMORY_FAULT
    bne 2f
    ldr r1, [r0, #MMFAR - CFSR]
    ldr r2, [r3, #MAILBOX_UART]
    subs r1, r1, r2
    lsrs r1, r1, #12
    bne 2f

3:  tst lr, #4
    ite eq
    mrseq r1, msp
    mrsne r1, psp
    add r12, r3, #MAILBOX_REGISTERS
    stm r12!, {r1, r4-r11, lr}
    ldm r1, {r4-r11}
    stm r12!, {r4-r11}
    ldrh r0, [r10]
    ldrh r1, [r10, #2]
    strd r0, r1, [r12]

    mov r4, r3
    movs r0, #KIND_ACCESS
    bl exchange

    ldr r0, [r4, #MAILBOX_VERDICT]
    cbnz r0, 1f
    ldr r0, =SCB_CFSR
    ldr r1, =PRECISE_BUS_FAULT | DATA_MEMORY_FAULT
    mov r2, #HFSR_FORCED
    strd r1, r2, [r0]
    add r12, r4, #MAILBOX_REGISTERS + 40
    ldr r0, [r4, #MAILBOX_REGISTERS]
    ldm r12, {r4-r11}
    stm r0, {r4-r11}
    sub r12, r12, #36
    ldm r12, {r4-r11, pc}

1:  add r12, r4, #MAILBOX_REGISTERS + 4
    mov r3, r4
    ldm r12, {r4-r11, lr}
2:  ldr r0, [r3, #MAILBOX_OLD_FAULT]
    bx r0

    .thumb_func
on_timer:
    push {r4-r6, lr}
    ldr r4, =mailbox
    ldr r1, =TIMER
    movs r0, #0
    str r0, [r1, #TIMER_CONTROL]
    ldr r1, =WATCHDOG
    str r0, [r1, #WATCHDOG_CONTROL]
    mvns r0, r0
    str r0, [r1, #WATCHDOG_LOAD]
    movs r0, #KIND_TIMER
    bl exchange
    pop {r4-r6, pc}

@ A guest may disable every interrupt that it does not know, and the timer's with them. A watchdog,
@ set to a little after each deadline, finds out, and looks again until the deadline is served.
    .thumb_func
on_nmi:
    ldr r0, =WATCHDOG
    ldr r1, [r0, #WATCHDOG_RAISED]
    cbz r1, 1f
    movs r1, #WATCHDOG_AGAIN
    str r1, [r0, #WATCHDOG_LOAD]
    str r1, [r0, #WATCHDOG_CLEAR]
    ldr r0, =NVIC_ISER0
    movs r1, #1 << TIMER_IRQ
    str r1, [r0]
    bx lr
1:  ldr r0, =mailbox
    ldr r0, [r0, #MAILBOX_OLD_NMI]
    bx r0

@ r0: why; r4: mailbox. Changes r0 to r3, r5 and r6.
    .thumb_func
exchange:
    str r0, [r4, #MAILBOX_KIND]
    ldr r5, =TIMER
1:  ldr r1, [r5, #TIMER_COUNT + 4]
    ldr r0, [r5, #TIMER_COUNT]
    ldr r2, [r5, #TIMER_COUNT + 4]
    cmp r1, r2
    bne 1b
    strd r0, r1, [r4, #MAILBOX_TIME]

ring:
    movs r0, #SYS_WRITE
    add r1, r4, #MAILBOX_BELL_OUT
    bkpt 0xab
    movs r0, #SYS_READ
    add r1, r4, #MAILBOX_BELL_IN
    bkpt 0xab
    cbnz r0, nobody
    add r6, r4, #MAILBOX_CALLS

next:
    ldrd r0, r1, [r6]
    cbnz r0, 1f
    bx lr
1:  cmp r0, #CALL_RING
    beq ring
    bhi 2f
    adds r1, r6, #4
    bkpt 0xab
    str r0, [r6]
    b done
2:  ldr r2, [r6, #8]
    cmp r0, #CALL_PEEK
    blo 3f
    beq 4f
    strd r1, r2, [r5, #TIMER_COMPARE]
    movs r0, #1
    str r0, [r5, #TIMER_CONTROL]
    ldr r1, =NVIC_ISER0
    movs r2, #1 << TIMER_IRQ
    str r2, [r1]
    ldr r1, =WATCHDOG
    ldr r2, [r6, #12]
    str r2, [r1, #WATCHDOG_LOAD]
    str r2, [r1, #WATCHDOG_CLEAR]
    str r0, [r1, #WATCHDOG_CONTROL]
    b done
3:  str r2, [r1]
    b done
4:  ldr r0, [r1]
    str r0, [r6]
    b done
done:
    adds r6, #16
    b next

@ The host is gone.
nobody:
    movs r0, #SYS_EXIT
    ldr r1, =APPLICATION_EXIT
    bkpt 0xab
    b nobody

    .ltorg

    .balign 0x100
mailbox:
