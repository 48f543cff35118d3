/* segment.c - the shared counters as a process sees them: attached on first need, filled without locks. */
#include "prof/preload/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "profile" /* [+calls][+trace][+lines=NAME,...]:FOLDER */
#define LINES "+lines="
#define PROBES 512u
#define PROBES_CLOSE 16u /* of them side by side, of extents */
/* A claim whose owner was killed is passed over after so many looks. */
#define PATIENCE 4096

profile_segment *preload_segment;
unsigned preload_epoch;
__thread preload_thread preload_own_thread __attribute__((tls_model("initial-exec")));

static char segment_path[4096];
static char folder_path[4096], wanted_lines[1024];
static bool wants_calls, wants_text, wants_events;
static _Atomic int attached; /* 0 not tried, 1 being tried, 2 done */
static _Atomic int own_pid;
static _Atomic uint32_t own_process; /* entry + 1; 0: none yet */

bool preload_wanted(void) { return segment_path[0] != '\0'; }

bool preload_wants_calls(void) { return wants_calls; }

const char *preload_wanted_lines(void) { return wanted_lines; }

const char *preload_folder(void) { return folder_path; }

bool preload_wants_text(void) { return wants_text; }

uint64_t preload_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int current_pid(void) { return (int)syscall(SYS_getpid); }

bool preload_is_own_memory(void) { return atomic_load_explicit(&own_pid, memory_order_relaxed) == current_pid(); }

/* ---------------------------------------------------------------- attaching */

/* A file that processes share: its path, its size, and how it begins. */
typedef struct shared_file {
    const char *path;
    size_t size, head_size;
    const void *head;
} shared_file;

/* A program that was started without the command makes its own, under a name that appears when it is whole. */
static int make_shared(const shared_file *file) {
    char name[4200];
    char digits[24];
    int n = 0;
    for (int pid = current_pid(); pid > 0; pid /= 10) digits[n++] = (char)('0' + pid % 10);
    size_t length = strlen(file->path);
    memcpy(name, file->path, length);
    name[length++] = '.';
    while (n > 0) name[length++] = digits[--n];
    name[length] = '\0';
    int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    bool made = syscall(SYS_fallocate, fd, 0, (off_t)0, (off_t)file->size) == 0;
    made = made && syscall(SYS_pwrite64, fd, file->head, file->head_size, (off_t)0) == (long)file->head_size;
    /* link does not replace what another process made meanwhile */
    bool ours = made && syscall(SYS_linkat, AT_FDCWD, name, AT_FDCWD, file->path, 0) == 0;
    syscall(SYS_unlinkat, AT_FDCWD, name, 0);
    if (ours) return fd;
    syscall(SYS_close, fd);
    return made ? (int)syscall(SYS_openat, AT_FDCWD, file->path, O_RDWR | O_CLOEXEC, 0) : -1;
}

/* NULL: it cannot be had, or begins differently in its first `same` bytes. */
static void *map_shared(const shared_file *file, size_t same) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file->path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) fd = make_shared(file);
    if (fd < 0) return NULL;
    void *found = NULL;
    if (syscall(SYS_lseek, fd, 0L, SEEK_END) == (off_t)file->size) {
        void *map = (void *)syscall(SYS_mmap, NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
        if (map != MAP_FAILED) found = map;
        /* what is touched lies apart: pages around it would be cleared for nothing */
        if (found) syscall(SYS_madvise, found, file->size, MADV_RANDOM);
    }
    syscall(SYS_close, fd);
    if (found && memcmp(found, file->head, same) == 0) return found;
    if (found) syscall(SYS_munmap, found, file->size);
    return NULL;
}

static profile_segment *map_segment(void) {
    profile_head head = {PROFILE_MAGIC, PROFILE_VERSION,   (uint32_t)sizeof(profile_segment),
                         preload_now(), PROFILE_SAMPLE_HZ, 0};
    return map_shared(&(shared_file){segment_path, sizeof(profile_segment), sizeof head, &head},
                      offsetof(profile_head, started));
}

