/* debug_library.h - elfutils' libdw, loaded where it is installed: how frames are unwound, what functions and lines are
 * called. Nothing else of the command needs it, so the command does not link it. */
#ifndef MSIO_CLI_DEBUG_LIBRARY_H
#define MSIO_CLI_DEBUG_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#if MSIO_LIBDW

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

#define DEBUG_LIBRARY_FUNCTIONS(F)                                                                                     \
    F(elf_version)                                                                                                     \
    F(elf_begin)                                                                                                       \
    F(elf_memory)                                                                                                      \
    F(elf_cntl)                                                                                                        \
    F(elf_end)                                                                                                         \
    F(elf_getdata_rawchunk)                                                                                            \
    F(elf_getphdrnum)                                                                                                  \
    F(gelf_getphdr)                                                                                                    \
    F(dwarf_getcfi_elf)                                                                                                \
    F(dwarf_cfi_end)                                                                                                   \
    F(dwarf_cfi_addrframe)                                                                                             \
    F(dwarf_frame_info)                                                                                                \
    F(dwarf_frame_cfa)                                                                                                 \
    F(dwarf_frame_register)                                                                                            \
    F(dwfl_begin)                                                                                                      \
    F(dwfl_end)                                                                                                        \
    F(dwfl_report_begin)                                                                                               \
    F(dwfl_report_elf)                                                                                                 \
    F(dwfl_report_end)                                                                                                 \
    F(dwfl_module_getelf)                                                                                              \
    F(dwfl_module_addrinfo)                                                                                            \
    F(dwfl_module_info)                                                                                                \
    F(dwfl_module_getsrc)                                                                                              \
    F(dwfl_line_comp_dir)                                                                                              \
    F(dwfl_lineinfo)                                                                                                   \
    F(dwfl_build_id_find_elf)                                                                                          \
    F(dwfl_standard_find_debuginfo)                                                                                    \
    F(dwfl_offline_section_address)

typedef struct debug_library {
#define DEBUG_LIBRARY_MEMBER(name) __typeof__(name) *name;
    DEBUG_LIBRARY_FUNCTIONS(DEBUG_LIBRARY_MEMBER)
#undef DEBUG_LIBRARY_MEMBER
} debug_library;

/* The address that an ELF file itself gives to the bytes at an offset; false: it loads none there. */
bool debug_library_address(const debug_library *dw, Elf *elf, uint64_t offset, uint64_t *address);

#else

typedef struct debug_library debug_library;

#endif

/* The library, loaded once; NULL: it is not installed, lacks a function, or msio was built without its headers. Not
 * thread-safe at the first call. */
const debug_library *debug_library_get(void);

#endif
