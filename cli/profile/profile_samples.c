/* profile_samples.c - where the processor time goes: samples by the kernel's perf events, which no process of the run
 * notices. They are opened here, for the program and all that it starts; no signal is sent, nothing is stopped.
 *
 * A sample has the address where the thread was, and the top of its stack. The innermost library is that of the
 * address. Whether the table layer is at work is told by return addresses on the stack: words that point behind a call
 * in the code of libcasa_tables (or libhdf5). Words that an earlier call left between live ones can look so too: the
 * share is an upper bound, and mostly close.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__) && defined(__x86_64__)

#include <linux/perf_event.h>
#include <sys/syscall.h>

#define CPUS_MOST 256
#define RING_PAGES 128 /* what the kernel lets anyone lock: 516 KiB a processor */
#define STACK_BYTES 8192
#define REGISTER_SP 7 /* PERF_REG_X86_SP; the first of those asked for */
#define MAPS_MOST 65536
#define FILES_MOST 4096
#define ENDED_MOST 1024

/* A library or program that was sampled: its counts, and its bytes. */
typedef struct code_file {
    char *path;
    const char *name; /* its last part */
    const uint8_t *bytes;
    size_t length;
    bool looked, layer; /* layer: of the tables */
    int64_t samples;
} code_file;

/* Code at [from, to) of a process is a file's from `offset` on. */
typedef struct code_map {
    uint32_t pid;
    uint64_t from, to, offset;
    int file;
} code_map;

struct cli_profile_sampler {
    int cpus, hz;
    int fd[CPUS_MOST];
    struct perf_event_mmap_page *ring[CPUS_MOST];
    size_t page;
    int files, maps;
    code_file *file;
    code_map *map;
    uint8_t record[65536 + 8];
    int64_t samples, layer, unknown, lost;
    uint32_t ended[ENDED_MOST]; /* processes, to be forgotten when all rings were read up to there */
    int endings;
    char why_not[120];
};

/* ---------------------------------------------------------------- opening */