static profile_events *map_events(void) {
    char path[sizeof segment_path + sizeof PROFILE_EVENTS_FILE];
    profile_head head = {PROFILE_EVENTS_MAGIC, PROFILE_EVENTS_VERSION, (uint32_t)sizeof(profile_events), 0, 0, 0};
    size_t folder = strlen(segment_path) - (sizeof PROFILE_FILE - 1);
    memcpy(path, segment_path, folder);
    memcpy(path + folder, PROFILE_EVENTS_FILE, sizeof PROFILE_EVENTS_FILE);
    size_t same = offsetof(profile_head, started);
    return map_shared(&(shared_file){path, sizeof(profile_events), same, &head}, same);
}

profile_segment *preload_attach(void) {
    int expected = 0, kept = errno;
    if (!preload_wanted()) return NULL;
    if (atomic_load_explicit(&attached, memory_order_acquire) == 2) return preload_segment;
    if (!preload_is_own_memory()) return NULL;
    if (!atomic_compare_exchange_strong(&attached, &expected, 1)) return NULL; /* another thread is at it: one event */
    profile_segment *found = map_segment();
    if (found && wants_events) preload_events = map_events();
    preload_segment = found;
    atomic_store_explicit(&attached, 2, memory_order_release);
    errno = kept;
    return preload_segment;
}

/* ---------------------------------------------------------------- begin, fork, end */

static void before_fork(void) {
    preload_positions_shared();
    preload_sampler_fork();
}

static void in_child(void) {
    preload_epoch++;
    atomic_store(&own_process, 0);
    atomic_store(&own_pid, current_pid());
    preload_sampler_child();
}

/* Takes what MSIO_PROF asks for. Returns the folder; NULL: it asks for nothing of ours. */
static const char *parse(const char *asked) {
    if (strncmp(asked, PREFIX, sizeof PREFIX - 1) != 0) return NULL;
    bool calls = false, events = false;
    const char *at = asked + sizeof PREFIX - 1, *lines = NULL;
    for (; *at == '+'; at += strcspn(at + 1, "+:") + 1) {
        if (strncmp(at, "+calls", 6) == 0)
            calls = true;
        else if (strncmp(at, "+trace", 6) == 0)
            events = true;
        else if (strncmp(at, LINES, sizeof LINES - 1) == 0)
            lines = at + sizeof LINES - 1;
        else
            return NULL;
    }
    if (*at != ':') return NULL;
    wants_calls = calls;
    wants_events = events;
    if (lines) snprintf(wanted_lines, sizeof wanted_lines, "%s", lines);
    wanted_lines[strcspn(wanted_lines, "+:")] = '\0';
    return at + 1;
}

__attribute__((constructor)) void preload_begin(void) {
    static bool begun;
    if (begun) return;
    begun = true;
    const char *asked = getenv("MSIO_PROF");
    const char *folder = asked ? parse(asked) : NULL;
    if (!folder) return;
    size_t length = strlen(folder);
    if (length == 0 || length + sizeof "/" PROFILE_FILE > 4000) return;
    own_pid = current_pid();
    memcpy(folder_path, folder, length + 1);
    const char *text = getenv("MSIO_PROFILE_TEXT");
    wants_text = text && *text;
    preload_text_begin();
    memcpy(segment_path, folder, length);
    memcpy(segment_path + length, "/" PROFILE_FILE, sizeof "/" PROFILE_FILE);
    pthread_atfork(before_fork, preload_sampler_parent, in_child);
}

__attribute__((destructor)) static void end(void) {
    uint32_t process = atomic_load(&own_process);
    if (preload_segment && process && process <= PROFILE_PROCESSES && preload_is_own_memory()) {
        profile_process *p = &preload_segment->process[process - 1];
        atomic_store(&p->ended, 1);
        atomic_store(&p->last, preload_now());
    }
}

static void read_command(profile_process *p) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    long n = syscall(SYS_read, fd, p->command, sizeof p->command - 1);
    (void)n;
    syscall(SYS_close, fd);
}

