/* python_leave.c - the line of Python that an access comes from when its thread has left Python's lock, as CASA's tools
 * do for the length of a call: noted at the moment of leaving, when Python can still be asked.
 *
 * Extension modules leave and take the lock by PyEval_SaveThread and PyEval_RestoreThread. Where the program itself
 * defines these, as Debian's python3 does, a library in front of it is not asked; so the entries of the modules' own
 * tables of functions (the global offset table, ELF) are set to ours. Python itself, whose every file call leaves the
 * lock, is left alone.
 */
#include "prof/preload/preload.h"
#include "prof/preload/python.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define IS_FUNCTION_ENTRY(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#elif defined(__aarch64__)
#define IS_FUNCTION_ENTRY(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#else
#define IS_FUNCTION_ENTRY(type) 0
#endif

#define WATCH_EACH 64 /* accesses without a line, between looks for new modules */

static __thread uint32_t left_at __attribute__((tls_model("initial-exec"))); /* entry of sites + 1 */

/* ---------------------------------------------------------------- leaving and taking the lock */

static python_object *leave(void) {
    uint32_t sure;
    int kept = errno;
    left_at = preload_segment ? preload_python_site(&sure) : 0;
    errno = kept;
    return python.leave();
}

static void enter(python_object *thread) {
    left_at = 0;
    python.enter(thread);
}

/* ---------------------------------------------------------------- modules' tables of functions */

typedef struct module {
    ElfW(Addr) base;
    const char *path;
    const ElfW(Sym) * symbols;
    const char *names;
    ElfW(Addr) fixed_from, fixed_to; /* what the loader has made read-only */
} module;

static void set_entry(const module *m, ElfW(Addr) at, void *function) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = at & ~(page - 1);
    size_t length = at + sizeof(void *) - first;
    bool fixed = at >= m->fixed_from && at < m->fixed_to;
    if (fixed && mprotect((void *)first, length, PROT_READ | PROT_WRITE)) return;
    __atomic_store_n((void **)at, function, __ATOMIC_RELEASE);
    if (fixed) mprotect((void *)first, length, PROT_READ);
}

static void look_through(const module *m, const ElfW(Rela) * entries, size_t n) {
    for (size_t i = 0; entries && i < n; i++) {
        if (!IS_FUNCTION_ENTRY(ELF64_R_TYPE(entries[i].r_info))) continue;
        const char *name = m->names + m->symbols[ELF64_R_SYM(entries[i].r_info)].st_name;
        if (strncmp(name, "PyEval_", 7) != 0) continue;
        if (strcmp(name + 7, "SaveThread") == 0) set_entry(m, m->base + entries[i].r_offset, (void *)(uintptr_t)leave);
        if (strcmp(name + 7, "RestoreThread") == 0)
            set_entry(m, m->base + entries[i].r_offset, (void *)(uintptr_t)enter);
    }
}

/* Most C libraries have set these addresses to where the module stands, some leave them as they are in the file. */
static const void *place_of(const module *m, const ElfW(Dyn) * entry) {
    ElfW(Addr) at = entry->d_un.d_ptr;
    return (const void *)(at < m->base ? at + m->base : at);
}

static void look_into(module *m, const ElfW(Dyn) * dynamic) {
    const ElfW(Rela) *data = NULL, *calls = NULL;
    size_t data_bytes = 0, calls_bytes = 0;
    ElfW(Sxword) form = DT_RELA;
    for (const ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB) m->symbols = place_of(m, d);
        if (d->d_tag == DT_STRTAB) m->names = place_of(m, d);
        if (d->d_tag == DT_RELA) data = place_of(m, d);
        if (d->d_tag == DT_RELASZ) data_bytes = d->d_un.d_val;
        if (d->d_tag == DT_JMPREL) calls = place_of(m, d);
        if (d->d_tag == DT_PLTRELSZ) calls_bytes = d->d_un.d_val;
        if (d->d_tag == DT_PLTREL) form = (ElfW(Sxword))d->d_un.d_val;
    }
    if (!m->symbols || !m->names) return;
    look_through(m, data, data_bytes / sizeof *data);
    if (form == DT_RELA) look_through(m, calls, calls_bytes / sizeof *calls);
}

/* How many modules have been loaded and unloaded when they were last gone through. */
static _Atomic unsigned long long loaded_then, unloaded_then;

static int visit(struct dl_phdr_info *info, size_t size, void *state) {
    const ElfW(Dyn) *dynamic = NULL;
    module m = {.base = info->dlpi_addr, .path = info->dlpi_name};
    bool *first = state;
    (void)size;
    if (*first) {
        bool same = atomic_exchange(&loaded_then, info->dlpi_adds) == info->dlpi_adds;
        same &= atomic_exchange(&unloaded_then, info->dlpi_subs) == info->dlpi_subs;
        if (same) return 1;
    }
    *first = false;
    if (!m.path || !*m.path || strstr(m.path, "/libpython")) return 0; /* the program; Python */
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_DYNAMIC) dynamic = (const void *)(m.base + part->p_vaddr);
        if (part->p_type != PT_GNU_RELRO) continue;
        /* whole pages only: what shares its page with data that changes is left writable */
        const ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE) - 1;
        m.fixed_from = (m.base + part->p_vaddr) & ~page;
        m.fixed_to = (m.base + part->p_vaddr + part->p_memsz) & ~page;
    }
    /* the kernel's own module (vdso) has addresses that are not set to where it stands */
    if (dynamic && strchr(m.path, '/')) look_into(&m, dynamic);
    return 0;
}

void preload_watch_modules(void) {
    static _Atomic int at_work;
    int none = 0, kept = errno;
    bool first = true;
    if (!python_is_there() || !atomic_compare_exchange_strong(&at_work, &none, 1)) return;
    dl_iterate_phdr(visit, &first);
    atomic_store(&at_work, 0);
    errno = kept;
}

uint32_t preload_left_site(void) {
    static __thread unsigned missed __attribute__((tls_model("initial-exec")));
    if (!left_at && missed++ % WATCH_EACH == 0 && python_is_there() && python.thread_state()) preload_watch_modules();
    return left_at;
}