static int open_one(pid_t pid, int cpu, int hz) {
    struct perf_event_attr a = {.size = sizeof a, .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK};
    a.sample_period = 1000000000u / (unsigned)hz;
    a.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    a.sample_regs_user = 1ull << REGISTER_SP;
    a.sample_stack_user = STACK_BYTES;
    a.exclude_kernel = a.exclude_hv = 1;
    a.inherit = a.mmap = a.mmap2 = a.comm = a.comm_exec = a.task = 1;
    a.disabled = a.enable_on_exec = 1;
    return (int)syscall(SYS_perf_event_open, &a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

cli_profile_sampler *cli_profile_sampler_open(pid_t pid, int hz) {
    cli_profile_sampler *s = cli_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    s->hz = hz;
    s->page = (size_t)sysconf(_SC_PAGESIZE);
    s->file = cli_alloc_many(FILES_MOST, sizeof *s->file);
    s->map = cli_alloc_many(MAPS_MOST, sizeof *s->map);
    if (hz == 0) snprintf(s->why_not, sizeof s->why_not, "--sample 0");
    for (int cpu = 0; hz && cpu < cpus && cpu < CPUS_MOST; cpu++) {
        int fd = open_one(pid, cpu, hz);
        if (fd < 0 && errno == ENODEV) continue; /* a processor that is switched off */
        void *ring =
            fd < 0 ? MAP_FAILED : mmap(NULL, (1 + RING_PAGES) * s->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (ring == MAP_FAILED) {
            snprintf(s->why_not, sizeof s->why_not, "perf events: %s (see /proc/sys/kernel/perf_event_paranoid)",
                     strerror(errno));
            if (fd >= 0) close(fd);
            break;
        }
        s->fd[s->cpus] = fd;
        s->ring[s->cpus++] = ring;
    }
    return s;
}

/* ---------------------------------------------------------------- code */

static bool begins_with(const char *name, const char *begin) { return strncmp(name, begin, strlen(begin)) == 0; }

static int find_file(cli_profile_sampler *s, const char *path) {
    for (int i = s->files - 1; i >= 0; i--)
        if (strcmp(s->file[i].path, path) == 0) return i;
    if (s->files == FILES_MOST) return -1;
    code_file *f = &s->file[s->files];
    memset(f, 0, sizeof *f);
    f->path = cli_copy(path);
    const char *slash = strrchr(f->path, '/');
    f->name = slash ? slash + 1 : f->path;
    f->layer =
        begins_with(f->name, "libcasa_tables") || begins_with(f->name, "libhdf5") || begins_with(f->name, "libmsio.so");
    return s->files++;
}

static void look_into(code_file *f) {
    struct stat about;
    f->looked = true;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        void *map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) f->bytes = map, f->length = (size_t)about.st_size;
    }
    close(fd);
}

/* Whether the instruction before byte `at` of the code is a call: E8 rel32, or one of the forms of FF /2. */
static bool follows_call(const code_file *f, uint64_t at) {
    if (at < 8 || at > f->length) return false;
    const uint8_t *p = f->bytes + at;
    if (p[-5] == 0xe8) return true;
    for (int n = 2; n <= 7; n++)
        if (p[-n] == 0xff && ((p[1 - n] >> 3) & 7) == 2) return true;
    return false;
}

static const code_map *map_of(const cli_profile_sampler *s, uint32_t pid, uint64_t address) {
    for (int i = s->maps - 1; i >= 0; i--) { /* the newest holds */
        const code_map *m = &s->map[i];
        if (m->pid == pid && address >= m->from && address < m->to) return m;
    }
    return NULL;
}

/* ---------------------------------------------------------------- records */

static void take_map(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    struct {
        uint32_t pid, tid;
        uint64_t from, length, offset;
    } head;
    const size_t name = sizeof head + 24 + 8; /* device, inode, generation; protection, flags */
    if (size <= name || s->maps == MAPS_MOST) return;
    memcpy(&head, at, sizeof head);
    if (!memchr(at + name, 0, size - name)) return;
    int file = find_file(s, (const char *)at + name);
    if (file >= 0) s->map[s->maps++] = (code_map){head.pid, head.from, head.from + head.length, head.offset, file};
}

static void forget(cli_profile_sampler *s, uint32_t pid) {
    int kept = 0;
    for (int i = 0; i < s->maps; i++)
        if (s->map[i].pid != pid) s->map[kept++] = s->map[i];
    s->maps = kept;
}

/* A child of fork has its parent's code; a thread has it anyway. */
static void take_fork(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    uint32_t ids[2]; /* the child's, its parent's */
    if (size < sizeof ids) return;
    memcpy(ids, at, sizeof ids);
    if (ids[0] == ids[1]) return;
    for (int i = 0, n = s->maps; i < n && s->maps < MAPS_MOST; i++)
        if (s->map[i].pid == ids[1]) {
            s->map[s->maps] = s->map[i];
            s->map[s->maps++].pid = ids[0];
        }
}

static bool layer_on_stack(cli_profile_sampler *s, uint32_t pid, const uint8_t *stack, size_t bytes) {
    const code_map *layers[32];
    int n = 0;
    for (int i = s->maps - 1; i >= 0 && n < 32; i--)
        if (s->map[i].pid == pid && s->file[s->map[i].file].layer) layers[n++] = &s->map[i];
    for (size_t i = 0; n && i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, stack + i, sizeof word);
        for (int k = 0; k < n; k++) {
            if (word < layers[k]->from || word >= layers[k]->to) continue;
            code_file *f = &s->file[layers[k]->file];
            if (!f->looked) look_into(f);
            if (f->bytes && follows_call(f, word - layers[k]->from + layers[k]->offset)) return true;
        }
    }
    return false;
}

/* IP, process and thread, registers (their kind, one of them), stack (asked for, bytes, how many of them). */
static void take_sample(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    uint64_t ip, kind = 0, asked = 0, got = 0;
    uint32_t ids[2];
    if (size < 24) return;
    memcpy(&ip, at, 8);
    memcpy(ids, at + 8, sizeof ids);
    memcpy(&kind, at + 16, 8);
    size_t stack = 24 + (kind ? 8 : 0);
    if (stack + 8 <= size) memcpy(&asked, at + stack, 8);
    if (asked > STACK_BYTES || stack + 16 + asked > size) asked = 0;
    if (asked) memcpy(&got, at + stack + 8 + asked, 8);
    if (got > asked) got = asked;
    s->samples++;
    const code_map *m = map_of(s, ids[0], ip);
    if (m)
        s->file[m->file].samples++;
    else
        s->unknown++;
    if ((m && s->file[m->file].layer) || layer_on_stack(s, ids[0], at + stack + 8, (size_t)got)) s->layer++;
}