uint32_t preload_process(void) {
    uint32_t process = atomic_load_explicit(&own_process, memory_order_relaxed);
    if (process) return process - 1;
    uint32_t index = atomic_fetch_add(&preload_segment->processes, 1);
    if (index >= PROFILE_PROCESSES) {
        atomic_fetch_add(&preload_segment->lost_processes, 1);
        index = PROFILE_PROCESSES - 1; /* the last entry stands for all that found no room */
    }
    uint32_t none = 0;
    if (!atomic_compare_exchange_strong(&own_process, &none, index + 1)) return none - 1; /* another thread's entry */
    profile_process *p = &preload_segment->process[index];
    p->pid = current_pid();
    p->parent = (int)syscall(SYS_getppid);
    p->start = preload_now();
    read_command(p);
    atomic_store_explicit(&p->state, PROFILE_READY, memory_order_release);
    return index;
}

/* The last entry of processes may stand for several: nobody is alone there. */
void preload_learn_thread(void) {
    bool first = syscall(SYS_gettid) == current_pid() && preload_process() < PROFILE_PROCESSES - 1;
    preload_own_thread = (preload_thread){preload_epoch + 1, first};
}

/* ---------------------------------------------------------------- hash tables */

static uint64_t mix(uint64_t a, uint64_t b) {
    a ^= b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2);
    a ^= a >> 33;
    a *= 0xff51afd7ed558ccdu;
    a ^= a >> 33;
    return a;
}

/* What stands in an entry: FREE was claimed for the caller (who fills and publishes it), READY can be compared. Any
 * other state: passed over. */
static uint32_t look_at(_Atomic uint32_t *state) {
    uint32_t seen = atomic_load_explicit(state, memory_order_acquire);
    if (seen == PROFILE_FREE && atomic_compare_exchange_strong(state, &seen, PROFILE_CLAIMED)) return PROFILE_FREE;
    for (int i = 0; seen == PROFILE_CLAIMED && i < PATIENCE; i++)
        seen = atomic_load_explicit(state, memory_order_acquire);
    return seen;
}

static void publish(_Atomic uint32_t *state) { atomic_store_explicit(state, PROFILE_READY, memory_order_release); }

static uint32_t lose(_Atomic uint32_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    return UINT32_MAX;
}

uint32_t preload_string(const char *text, size_t length) {
    profile_segment *s = preload_segment;
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((mix(hash, 1) + i) % PROFILE_STRINGS);
        profile_string *entry = &s->string[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY) {
            const char *kept = s->text + entry->at;
            if (entry->hash == hash && memcmp(kept, text, length) == 0 && kept[length] == '\0') return at;
        } else if (seen == PROFILE_FREE) {
            uint32_t start = atomic_fetch_add(&s->text_used, (uint32_t)length + 1) + 1;
            bool fits = length < PROFILE_TEXT_BYTES && start < PROFILE_TEXT_BYTES - length - 1;
            if (fits) memcpy(s->text + start, text, length);
            entry->at = fits ? start : 0;
            entry->hash = fits ? hash : 0;
            publish(&entry->state);
            return fits ? at : lose(&s->lost_strings);
        }
    }
    return lose(&s->lost_strings);
}

uint32_t preload_file_entry(uint32_t process, uint32_t path, uint32_t kind) {
    profile_segment *s = preload_segment;
    uint64_t hash = mix(process, path);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_FILES);
        profile_file *entry = &s->file[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->process == process && entry->path == path) return at;
        if (seen != PROFILE_FREE) continue;
        entry->process = process;
        entry->path = path;
        entry->kind = kind;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_files);
}

uint32_t preload_site(uint32_t file, uint32_t function, int line) {
    profile_segment *s = preload_segment;
    uint64_t hash = mix(mix(file, function), (uint64_t)line);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_SITES);
        profile_site *entry = &s->site[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->file == file && entry->function == function && entry->line == line)
            return at;
        if (seen != PROFILE_FREE) continue;
        entry->file = file;
        entry->function = function;
        entry->line = line;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_sites);
}

