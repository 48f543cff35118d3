/* samples_names.c - names by the symbols of ELF files, lines by what -g leaves in them, both as libdw reads them. */
#include "cli/samples/samples_names.h"

#include "cli/common/failure.h"
#include "cli/samples/debug_library.h"
#include "cli/samples/samples_code.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#define FILES_MOST 32 /* that are open at once */

#if MSIO_LIBDW

/* A symbol is searched among all of its file's: what was found is kept, by where unwinders say that its function
 * begins. */
typedef struct named_function {
    uint64_t begin, from, to; /* from, to: addresses of the symbol; of no symbol all that begins there */
    char *name;
    UT_hash_handle hh;
} named_function;

typedef struct named_file {
    char *path;
    Dwfl *dwfl;
    Dwfl_Module *module; /* NULL: it cannot be read */
    named_function *functions;
} named_file;

#else

typedef struct named_file {
    char *path;
} named_file;

#endif

struct names {
    const debug_library *dw;
    char *(*demangle)(const char *, char *, size_t *, int *);
    int files;
    int next; /* whose place the next one takes */
    named_file file[FILES_MOST];
};

names *names_new(void) {
    names *n = cli_zeros(1, sizeof *n);
    n->dw = debug_library_get();
    void *cxx = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL), *found = cxx ? dlsym(cxx, "__cxa_demangle") : NULL;
    memcpy(&n->demangle, &found, sizeof found);
    return n;
}

/* Where no name is known. */
static char *unnamed(uint64_t address) {
    char text[24];
    snprintf(text, sizeof text, "+0x%" PRIx64, address);
    return cli_copy(text);
}

#if MSIO_LIBDW

static void close_file(const names *n, named_file *f) {
    named_function *function, *next;
    HASH_ITER(hh, f->functions, function, next) {
        HASH_DEL(f->functions, function);
        free(function->name);
        free(function);
    }
    if (f->dwfl) n->dw->dwfl_end(f->dwfl);
    free(f->path);
}

void names_free(names *n) {
    for (int i = 0; i < n->files; i++) close_file(n, &n->file[i]);
    free(n);
}

/* With addresses as the file itself gives them. */
static void open_file(const names *n, named_file *f) {
    static char *no_folder;
    Dwfl_Callbacks callbacks = {.find_elf = n->dw->dwfl_build_id_find_elf,
                                .find_debuginfo = n->dw->dwfl_standard_find_debuginfo,
                                .section_address = n->dw->dwfl_offline_section_address,
                                .debuginfo_path = &no_folder};
    static Dwfl_Callbacks kept; /* libdw keeps a pointer */
    kept = callbacks;
    f->dwfl = n->dw->dwfl_begin(&kept);
    if (!f->dwfl) return;
    int fd = code_open(f->path);
    n->dw->dwfl_report_begin(f->dwfl);
    f->module = fd >= 0 ? n->dw->dwfl_report_elf(f->dwfl, f->path, f->path, fd, 0, true) : NULL;
    if (fd >= 0 && !f->module) close(fd);
    n->dw->dwfl_report_end(f->dwfl, NULL, NULL);
}

static named_file *file_of(names *n, const char *path) {
    for (int i = n->files - 1; i >= 0; i--)
        if (strcmp(n->file[i].path, path) == 0) return &n->file[i];
    named_file *f = &n->file[n->files < FILES_MOST ? n->files++ : (n->next = (n->next + 1) % FILES_MOST)];
    close_file(n, f);
    *f = (named_file){.path = cli_copy(path)};
    open_file(n, f);
    return f;
}

/* Where the function around an address begins, by the table that unwinders search (.eh_frame_hdr: Linux Standard Base
 * 5.0, 10.6.2, in the one form that linkers write: numbers of four bytes, from the table's own address on, in order);
 * the address itself where there is none. */