static void take(cli_profile_sampler *s, const struct perf_event_header *head, const uint8_t *body, bool samples) {
    size_t size = head->size - sizeof *head;
    uint32_t pid = 0;
    uint64_t lost = 0;
    if (size >= 4) memcpy(&pid, body, 4);
    if (head->type == PERF_RECORD_SAMPLE) {
        if (samples) take_sample(s, body, size);
    } else if (samples) {
        return;
    } else if (head->type == PERF_RECORD_MMAP2) {
        take_map(s, body, size);
    } else if (head->type == PERF_RECORD_FORK) {
        take_fork(s, body, size);
    } else if (head->type == PERF_RECORD_COMM && head->misc & PERF_RECORD_MISC_COMM_EXEC) {
        forget(s, pid);
    } else if (head->type == PERF_RECORD_EXIT && size >= 16 && memcmp(body, body + 8, 4) == 0) { /* not of a thread */
        if (s->endings < ENDED_MOST) s->ended[s->endings++] = pid;
    } else if (head->type == PERF_RECORD_LOST && size >= 16) {
        memcpy(&lost, body + 8, 8);
        s->lost += (int64_t)lost;
    }
}

/* Copies a record out of the ring, whose end may lie inside it. */
static size_t copy_record(const cli_profile_sampler *s, const struct perf_event_mmap_page *ring, uint64_t tail,
                          uint8_t *to) {
    const uint8_t *data = (const uint8_t *)ring + s->page;
    size_t room = RING_PAGES * s->page, at = (size_t)(tail % room);
    struct perf_event_header head;
    memcpy(&head, data + at, sizeof head); /* records begin at multiples of 8: a header is never cut */
    size_t first = head.size < room - at ? head.size : room - at;
    memcpy(to, data + at, first);
    memcpy(to + first, data, head.size - first);
    return head.size;
}

/* What happened to code comes first, of all processors, then the samples that need it. */
void cli_profile_sampler_drain(cli_profile_sampler *s) {
    uint64_t end[CPUS_MOST];
    for (int pass = 0; pass < 2; pass++)
        for (int cpu = 0; cpu < s->cpus; cpu++) {
            struct perf_event_mmap_page *ring = s->ring[cpu];
            if (pass == 0) end[cpu] = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
            uint64_t tail = ring->data_tail;
            while (tail < end[cpu]) {
                struct perf_event_header head;
                size_t size = copy_record(s, ring, tail, s->record);
                memcpy(&head, s->record, sizeof head);
                if (size < sizeof head) break;
                take(s, &head, s->record + sizeof head, pass == 1);
                tail += size;
            }
            if (pass == 1) __atomic_store_n(&ring->data_tail, end[cpu], __ATOMIC_RELEASE);
        }
    for (int i = 0; i < s->endings; i++) forget(s, s->ended[i]);
    s->endings = 0;
}

/* ---------------------------------------------------------------- the end */

static int most_samples(const void *one, const void *other) {
    const cli_profile_library_share *a = one, *b = other;
    return a->samples > b->samples ? -1 : a->samples < b->samples;
}

void cli_profile_sampler_close(cli_profile_sampler *s, cli_profile_samples *result) {
    if (!s) return;
    cli_profile_sampler_drain(s);
    *result = (cli_profile_samples){
        .hz = s->cpus ? s->hz : 0, .samples = s->samples, .layer = s->layer, .unknown = s->unknown, .lost = s->lost};
    snprintf(result->why_not, sizeof result->why_not, "%s", s->why_not);
    result->library = cli_alloc_many((size_t)s->files + 1, sizeof *result->library);
    for (int i = 0; i < s->files; i++) {
        if (s->file[i].samples)
            result->library[result->libraries++] =
                (cli_profile_library_share){cli_copy(s->file[i].name), s->file[i].samples};
        if (s->file[i].bytes) munmap((void *)(uintptr_t)s->file[i].bytes, s->file[i].length);
        free(s->file[i].path);
    }
    if (result->libraries) qsort(result->library, (size_t)result->libraries, sizeof *result->library, most_samples);
    for (int cpu = 0; cpu < s->cpus; cpu++) {
        munmap(s->ring[cpu], (1 + RING_PAGES) * s->page);
        close(s->fd[cpu]);
    }
    free(s->file);
    free(s->map);
    free(s);
}

#else

struct cli_profile_sampler {
    int unused;
};

cli_profile_sampler *cli_profile_sampler_open(pid_t pid, int hz) {
    (void)pid;
    (void)hz;
    return NULL;
}
void cli_profile_sampler_drain(cli_profile_sampler *sampler) { (void)sampler; }
void cli_profile_sampler_close(cli_profile_sampler *sampler, cli_profile_samples *result) {
    (void)sampler;
    snprintf(result->why_not, sizeof result->why_not, "samples are taken on x86-64 Linux only");
}

#endif

void cli_profile_samples_free(cli_profile_samples *samples) {
    for (int i = 0; i < samples->libraries; i++) free(samples->library[i].name);
    free(samples->library);
}
