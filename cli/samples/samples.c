/* samples.c - where the processor time goes: samples by the kernel's perf events, which no process of the run
 * notices. They are opened here, for the program and all that it starts; no signal is sent, nothing is stopped.
 *
 * A sample has the thread's registers and the top of its stack. From them the stack is unwound here, beside the
 * program, where libdw is there (samples_unwind.c). The innermost library is that of the address. Whether the table
 * layer is at work is told by the stack; of one that is not known to its end by return addresses on the rest of it:
 * words that point behind a call in the code of libcasa_tables (or libhdf5). Words that an earlier call left between
 * live ones can look so too: of those the share is an upper bound, and mostly close.
 */
#include "cli/samples/samples.h"

#include "cli/common/failure.h"
#include "cli/samples/samples_code.h"
#include "cli/samples/samples_python.h"
#include "cli/samples/samples_stacks.h"
#include "cli/samples/samples_unwind.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && defined(__x86_64__)

#include <linux/perf_event.h>
#include <sys/syscall.h>

#define CPUS_MOST 256
#define RING_PAGES 128    /* what the kernel lets anyone lock: 516 KiB a processor */
#define STACK_BYTES 32768 /* of a stack that are copied */
#define STACK_BYTES_OFTEN 16384
#define OFTEN 200 /* samples a second: more than this, and deep ones would not fit into the ring between two looks */
/* The kernel's registers (asm/perf_regs.h): the general ones and IP. Segments and flags are left out. */
#define REGISTERS 0xff01ffull
#define REGISTER_IP 8
#define COMING_NS 1000000u /* records that are younger may not be there yet on other processors */
#define WAITING_MOST 512
#define WAITING_NS 1000000000u /* longer than Python keeps its lock, mostly */

/* A record in a processor's ring. */
typedef struct ring_record {
    uint64_t moment, at;
    int cpu;
    uint16_t size;
} ring_record;

/* A sample whose stack is known, while it waits for the next look at what Python does in its thread. */
typedef struct waiting_sample {
    uint32_t pid, thread;
    uint64_t when;
    int frames;
    unwind_end end;
    code_place place[STACKS_DEPTH];
} waiting_sample;

struct cli_profile_sampler {
    int cpus, hz;
    int fd[CPUS_MOST];
    struct perf_event_mmap_page *ring[CPUS_MOST];
    size_t page;
    const profile_segment *counters;
    code *all;
    unwinder *unwinder; /* NULL: only libraries are told */
    stacks *stacks;
    uint64_t cost; /* nanoseconds */
    int waiting;
    waiting_sample wait[WAITING_MOST]; /* in the order in which they came */
    uint8_t record[65536 + 8];
    int64_t samples, layer, unknown, lost;
    ring_record *list; /* of what is being taken */
    int records, records_room;
    char why_not[120];
};

/* ---------------------------------------------------------------- opening */

