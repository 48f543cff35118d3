/* samples_code.h - which file's code stands at which address of which process of a run (samples_code.c). */
#ifndef MSIO_CLI_SAMPLES_CODE_H
#define MSIO_CLI_SAMPLES_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_FILES_MOST 4096

/* A library or program. */
typedef struct code_file {
    char *path;
    const char *name; /* its last part */
    bool layer;       /* of the tables: casacore's, HDF5's, msio's */
    int64_t samples;  /* that were taken in it */
    const uint8_t *bytes;
    size_t length;
    bool looked; /* for its bytes */
} code_file;

/* A place in code. */
typedef struct code_place {
    int file;        /* of code_files; -1: code of no file */
    uint64_t offset; /* in the file; with no file the address */
} code_place;

/* Code at [from, to) of a process is a file's from `offset` on. */
typedef struct code_map {
    uint64_t from, to, offset;
    int file;
} code_map;

typedef struct code code;

code *code_new(void);
void code_free(code *all);

/* What happened to a process: code was mapped (what stood there before is gone), it was forked, became another program,
 * or its first thread ended: others may go on, so its code is forgotten when there is no other room. What finds no room
 * (65 536 maps, CODE_FILES_MOST files, 4096 processes) is unknown code. */
void code_mapped(code *all, uint32_t pid, code_map map, const char *path);
void code_forked(code *all, uint32_t child, uint32_t parent);
void code_gone(code *all, uint32_t pid);
void code_ended(code *all, uint32_t pid);

/* Code at an address. */
code_place code_at(code *all, uint32_t pid, uint64_t address);
/* A process's maps in the order of addresses; n: how many. */
const code_map *code_maps(code *all, uint32_t pid, int *n);

code_file *code_file_at(code *all, int file);
int code_files(const code *all);
/* A descriptor of a library or program, to be closed; -1: it is not there, or no regular file. */
int code_open(const char *path);
/* Whether the instruction before `offset` of the file is a call: E8 rel32, or one of the forms of FF /2. */
bool code_follows_call(code_file *file, uint64_t offset);

#endif
