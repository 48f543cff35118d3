/* large_run.c - counters as a large run would have left them: files of tables, lines of Python with accesses, stacks,
 * functions and their callers, tasks; with a log of events of so many threads.
 * usage: large_run FOLDER FILES SITES THREADS; FOLDER is there. Nothing of it but its names exists.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "prof/preload/profile_events.h"
#include "prof/preload/profile_segment.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES_OF_TABLE 10
#define COLUMNS 3 /* that each line asks for */

static profile_segment *s;
static uint32_t strings, text = 1;
static uint32_t files, sites, threads;

static void *make(const char *folder, const char *name, size_t size) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    void *map =
        fd < 0 || ftruncate(fd, (off_t)size) ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        perror(path);
        exit(3);
    }
    close(fd);
    return map;
}

static uint32_t string(const char *value) {
    size_t length = strlen(value) + 1;
    if (strings == PROFILE_STRINGS || text + length > PROFILE_TEXT_BYTES) exit(4);
    memcpy(s->text + text, value, length);
    s->string[strings] = (profile_string){PROFILE_READY, text, 0};
    text += (uint32_t)length;
    return strings++;
}

static uint32_t string_of(const char *form, uint32_t number, uint32_t other) {
    char value[256];
    snprintf(value, sizeof value, form, number, other);
    return string(value);
}

static void make_files(void) {
    for (uint32_t i = 0; i < files; i++) {
        profile_file *f = &s->file[i];
        *f = (profile_file){.state = PROFILE_READY, .kind = PROFILE_TABLE_FILE};
        f->path = string_of("/nowhere/observation/night%u.ms/table.f%u", i / FILES_OF_TABLE, i % FILES_OF_TABLE);
        f->opens = f->closes = 1;
        f->reads = 50;
        f->bytes_read = 50 * 4096;
        f->read_ns = 100000;
        for (uint64_t k = 0; k < 50; k++)
            s->extent[50 * i + k] = (profile_extent){PROFILE_READY, f->path, 4096 * k, 4096, 1, 0, 1};
    }
}

static void make_accesses(void) {
    static const char *const columns[COLUMNS] = {"DATA", "FLAG", "UVW"};
    uint32_t column[COLUMNS], *table = calloc(files / FILES_OF_TABLE + 1, sizeof *table);
    for (uint32_t i = 0; i < COLUMNS; i++) column[i] = string(columns[i]);
    for (uint32_t i = 0; i <= files / FILES_OF_TABLE; i++)
        table[i] = string_of("/nowhere/observation/night%u.ms", i, 0);
    for (uint32_t i = 0; i < COLUMNS * sites && i < PROFILE_ACCESSES; i++) {
        profile_access *a = &s->access[i];
        *a = (profile_access){.state = PROFILE_READY, .table = table[i / COLUMNS % (files / FILES_OF_TABLE)]};
        a->column = column[i % COLUMNS];
        a->site = i / COLUMNS + 1;
        a->sure = PROFILE_SITE_EXACT;
        a->cells = 100 + i % 7;
        a->elements = 1000;
        a->longest = 90;
        a->last_row = 99;
    }
    free(table);
}

static void make_sites(void) {
    uint32_t file = 0;
    for (uint32_t i = 0; i < sites; i++) {
        if (i % 100 == 0) file = string_of("/home/user/pipeline/step%u.py", i / 100, 0);
        s->site[i] = (profile_site){.state = PROFILE_READY, .file = file, .line = (int32_t)(i % 100 + 1)};
        s->site[i].function = string_of("function_%u", i, 0);
        s->site[i].blocks = 1;
        s->site[i].block_bytes = 1 << 20;
    }
    for (uint32_t i = 0; i < PROFILE_STACKS; i++) {
        profile_stack *k = &s->stack[i];
        *k =
            (profile_stack){.state = PROFILE_READY, .depth = 30, .samples = 3, .wall_ns = 30000000, .cpu_ns = 20000000};
        for (uint32_t frame = 0; frame < k->depth; frame++) k->site[frame] = (i * 7 + frame) % sites;
    }
}

