// SPDX-License-Identifier: Apache-2.0
// One life of the interpreter after another: the application, then the REPL.
#include "py/builtin.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/lexer.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

extern uint8_t _sheap, _eheap, _sstack, _estack;

static mp_obj_t frames[PYSTACK_SIZE / sizeof(mp_obj_t)];

static void repl(void) {
    for (;;) {
        int result = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL
            ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (result != 0) {
            return;
        }
    }
}

int main(void) {
    clock_init();
    uart_init();
    for (;;) {
        mp_cstack_init_with_top(&_estack, &_estack - &_sstack);
        mp_pystack_init(frames, frames + MP_ARRAY_SIZE(frames));
        gc_init(&_sheap, &_eheap);
        mp_init();
        irq_release_all();
        irq_allow();
        pyexec_frozen_module("_boot.py", false);
        // A tool that resets from the raw REPL wants a machine at rest.
        int result = 0;
        if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
            result = pyexec_frozen_module("_start.py", true);
        }
        if (!(result & PYEXEC_FORCED_EXIT)) {
            repl();
        }
        mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
        irq_release_all();
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

// There is no file system: modules are frozen or come through the REPL.
mp_lexer_t *mp_lexer_new_from_file(qstr name) {
    mp_raise_OSError(MP_ENOENT);
}

mp_import_stat_t mp_import_stat(const char *path) {
    return MP_IMPORT_STAT_NO_EXIST;
}

static mp_obj_t open_nothing(size_t count, const mp_obj_t *arguments, mp_map_t *keywords) {
    mp_raise_OSError(MP_ENOENT);
}
MP_DEFINE_CONST_FUN_OBJ_KW(mp_builtin_open_obj, 1, open_nothing);

void nlr_jump_fail(void *value) {
    mp_hal_stdout_tx_str("FAULT exception outside of any handler\r\n");
    semihosting_exit(1);
}
