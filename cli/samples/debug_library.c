/* debug_library.c - loads libdw once. */
#include "cli/samples/debug_library.h"

#include <stddef.h>

#if MSIO_LIBDW

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static debug_library library;

static bool load(void) {
    void *handle = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return false;
    void *function;
#define DEBUG_LIBRARY_FIND(name)                                                                                       \
    if (!(function = dlsym(handle, #name))) return false;                                                              \
    memcpy(&library.name, &function, sizeof function);
    DEBUG_LIBRARY_FUNCTIONS(DEBUG_LIBRARY_FIND) /* those of libelf, which it needs, too */
#undef DEBUG_LIBRARY_FIND
    unsetenv("DEBUGINFOD_URLS"); /* it would ask servers for names */
    return library.elf_version(EV_CURRENT) != EV_NONE;
}

const debug_library *debug_library_get(void) {
    static bool looked, there;
    if (!looked) looked = true, there = load();
    return there ? &library : NULL;
}

bool debug_library_address(const debug_library *dw, Elf *elf, uint64_t offset, uint64_t *address) {
    size_t parts = 0;
    if (dw->elf_getphdrnum(elf, &parts)) return false;
    for (size_t i = 0; i < parts; i++) {
        GElf_Phdr part;
        if (!dw->gelf_getphdr(elf, (int)i, &part) || part.p_type != PT_LOAD) continue;
        if (offset < part.p_offset || offset - part.p_offset >= part.p_filesz) continue;
        *address = offset - part.p_offset + part.p_vaddr;
        return true;
    }
    return false;
}

#else

const debug_library *debug_library_get(void) { return NULL; }

#endif