uint32_t preload_function(uint32_t file, uint32_t name, int line) {
    profile_segment *s = preload_segment;
    uint64_t hash = mix(mix(file, name), (uint64_t)line + 1);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_FUNCTIONS);
        profile_function *entry = &s->function[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->file == file && entry->name == name && entry->line == line) return at;
        if (seen != PROFILE_FREE) continue;
        entry->file = file;
        entry->name = name;
        entry->line = line;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_functions);
}

uint32_t preload_edge(uint32_t caller, uint32_t callee) {
    profile_segment *s = preload_segment;
    uint64_t hash = mix(caller, callee);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_EDGES);
        profile_edge *entry = &s->edge[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->caller == caller && entry->callee == callee) return at;
        if (seen != PROFILE_FREE) continue;
        entry->caller = caller;
        entry->callee = callee;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_edges);
}

static bool same_access(const profile_access *a, const profile_access *b) {
    return a->process == b->process && a->table == b->table && a->column == b->column && a->site == b->site &&
           a->sure == b->sure && a->write == b->write && a->alone == b->alone;
}

uint32_t preload_access(uint32_t table, uint32_t column, uint32_t site, uint32_t sure, bool write) {
    profile_segment *s = preload_segment;
    if (!preload_knows_thread()) preload_learn_thread();
    const profile_access key = {.process = preload_process(),
                                .table = table,
                                .column = column,
                                .site = site,
                                .write = write,
                                .sure = sure,
                                .alone = preload_own_thread.first};
    uint64_t hash = mix(mix(mix(key.process, table), mix(column, site)), sure * 4 + key.write * 2 + key.alone);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_ACCESSES);
        profile_access *entry = &s->access[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && same_access(entry, &key)) return at;
        if (seen != PROFILE_FREE) continue;
        entry->process = key.process;
        entry->table = table;
        entry->column = column;
        entry->site = site;
        entry->sure = sure;
        entry->write = write;
        entry->alone = key.alone;
        entry->first_row = entry->last_row = -1;
        entry->first = preload_now();
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_accesses);
}

uint32_t preload_told(const profile_told *key) {
    profile_segment *s = preload_segment;
    uint64_t hash = mix(mix(mix(key->function, key->path), mix(key->column, key->site)), key->sure);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_TOLD);
        profile_told *entry = &s->told[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->function == key->function && entry->path == key->path &&
            entry->column == key->column && entry->site == key->site && entry->sure == key->sure)
            return at;
        if (seen != PROFILE_FREE) continue;
        entry->function = key->function;
        entry->path = key->path;
        entry->column = key->column;
        entry->site = key->site;
        entry->sure = key->sure;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_told);
}

uint32_t preload_held(uint32_t path, uint32_t kind) {
    profile_segment *s = preload_segment;
    uint32_t process = preload_process();
    uint64_t hash = mix(mix(process, path), kind);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)((hash + i) % PROFILE_HELD);
        profile_held *entry = &s->held[at];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->process == process && entry->path == path && entry->kind == kind) return at;
        if (seen != PROFILE_FREE) continue;
        entry->process = process;
        entry->path = path;
        entry->kind = kind;
        publish(&entry->state);
        return at;
    }
    return lose(&s->lost_held);
}

profile_stack *preload_stack(const uint32_t *site, uint32_t depth, uint32_t user) {
    profile_segment *s = preload_segment;
    uint64_t hash = depth;
    for (uint32_t i = 0; i < depth; i++) hash = mix(hash, site[i]);
    for (uint32_t i = 0; i < PROBES; i++) {
        profile_stack *entry = &s->stack[(hash + i) % PROFILE_STACKS];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->depth == depth && memcmp(entry->site, site, depth * sizeof *site) == 0)
            return entry;
        if (seen != PROFILE_FREE) continue;
        entry->depth = depth;
        entry->user = user;
        memcpy(entry->site, site, depth * sizeof *site);
        publish(&entry->state);
        return entry;
    }
    lose(&s->lost_stacks);
    return NULL;
}