static void make_functions(void) {
    for (uint32_t i = 0; i < sites; i++) {
        const profile_site *at = &s->site[i];
        s->function[i] = (profile_function){PROFILE_READY, at->file, at->function, at->line, 0, 1000000};
    }
    for (uint32_t i = 0; i < PROFILE_EDGES; i++)
        s->edge[i] = (profile_edge){PROFILE_READY, (i * 31 + i / sites) % sites + 1, i % sites, 0, 5, 0, 1000, 2000};
}

static void make_tasks(void) {
    uint32_t module = string("/site-packages/casatasks/gaincal.py");
    s->tasks = PROFILE_TASKS;
    for (uint32_t i = 0; i < PROFILE_TASKS; i++) {
        s->task[i] = (profile_task){.state = PROFILE_READY, .file = module, .site = i % sites + 1};
        s->task[i].on = s->access[COLUMNS * i % (COLUMNS * sites)].table;
        s->task[i].start = s->started + i * UINT64_C(1000000);
        s->task[i].wall_ns = 1000000;
    }
}

static void make_told(void) {
    const uint32_t function = string("msio_read"), kind = string("answers");
    for (uint32_t i = 0; i < PROFILE_TOLD; i++) {
        s->told[i] = (profile_told){.state = PROFILE_READY, .function = function, .site = i % sites + 1, .calls = 2};
        s->told[i].path = s->access[COLUMNS * (i / sites) % (COLUMNS * sites)].table;
        s->told[i].sure = PROFILE_SITE_EXACT;
        s->told[i].ended = 2, s->told[i].ns = 1000, s->told[i].bytes = 100, s->told[i].rows = 10;
    }
    for (uint32_t i = 0; i < PROFILE_HELD; i++)
        s->held[i] = (profile_held){PROFILE_READY, 0, s->access[COLUMNS * i % (COLUMNS * sites)].table, kind, i, 2 * i};
}

static void make_events(const char *folder) {
    profile_events *log = make(folder, PROFILE_EVENTS_FILE, sizeof *log);
    memcpy(log->magic, PROFILE_EVENTS_MAGIC, 8);
    log->version = PROFILE_EVENTS_VERSION;
    log->bytes = sizeof *log;
    log->taken = PROFILE_EVENTS;
    for (uint32_t i = 0; i < PROFILE_EVENTS; i++) {
        profile_event *e = &log->event[i];
        bool access = i % 3 == 0;
        *e = (profile_event){.number = i + 1, .start = i * UINT64_C(1000), .amount = access ? 1 : 4096};
        e->duration = access ? 0 : 500;
        e->kind = access ? PROFILE_EVENT_ACCESS : PROFILE_EVENT_READ;
        e->of = access ? i / 300 % sites : i / 500 % files;
        e->thread = 1000 + i / 100 % threads;
    }
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    files = (uint32_t)atoi(argv[2]), sites = (uint32_t)atoi(argv[3]), threads = (uint32_t)atoi(argv[4]);
    if (files < FILES_OF_TABLE || files > PROFILE_EXTENTS / 50 || !sites || sites > PROFILE_SITES || !threads) return 2;
    s = make(argv[1], PROFILE_FILE, sizeof *s);
    memcpy(s->magic, PROFILE_MAGIC, 8);
    s->version = PROFILE_VERSION;
    s->bytes = sizeof *s;
    s->started = 1;
    s->processes = 1;
    s->process[0] = (profile_process){.state = PROFILE_READY, .pid = 4711, .seen = PROFILE_SEEN_TRACE, .ended = 1};
    strcpy(s->process[0].command, "pipeline");
    s->looks = 3 * PROFILE_STACKS;
    make_files();
    make_sites();
    make_accesses();
    make_functions();
    make_tasks();
    make_told();
    make_events(argv[1]);
    return 0;
}
