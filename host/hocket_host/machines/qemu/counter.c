// SPDX-License-Identifier: Apache-2.0
// Counts the guest's instructions in a word of a file that the host has mapped, too: a plugin of
// QEMU 7 and 8 (plugin API 1), of which it declares the few calls that it makes.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct block;
struct machine;
enum { INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
size_t qemu_plugin_tb_n_insns(const struct block *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int, void *, uint64_t);

EXPORT int qemu_plugin_version = 1;

static uint64_t *executed;

static void translated(plugin_id id, struct block *block) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, executed, count);
}

// One argument, into=PATH: a file of at least eight bytes.
EXPORT int qemu_plugin_install(
    plugin_id id, const struct machine *machine, int count, char **arguments) {
    (void)machine;
    static const char name[] = "into=";
    if (count != 1 || strncmp(arguments[0], name, sizeof name - 1) != 0) {
        return 1;
    }
    int file = open(arguments[0] + sizeof name - 1, O_RDWR);
    if (file < 0) {
        return 1;
    }
    executed = mmap(NULL, sizeof *executed, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (executed == MAP_FAILED) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