static profile_thread *thread_of(uint64_t id) {
    for (uint32_t i = 0, at = profile_thread_begin(id); i < PROFILE_THREAD_PROBES; i++, at++) {
        profile_thread *entry = &preload_segment->thread[at % PROFILE_THREADS];
        uint64_t seen = atomic_load_explicit(&entry->id, memory_order_relaxed);
        if (seen == id || (!seen && atomic_compare_exchange_strong(&entry->id, &seen, id))) return entry;
    }
    return NULL;
}

void preload_thread_seen(uint32_t process, uint32_t thread, const profile_stack *stack, uint64_t when) {
    profile_thread *entry = thread_of((uint64_t)process << 32 | thread);
    if (!entry) {
        lose(&preload_segment->lost_threads);
        return;
    }
    uint32_t look = atomic_load_explicit(&entry->looks, memory_order_relaxed), at = look % PROFILE_LOOKS;
    uint32_t place = stack ? (uint32_t)(stack - preload_segment->stack) + 1 : 0;
    atomic_store_explicit(&entry->when[at], when, memory_order_relaxed);
    atomic_store_explicit(&entry->stack[at], place, memory_order_relaxed);
    atomic_store_explicit(&entry->looks, look + 1, memory_order_release);
}

static void count_extent(uint32_t path, uint64_t offset, uint32_t length, bool write) {
    profile_segment *s = preload_segment;
    /* neighbours in a file are neighbours here: fewer pages are touched. So small buckets lie close, and what falls
     * among them looks elsewhere soon. */
    uint64_t hash = mix(path, offset >> 20) + (offset >> 7 & 8191);
    for (uint32_t i = 0; i < PROBES; i++) {
        if (i && i % PROBES_CLOSE == 0) hash = mix(mix(path, offset), i);
        profile_extent *entry = &s->extent[(hash + i % PROBES_CLOSE) % PROFILE_EXTENTS];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_FREE) {
            entry->path = path;
            entry->offset = offset;
            entry->length = length;
            entry->read_first = !write;
            publish(&entry->state);
        } else if (seen != PROFILE_READY || entry->path != path || entry->offset != offset || entry->length != length) {
            continue;
        }
        atomic_fetch_add_explicit(write ? &entry->writes : &entry->reads, 1, memory_order_relaxed);
        return;
    }
    lose(&s->lost_extents);
    atomic_fetch_add_explicit(&s->lost_extent_bytes, length, memory_order_relaxed);
}

void preload_extent(uint32_t path, uint64_t offset, uint64_t length, bool write) {
    const uint32_t most = 1u << 30; /* a longer one is kept in pieces */
    for (; length; offset += most, length -= most) {
        count_extent(path, offset, length > most ? most : (uint32_t)length, write);
        if (length <= most) return;
    }
}

uint32_t preload_heat_entry(uint32_t path, uint64_t size) {
    profile_segment *s = preload_segment;
    for (uint32_t i = 0; i < PROFILE_HEATS; i++) {
        profile_heat *entry = &s->heat[i];
        uint32_t seen = look_at(&entry->state);
        if (seen == PROFILE_READY && entry->path == path) return i;
        if (seen != PROFILE_FREE) continue;
        entry->path = path;
        while (size > (uint64_t)PROFILE_HEAT_PLACES << entry->shift) entry->shift++;
        publish(&entry->state);
        return i;
    }
    return UINT32_MAX; /* not lost: it is a picture of some */
}

void preload_heat(uint32_t entry, uint64_t offset, uint64_t length, uint64_t now) {
    profile_heat *heat = &preload_segment->heat[entry];
    uint64_t started = preload_segment->started, end = offset + length;
    uint32_t time = profile_heat_time(now > started ? now - started : 0);
    while (offset < end) {
        uint64_t place = offset >> heat->shift, to = (place + 1) << heat->shift;
        if (place >= PROFILE_HEAT_PLACES - 1) place = PROFILE_HEAT_PLACES - 1, to = end;
        if (to > end) to = end;
        atomic_fetch_add_explicit(&heat->read[place][time], (uint32_t)((to - offset + 8) >> 4), memory_order_relaxed);
        offset = to;
    }
}
