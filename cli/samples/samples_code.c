/* samples_code.c - the code of a run's processes, as the kernel tells of it: files, and where each process has them. */
#include "cli/samples/samples_code.h"

#include "cli/common/failure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#define MAPS_MOST 65536 /* of all processes */
#define PROCESSES_MOST 4096

typedef struct process_code {
    uint32_t pid;
    bool ended;
    int maps, room;
    code_map *map; /* in the order of addresses, without overlaps */
    UT_hash_handle hh;
} process_code;

struct code {
    int files, maps;
    code_file *file;
    process_code *process;
};

code *code_new(void) {
    code *all = cli_alloc(sizeof *all);
    *all = (code){.file = cli_alloc_many(CODE_FILES_MOST, sizeof *all->file)};
    return all;
}

static void drop(code *all, process_code *p) {
    all->maps -= p->maps;
    HASH_DEL(all->process, p);
    free(p->map);
    free(p);
}

void code_free(code *all) {
    process_code *p, *next;
    HASH_ITER(hh, all->process, p, next) drop(all, p);
    for (int i = 0; i < all->files; i++) {
        if (all->file[i].bytes) munmap((void *)(uintptr_t)all->file[i].bytes, all->file[i].length);
        free(all->file[i].path);
    }
    free(all->file);
    free(all);
}

/* ---------------------------------------------------------------- files */

static bool begins_with(const char *name, const char *begin) { return strncmp(name, begin, strlen(begin)) == 0; }

static int find_file(code *all, const char *path) {
    for (int i = all->files - 1; i >= 0; i--)
        if (strcmp(all->file[i].path, path) == 0) return i;
    if (all->files == CODE_FILES_MOST) return -1;
    code_file *f = &all->file[all->files];
    memset(f, 0, sizeof *f);
    f->path = cli_copy(path);
    const char *slash = strrchr(f->path, '/');
    f->name = slash ? slash + 1 : f->path;
    f->layer =
        begins_with(f->name, "libcasa_tables") || begins_with(f->name, "libhdf5") || begins_with(f->name, "libmsio.so");
    return all->files++;
}

code_file *code_file_at(code *all, int file) { return &all->file[file]; }

int code_files(const code *all) { return all->files; }

int code_open(const char *path) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))) return fd;
    close(fd);
    return -1;
}

static void look_into(code_file *f) {
    struct stat about;
    f->looked = true;
    int fd = code_open(f->path);
    if (fd < 0) return;
    if (fstat(fd, &about) == 0 && about.st_size > 0) {
        void *map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) f->bytes = map, f->length = (size_t)about.st_size;
    }
    close(fd);
}

bool code_follows_call(code_file *f, uint64_t at) {
    if (!f->looked) look_into(f);
    if (!f->bytes || at < 8 || at > f->length) return false;
    const uint8_t *p = f->bytes + at;
    if (p[-5] == 0xe8) return true;
    for (int n = 2; n <= 7; n++)
        if (p[-n] == 0xff && ((p[1 - n] >> 3) & 7) == 2) return true;
    return false;
}

/* ---------------------------------------------------------------- processes */

/* Whether so many more maps, or another process, find room. */
static bool make_room(code *all, int maps, unsigned processes) {
    process_code *p, *next;
    if (all->maps + maps <= MAPS_MOST && HASH_COUNT(all->process) + processes <= PROCESSES_MOST) return true;
    HASH_ITER(hh, all->process, p, next) if (p->ended) drop(all, p);
    return all->maps + maps <= MAPS_MOST && HASH_COUNT(all->process) + processes <= PROCESSES_MOST;
}

static process_code *process_of(code *all, uint32_t pid, bool make) {
    process_code *p;
    HASH_FIND(hh, all->process, &pid, sizeof pid, p);
    if (p || !make || !make_room(all, 1, 1)) return p;
    p = cli_alloc(sizeof *p);
    *p = (process_code){.pid = pid};
    HASH_ADD(hh, all->process, pid, sizeof p->pid, p);
    return p;
}

/* The first map that ends behind the address. */
static int first_behind(const process_code *p, uint64_t address) {
    int low = 0, high = p->maps;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (p->map[middle].to > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert(code *all, process_code *p, int at, code_map map) {
    if (all->maps == MAPS_MOST) return; /* room was made before */
    if (p->maps == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->map = cli_resize(p->map, (size_t)p->room, sizeof *p->map);
    }
    if (at < p->maps) memmove(p->map + at + 1, p->map + at, (size_t)(p->maps - at) * sizeof *p->map);
    p->map[at] = map;
    p->maps++;
    all->maps++;
}

/* Nothing is left of what stood in [from, to); returns where in the order a map of those bytes belongs. */
static int clear(code *all, process_code *p, uint64_t from, uint64_t to) {
    int at = first_behind(p, from), kept = at;
    if (at < p->maps && p->map[at].from < from) {
        code_map tail = p->map[at];
        p->map[at].to = from;
        tail.offset += from - tail.from, tail.from = from;
        insert(all, p, ++at, tail); /* what does not fit is in what is cleared, or behind it and lost */
        kept = at;
    }
    while (at < p->maps && p->map[at].to <= to) at++;
    if (at < p->maps && p->map[at].from < to) {
        p->map[at].offset += to - p->map[at].from;
        p->map[at].from = to;
    }
    if (at > kept) memmove(p->map + kept, p->map + at, (size_t)(p->maps - at) * sizeof *p->map);
    all->maps -= at - kept;
    p->maps -= at - kept;
    return kept;
}

void code_mapped(code *all, uint32_t pid, code_map map, const char *path) {
    process_code *p = map.to > map.from ? process_of(all, pid, true) : NULL;
    if (!p) return;
    p->ended = false;
    make_room(all, 2, 0);
    int at = clear(all, p, map.from, map.to);
    map.file = find_file(all, path);
    if (map.file >= 0) insert(all, p, at, map);
}

void code_forked(code *all, uint32_t child, uint32_t parent) {
    code_gone(all, child);
    process_code *from = process_of(all, parent, false);
    if (!from) return;
    from->ended = false;
    if (!make_room(all, from->maps, 1)) return;
    process_code *to = process_of(all, child, true);
    if (!to || from->maps == 0) return;
    to->map = cli_alloc_many((size_t)from->maps, sizeof *to->map);
    memcpy(to->map, from->map, (size_t)from->maps * sizeof *to->map);
    to->maps = to->room = from->maps;
    all->maps += to->maps;
}

void code_gone(code *all, uint32_t pid) {
    process_code *p = process_of(all, pid, false);
    if (p) drop(all, p);
}

void code_ended(code *all, uint32_t pid) {
    process_code *p = process_of(all, pid, false);
    if (p) p->ended = true;
}

code_place code_at(code *all, uint32_t pid, uint64_t address) {
    const process_code *p = process_of(all, pid, false);
    int at = p ? first_behind(p, address) : 0;
    if (!p || at == p->maps || p->map[at].from > address) return (code_place){-1, address};
    return (code_place){p->map[at].file, address - p->map[at].from + p->map[at].offset};
}

const code_map *code_maps(code *all, uint32_t pid, int *n) {
    const process_code *p = process_of(all, pid, false);
    *n = p ? p->maps : 0;
    return p ? p->map : NULL;
}