static uint64_t function_begin(const debug_library *dw, Elf *elf, uint64_t address) {
    static const uint8_t form[] = {1, 0x1b, 0x03, 0x3b};
    size_t parts = 0;
    GElf_Phdr part = {0};
    if (dw->elf_getphdrnum(elf, &parts)) return address;
    for (size_t i = 0; i < parts && part.p_type != PT_GNU_EH_FRAME; i++)
        if (!dw->gelf_getphdr(elf, (int)i, &part)) return address;
    if (part.p_type != PT_GNU_EH_FRAME || part.p_filesz < 12 || part.p_filesz > 1u << 30) return address;
    const Elf_Data *data = dw->elf_getdata_rawchunk(elf, (int64_t)part.p_offset, part.p_filesz, ELF_T_BYTE);
    if (!data || data->d_size < part.p_filesz || memcmp(data->d_buf, form, sizeof form) != 0) return address;
    const uint8_t *table = (const uint8_t *)data->d_buf + 12;
    uint32_t n, low = 0;
    memcpy(&n, table - 4, 4);
    if (n > (part.p_filesz - 12) / 8) return address;
    for (uint32_t high = n; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        int32_t begin;
        memcpy(&begin, table + 8 * (size_t)middle, 4);
        if (part.p_vaddr + (uint64_t)(int64_t)begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    int32_t begin = 0;
    if (low == 0) return address;
    memcpy(&begin, table + 8 * (size_t)(low - 1), 4);
    return part.p_vaddr + (uint64_t)(int64_t)begin;
}

/* A symbol as people write it. */
static char *plain_name(const names *n, const char *symbol) {
    int status = -1;
    char *plain = n->demangle ? n->demangle(symbol, NULL, NULL, &status) : NULL;
    if (plain && status == 0) return plain;
    free(plain);
    return cli_copy(symbol);
}

static const char *function_name(const names *n, named_file *f, Elf *elf, uint64_t address, uint64_t bias) {
    uint64_t begin = function_begin(n->dw, elf, address);
    named_function *function;
    HASH_FIND(hh, f->functions, &begin, sizeof begin, function);
    if (function && address >= function->from && address < function->to) return function->name;
    if (!function) {
        function = cli_alloc(sizeof *function);
        *function = (named_function){.begin = begin};
        HASH_ADD(hh, f->functions, begin, sizeof begin, function);
    }
    GElf_Off within;
    GElf_Sym about;
    const char *symbol = n->dw->dwfl_module_addrinfo(f->module, address + bias, &within, &about, NULL, NULL, NULL);
    free(function->name);
    function->name = symbol ? plain_name(n, symbol) : unnamed(begin);
    function->from = symbol ? address - within : begin;
    function->to = symbol ? function->from + about.st_size : UINT64_MAX;
    return function->name;
}

/* A path as it is from the folder in which it was compiled, without steps up. */
static char *whole_path(const char *folder, const char *path) {
    bool within = *path != '/' && folder && *folder == '/';
    char *whole = cli_alloc((within ? strlen(folder) + 1 : 0) + strlen(path) + 1), *to = whole;
    sprintf(whole, "%s%s%s", within ? folder : "", within ? "/" : "", path);
    if (*whole != '/') return whole;
    for (char *part = whole; *part;) { /* each begins with a slash */
        size_t length = 1 + strcspn(part + 1, "/");
        if (length == 3 && strncmp(part, "/..", 3) == 0) {
            while (to > whole && *--to != '/') continue;
        } else if (length > 1 && !(length == 2 && part[1] == '.')) {
            memmove(to, part, length);
            to += length;
        }
        part += length;
    }
    *to = '\0';
    return whole;
}

/* Lines of what was built with -g itself: to ask the separate files of whole distributions would take long for what
 * nobody can change. */
static void find_line(const names *n, const named_file *f, uint64_t address, code_name *name) {
    const char *separate = NULL;
    n->dw->dwfl_module_info(f->module, NULL, NULL, NULL, NULL, NULL, NULL, &separate);
    Dwfl_Line *line = separate ? NULL : n->dw->dwfl_module_getsrc(f->module, address);
    const char *source = line ? n->dw->dwfl_lineinfo(line, NULL, &name->line, NULL, NULL, NULL) : NULL;
    if (source && name->line > 0) name->source = whole_path(n->dw->dwfl_line_comp_dir(line), source);
}

/* Where a file's first part that is loaded begins. */
static bool first_address(const debug_library *dw, Elf *elf, uint64_t *address) {
    GElf_Phdr part;
    for (int i = 0; dw->gelf_getphdr(elf, i, &part); i++) {
        if (part.p_type != PT_LOAD) continue;
        *address = part.p_vaddr - part.p_offset % (part.p_align ? part.p_align : 1);
        return true;
    }
    return false;
}

static code_name find(names *n, const char *path, uint64_t place, bool loaded) {
    named_file *f = n->dw && *path == '/' ? file_of(n, path) : NULL;
    GElf_Addr bias;
    uint64_t address;
    Elf *elf = f && f->module ? n->dw->dwfl_module_getelf(f->module, &bias) : NULL;
    bool known =
        elf && (loaded ? first_address(n->dw, elf, &address) : debug_library_address(n->dw, elf, place, &address));
    if (!known) return (code_name){.function = unnamed(place)};
    if (loaded) address += place;
    code_name name = {.function = cli_copy(function_name(n, f, elf, address, bias))};
    find_line(n, f, address + bias, &name);
    return name;
}

code_name names_find(names *n, const char *path, uint64_t offset) { return find(n, path, offset, false); }

code_name names_find_loaded(names *n, const char *path, uint64_t behind) { return find(n, path, behind, true); }

#else

void names_free(names *n) { free(n); }

code_name names_find(names *n, const char *path, uint64_t offset) {
    (void)n;
    (void)path;
    return (code_name){.function = unnamed(offset)};
}

code_name names_find_loaded(names *n, const char *path, uint64_t behind) { return names_find(n, path, behind); }

#endif