static int open_one(pid_t pid, int cpu, int hz) {
    struct perf_event_attr a = {.size = sizeof a, .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK};
    a.sample_period = 1000000000u / (unsigned)hz;
    a.sample_type =
        PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    a.use_clockid = 1;
    a.clockid = CLOCK_MONOTONIC;
    a.sample_regs_user = REGISTERS;
    a.sample_stack_user = hz > OFTEN ? STACK_BYTES_OFTEN : STACK_BYTES;
    a.exclude_kernel = a.exclude_hv = 1;
    a.inherit = a.mmap = a.mmap2 = a.comm = a.comm_exec = a.task = a.sample_id_all = 1;
    a.disabled = a.enable_on_exec = 1;
    return (int)syscall(SYS_perf_event_open, &a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

cli_profile_sampler *cli_profile_sampler_open(pid_t pid, int hz, const profile_segment *counters) {
    cli_profile_sampler *s = cli_zeros(1, sizeof *s);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    s->hz = hz;
    s->page = (size_t)sysconf(_SC_PAGESIZE);
    s->all = code_new();
    s->counters = counters;
    s->unwinder = hz ? unwinder_new(s->all) : NULL;
    s->stacks = s->unwinder ? stacks_new() : NULL;
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

/* ---------------------------------------------------------------- records */

static void take_map(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    struct {
        uint32_t pid, tid;
        uint64_t from, length, offset;
    } head;
    const size_t name = sizeof head + 24 + 8; /* device, inode, generation; protection, flags */
    if (size <= name) return;
    memcpy(&head, at, sizeof head);
    if (!memchr(at + name, 0, size - name)) return;
    if (head.from + head.length < head.from) return;
    code_mapped(s->all, head.pid, (code_map){head.from, head.from + head.length, head.offset, 0},
                (const char *)at + name);
}

/* A child of fork has its parent's code; a thread has it anyway. */
static void take_fork(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    uint32_t ids[2]; /* the child's, its parent's */
    if (size < sizeof ids) return;
    memcpy(ids, at, sizeof ids);
    if (ids[0] == ids[1]) return;
    code_forked(s->all, ids[0], ids[1]);
}

/* Whether a word of the stack points behind a call in the table layer. */
static bool layer_on_stack(cli_profile_sampler *s, const unwind_thread *thread) {
    const code_map *layers[32], *map;
    int n = 0, maps;
    map = code_maps(s->all, thread->pid, &maps);
    for (int i = 0; i < maps && n < 32; i++)
        if (code_file_at(s->all, map[i].file)->layer) layers[n++] = &map[i];
    for (size_t i = 0; n && i + 8 <= thread->bytes; i += 8) {
        uint64_t word;
        memcpy(&word, thread->stack + i, sizeof word);
        for (int k = 0; k < n; k++)
            if (word >= layers[k]->from && word < layers[k]->to &&
                code_follows_call(code_file_at(s->all, layers[k]->file), word - layers[k]->from + layers[k]->offset))
                return true;
    }
    return false;
}

/* A sample as the kernel writes it: IP, process and thread, time, registers (their kind, then those asked for in the
 * kernel's order), the stack (bytes asked for, bytes, how many of them are). False: it is cut short. */
static bool read_sample(const uint8_t *at, size_t size, unwind_thread *thread, waiting_sample *sample) {
    static const int8_t number[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15}; /* in DWARF */
    uint64_t kind = 0, asked = 0, got = 0;
    memset(thread, 0, sizeof *thread);
    if (size < 32) return false;
    memcpy(&thread->reg[UNWIND_PLACE], at, 8);
    memcpy(&sample->pid, at + 8, 4);
    memcpy(&sample->thread, at + 12, 4);
    memcpy(&sample->when, at + 16, 8);
    memcpy(&kind, at + 24, 8);
    thread->pid = sample->pid;
    size_t stack = 32 + (kind ? 8 * sizeof number : 0);
    if (kind != PERF_SAMPLE_REGS_ABI_64 || stack + 8 > size) return true; /* of another kind: no callers */
    for (size_t i = 0; i < sizeof number; i++)
        if (i != REGISTER_IP) memcpy(&thread->reg[number[i]], at + 32 + 8 * i, 8);
    memcpy(&asked, at + stack, 8);
    if (asked > STACK_BYTES || stack + 16 + asked > size) asked = 0;
    if (asked) memcpy(&got, at + stack + 8 + asked, 8);
    thread->stack = at + stack + 8;
    thread->bytes = (size_t)(got < asked ? got : asked);
    return true;
}

/* Whether the sample's stack could be added. hurry: without Python's frames, where they are not known yet. */
static bool add_stack(cli_profile_sampler *s, const waiting_sample *w, bool hurry) {
    uint32_t python[PROFILE_DEPTH];
    int frames = s->counters ? python_frames(s->counters, w->pid, w->thread, w->when, python) : 0;
    if (frames < 0 && !hurry) return false;
    stacks_add(s->stacks, w->place, w->frames, w->end, python, frames > 0 ? frames : 0);
    return true;
}

/* Of what waits, all that is known or has waited too long; all: whatever is known of it. */
static void add_waiting(cli_profile_sampler *s, uint64_t now, bool all) {
    int left = 0;
    for (int i = 0; i < s->waiting; i++) {
        bool hurry = all || s->wait[i].when + WAITING_NS < now;
        if (add_stack(s, &s->wait[i], hurry)) continue;
        if (left < i) s->wait[left] = s->wait[i];
        left++;
    }
    s->waiting = left;
}

static void take_sample(cli_profile_sampler *s, const uint8_t *at, size_t size) {
    unwind_thread thread;
    if (s->waiting == WAITING_MOST) add_waiting(s, 0, true);
    waiting_sample *w = &s->wait[s->waiting];
    if (!read_sample(at, size, &thread, w)) return;
    w->place[0] = code_at(s->all, thread.pid, thread.reg[UNWIND_PLACE]);
    w->end = UNWIND_BLIND;
    w->frames = s->unwinder ? unwind(s->unwinder, &thread, w->place, STACKS_DEPTH, &w->end) : 1;
    bool layer = false;
    s->samples++;
    if (w->place[0].file < 0)
        s->unknown++;
    else
        code_file_at(s->all, w->place[0].file)->samples++;
    for (int i = 0; i < w->frames && !layer; i++)
        layer = w->place[i].file >= 0 && code_file_at(s->all, w->place[i].file)->layer;
    if (!layer && w->end != UNWIND_WHOLE) layer = layer_on_stack(s, &thread);
    s->layer += layer;
    if (s->stacks && !add_stack(s, w, false)) s->waiting++;
}

static void take(cli_profile_sampler *s, const struct perf_event_header *head, const uint8_t *body) {
    size_t size = head->size - sizeof *head;
    uint32_t pid = 0;
    uint64_t lost = 0;
    if (size >= 4) memcpy(&pid, body, 4);
    if (head->type == PERF_RECORD_SAMPLE) {
        take_sample(s, body, size);
    } else if (head->type == PERF_RECORD_MMAP2) {
        take_map(s, body, size);
    } else if (head->type == PERF_RECORD_FORK) {
        take_fork(s, body, size);
    } else if (head->type == PERF_RECORD_COMM && head->misc & PERF_RECORD_MISC_COMM_EXEC) {
        code_gone(s->all, pid);
    } else if (head->type == PERF_RECORD_EXIT && size >= 16 && memcmp(body, body + 8, 4) == 0) { /* the first thread */
        code_ended(s->all, pid);
    } else if (head->type == PERF_RECORD_LOST && size >= 16) {
        memcpy(&lost, body + 8, 8);
        s->lost += (int64_t)lost;
    }
}

/* Copies bytes out of the ring, whose end may lie among them. */
static void copy_bytes(const cli_profile_sampler *s, const struct perf_event_mmap_page *ring, uint64_t from, void *to,
                       size_t n) {
    const uint8_t *data = (const uint8_t *)ring + s->page;
    size_t room = RING_PAGES * s->page, at = (size_t)(from % room), first = n < room - at ? n : room - at;
    memcpy(to, data + at, first);
    memcpy((uint8_t *)to + first, data, n - first);
}

/* A record's moment: a sample has it behind IP, process and thread, the others at their end. */
static uint64_t moment_of(const cli_profile_sampler *s, const struct perf_event_mmap_page *ring, uint64_t at,
                          const struct perf_event_header *head) {
    uint64_t moment;
    uint64_t behind = head->type == PERF_RECORD_SAMPLE ? sizeof *head + 24 : head->size;
    copy_bytes(s, ring, at + behind - 8, &moment, sizeof moment);
    return moment;
}

static int earlier(const void *one, const void *other) {
    const ring_record *a = one, *b = other;
    if (a->moment != b->moment) return a->moment < b->moment ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* Lists a processor's records up to a moment; returns where the next one begins. */
static uint64_t list_records(cli_profile_sampler *s, int cpu, uint64_t until) {
    struct perf_event_mmap_page *ring = s->ring[cpu];
    uint64_t end = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE), at = ring->data_tail;
    while (at < end) {
        struct perf_event_header head;
        copy_bytes(s, ring, at, &head, sizeof head);
        if (head.size < sizeof head + 8) return end;
        uint64_t moment = moment_of(s, ring, at, &head);
        if (moment >= until) break;
        if (s->records == s->records_room) {
            s->records_room = s->records_room ? 2 * s->records_room : 256;
            s->list = cli_resize(s->list, (size_t)s->records_room, sizeof *s->list);
        }
        s->list[s->records++] = (ring_record){moment, at, cpu, head.size};
        at += head.size;
    }
    return at;
}

/* In the order in which they happened, on whichever processor: a sample is of the code that was there then. */
static void take_records(cli_profile_sampler *s, uint64_t until) {
    uint64_t next[CPUS_MOST];
    s->records = 0;
    for (int cpu = 0; cpu < s->cpus; cpu++) next[cpu] = list_records(s, cpu, until);
    if (s->records) qsort(s->list, (size_t)s->records, sizeof *s->list, earlier);
    for (int i = 0; i < s->records; i++) {
        struct perf_event_header head;
        copy_bytes(s, s->ring[s->list[i].cpu], s->list[i].at, s->record, s->list[i].size);
        memcpy(&head, s->record, sizeof head);
        take(s, &head, s->record + sizeof head);
    }
    for (int cpu = 0; cpu < s->cpus; cpu++) __atomic_store_n(&s->ring[cpu]->data_tail, next[cpu], __ATOMIC_RELEASE);
}

static uint64_t time_of(clockid_t clock) {
    struct timespec t;
    return clock_gettime(clock, &t) ? 0 : (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void cli_profile_sampler_drain(cli_profile_sampler *s) {
    uint64_t began = time_of(CLOCK_THREAD_CPUTIME_ID), now = time_of(CLOCK_MONOTONIC);
    take_records(s, now - COMING_NS);
    add_waiting(s, now, false);
    s->cost += time_of(CLOCK_THREAD_CPUTIME_ID) - began;
}

/* ---------------------------------------------------------------- the end */

static int most_samples(const void *one, const void *other) {
    const cli_sampled_library *a = one, *b = other;
    return a->samples > b->samples ? -1 : a->samples < b->samples;
}

static void list_libraries(cli_profile_sampler *s, cli_profile_samples *result) {
    int files = code_files(s->all);
    result->library = cli_alloc_many((size_t)files + 1, sizeof *result->library);
    for (int i = 0; i < files; i++) {
        const code_file *f = code_file_at(s->all, i);
        if (f->samples) result->library[result->libraries++] = (cli_sampled_library){cli_copy(f->name), f->samples};
    }
    if (result->libraries) qsort(result->library, (size_t)result->libraries, sizeof *result->library, most_samples);
}

void cli_profile_sampler_close(cli_profile_sampler *s, cli_profile_samples *result) {
    if (!s) return;
    take_records(s, UINT64_MAX);
    add_waiting(s, 0, true);
    *result = (cli_profile_samples){.hz = s->cpus ? s->hz : 0,
                                    .samples = s->samples,
                                    .layer = s->layer,
                                    .unknown = s->unknown,
                                    .lost = s->lost,
                                    .seconds = 1e-9 * (double)s->cost};
    snprintf(result->why_not, sizeof result->why_not, "%s", s->why_not);
    list_libraries(s, result);
    if (s->stacks)
        stacks_name(s->stacks, s->all, s->counters, &result->stacks);
    else if (s->cpus)
        snprintf(result->why_no_stacks, sizeof result->why_no_stacks,
                 "libdw.so.1 (elfutils) is not installed, or msio was built without its headers");
    for (int cpu = 0; cpu < s->cpus; cpu++) {
        munmap(s->ring[cpu], (1 + RING_PAGES) * s->page);
        close(s->fd[cpu]);
    }
    free(s->list);
    stacks_free(s->stacks);
    unwinder_free(s->unwinder);
    code_free(s->all);
    free(s);
}

#else

struct cli_profile_sampler {
    int unused;
};

cli_profile_sampler *cli_profile_sampler_open(pid_t pid, int hz, const profile_segment *counters) {
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
    stacks_result_free(&samples->stacks);
}
