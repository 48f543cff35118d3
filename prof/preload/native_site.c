/* native_site.c - the function of C or C++ that an access comes from: the first one outside casacore on the stack.
 *
 * Stacks are walked at accesses only, never in a signal handler: by libunwind, where it is installed (loaded at run
 * time, its names kept apart from the program's), else by the C library's own, slower backtrace.
 */
#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 48
#define PLACES 4096u /* power of two */

/* What is known of a return address. */
typedef struct place {
    _Atomic(void *) address;
    _Atomic uint32_t site; /* entry + 2; 1: of casacore or of ours, passed over; 0: not known yet */
} place;

static place places[PLACES];
static _Atomic(void *) walk_function;
static _Atomic int looked;

typedef struct looking {
    uintptr_t address;
    preload_library *found;
} looking;

static int visit(struct dl_phdr_info *info, size_t size, void *state) {
    looking *look = state;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || look->address - (info->dlpi_addr + part->p_vaddr) >= part->p_memsz) continue;
        *look->found = (preload_library){info->dlpi_name, (const void *)info->dlpi_addr};
        return info->dlpi_name && *info->dlpi_name ? 1 : 2;
    }
    return 0;
}

bool preload_library_at(const void *address, preload_library *found) {
    looking look = {(uintptr_t)address, found};
    return dl_iterate_phdr(visit, &look) == 1;
}

static int walk(void **frames, int most) {
    if (!atomic_load_explicit(&looked, memory_order_acquire)) {
        void *library = dlopen("libunwind.so.8", RTLD_LAZY | RTLD_LOCAL);
        atomic_store(&walk_function, library ? dlsym(library, "unw_backtrace") : NULL);
        atomic_store_explicit(&looked, 1, memory_order_release);
    }
    void *found = atomic_load_explicit(&walk_function, memory_order_relaxed);
    int (*function)(void **, int) = NULL;
    memcpy(&function, &found, sizeof function);
    return function ? function(frames, most) : backtrace(frames, most);
}

static bool is_passed_over(const char *library) {
    static const char *const begins[] = {"libcasa_", "libcasacore", "libmsio",        "_msio.",
                                         "_tables.", "libstdc++",   "libboost_python"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(library, begins[i], strlen(begins[i])) == 0) return true;
    return false;
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A name as people write it: by the C++ library of the program, where it has one. */
static uint32_t name_of(const char *symbol) {
    char *(*demangle)(const char *, char *, size_t *, int *) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
    int status = -1;
    memcpy(&demangle, &found, sizeof demangle);
    char *plain = demangle ? demangle(symbol, NULL, NULL, &status) : NULL;
    const char *name = plain && status == 0 ? plain : symbol;
    uint32_t string = preload_string(name, strnlen(name, 240));
    free(plain);
    return string;
}

/* "+0x1a2b": where no name is known, as of a stripped program. */
static uint32_t offset_of(uintptr_t offset) {
    char text[24] = "+0x";
    int digits = 1;
    for (uintptr_t rest = offset >> 4; rest; rest >>= 4) digits++;
    for (int i = 0; i < digits; i++) text[3 + i] = "0123456789abcdef"[offset >> 4 * (digits - 1 - i) & 15];
    return preload_string(text, (size_t)(3 + digits));
}

/* Programs are called as they were started: their own path is the kernel's. */
static uint32_t path_of(const char *name) {
    char path[PATH_MAX];
    ssize_t length = *name == '/' ? -1 : readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? preload_string(path, (size_t)length) : preload_string(name, strlen(name));
}

/* The line and a name that does without the library's own symbols are found after the run, by the place in the file. */
static uint32_t learn(void *address) {
    Dl_info about;
    preload_library in;
    if (preload_library_at(address, &in) && is_passed_over(file_name(in.path))) return 1;
    if (!dladdr(address, &about) || !about.dli_fname) return 1;
    const char *library = file_name(about.dli_fname);
    if (is_passed_over(library)) return 1;
    uintptr_t behind = (uintptr_t)address - (uintptr_t)about.dli_fbase;
    uint32_t file = path_of(about.dli_fname);
    uint32_t function = about.dli_sname ? name_of(about.dli_sname) : offset_of(behind);
    if (file == UINT32_MAX || function == UINT32_MAX) return 1;
    uint32_t site = preload_site(file, function, behind <= INT32_MAX ? -(int)behind : 0);
    return site == UINT32_MAX ? 1 : site + 2;
}

static uint32_t site_at(void *address) {
    uint32_t at = (uint32_t)((uintptr_t)address * 0x9e3779b97f4a7c15u >> 40) & (PLACES - 1);
    for (int i = 0; i < 8; i++, at = (at + 1) & (PLACES - 1)) {
        void *seen = atomic_load_explicit(&places[at].address, memory_order_acquire);
        if (!seen && atomic_compare_exchange_strong(&places[at].address, &seen, address)) seen = address;
        if (seen != address) continue;
        uint32_t site = atomic_load_explicit(&places[at].site, memory_order_relaxed);
        if (!site) atomic_store_explicit(&places[at].site, site = learn(address), memory_order_relaxed);
        return site;
    }
    return learn(address);
}

uint32_t preload_native_site(void) {
    void *frames[FRAMES];
    int kept = errno, n = walk(frames, FRAMES);
    uint32_t site = 1;
    for (int i = 0; i < n && site == 1; i++) site = site_at(frames[i]);
    errno = kept;
    return site > 1 ? site - 1 : 0;
}
