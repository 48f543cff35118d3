/* file_map.c - files mapped whole, and the guard that turns SIGBUS on their pages into a flag.
 *
 * The signal handler finds the mapping in a list of chunks that only grows and is read with atomics alone, puts a page
 * of zeros in the bad one's place and marks the mapping; the access that faulted then goes on.
 *
 * A signal that is not ours goes to the handler that was there first, as the system would have called it. A handler
 * that came after ours, and that we found in our place when the next file was mapped, may call ours when it does not
 * know the signal either: it is not called but put back, and meets the signal when the access faults again. So no two
 * handlers can call each other for ever. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/file_map.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/lock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/vfs.h>
#elif defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/mount.h>
#include <sys/param.h>
#endif

#define MSIO_REGIONS_PER_CHUNK 64

/* One mapping; start is 0 while the place is free. */
typedef struct region {
    atomic_uintptr_t start, end;
    atomic_int failed;
    atomic_int protection; /* of its pages, and of those that take the place of bad ones */
    atomic_bool part;      /* an msio_mapping's */
} region;

typedef struct chunk {
    region regions[MSIO_REGIONS_PER_CHUNK];
    struct chunk *_Atomic next;
} chunk;

/* Handlers that were found in our place, the first of them before ours came. Written once each, under the lock. */
#define MSIO_HANDLERS 16
static struct sigaction handlers[MSIO_HANDLERS];
static int handlers_known;
static atomic_int handler_next; /* the one to hand the next signal to */

static chunk first_chunk;
static region refused; /* stands in msio_file.map for "tried, cannot be mapped" */
static uintptr_t page_size;
static atomic_llong parts_failed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---------------------------------------------------------------- the handler: atomics and system calls only */

/* The region that holds the address. A place that changes hands meanwhile is of another file: skipped. */
static region *find_region(uintptr_t address) {
    for (chunk *c = &first_chunk; c; c = atomic_load(&c->next)) {
        for (int i = 0; i < MSIO_REGIONS_PER_CHUNK; i++) {
            region *r = &c->regions[i];
            uintptr_t start = atomic_load(&r->start);
            if (start == 0 || address < start) continue;
            if (address < atomic_load(&r->end) && atomic_load(&r->start) == start) return r;
        }
    }
    return NULL;
}

static bool put_zeros(const region *r, uintptr_t start, uintptr_t end) {
    void *at = (void *)start;
    int protection = atomic_load(&r->protection), flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return mmap(at, end - start, protection, flags, -1, 0) == at;
}

/* A page that replaces one of the file's is a mapping of its own, and the system allows a limited number of them: when
 * they run out, everything up to the end is replaced at once. The caller drops what it read in either case. */
static bool heal(region *r, uintptr_t address) {
    uintptr_t page = address & ~(page_size - 1);
    if (!put_zeros(r, page, page + page_size) && !put_zeros(r, page, atomic_load(&r->end))) return false;
    if (!atomic_exchange(&r->failed, 1) && atomic_load(&r->part)) atomic_fetch_add(&parts_failed, 1);
    return true;
}

/* Makes a handler the process's own. A signal that was sent is sent again; an access that faulted does so by itself. */
static void step_aside(int number, const struct sigaction *action, bool sent) {
    sigaction(number, action, NULL);
    if (sent) raise(number);
}

/* Runs a handler as the system would have. */
static void run_handler(const struct sigaction *action, int number, siginfo_t *info, void *context) {
    sigset_t mask = action->sa_mask, now;
    pthread_sigmask(SIG_BLOCK, &mask, &now);
    if (action->sa_flags & SA_NODEFER) {
        sigemptyset(&mask);
        sigaddset(&mask, number);
        pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    }
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(number, info, context);
    else
        action->sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &now, NULL);
}

static void hand_on(int number, siginfo_t *info, void *context) {
    bool sent = info->si_code <= 0; /* by kill or raise; else an access faulted */
    int next = atomic_load(&handler_next);
    const struct sigaction *action = &handlers[next];
    bool is_function =
        (action->sa_flags & SA_SIGINFO) || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
    if (next > 0) {
        atomic_store(&handler_next, next - 1);
        step_aside(number, action, sent);
    } else if (is_function) {
        run_handler(action, number, info, context);
    } else if (action->sa_handler == SIG_DFL || !sent) { /* the system does not ignore faults either */
        struct sigaction fallback;
        memset(&fallback, 0, sizeof fallback);
        fallback.sa_handler = SIG_DFL;
        sigemptyset(&fallback.sa_mask);
        step_aside(number, &fallback, sent);
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
    int kept = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    region *r = info->si_code > 0 ? find_region(address) : NULL;
    if (!r || !heal(r, address)) hand_on(number, info, context);
    errno = kept;
}

/* ---------------------------------------------------------------- mapping */

static void start(void) { page_size = (uintptr_t)sysconf(_SC_PAGESIZE); }

static bool is_ours(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_sigbus;
}

static bool guard_stands(void) {
    struct sigaction now;
    return sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now);
}

/* The place of a handler among those that were found before, or a new one; -1 when there are too many. */
static int remember_handler(const struct sigaction *action) {
    for (int i = 0; i < handlers_known; i++)
        if (handlers[i].sa_flags == action->sa_flags && handlers[i].sa_handler == action->sa_handler) return i;
    if (handlers_known == MSIO_HANDLERS) return -1;
    handlers[handlers_known] = *action;
    return handlers_known++;
}

/* Puts our handler in place, for the first time or again. What was there is noted first: ours may run at once. Under
 * the lock. */
static bool raise_guard(void) {
    struct sigaction now, ours;
    if (sigaction(SIGBUS, NULL, &now)) return false;
    if (is_ours(&now)) return true;
    int place = remember_handler(&now);
    if (place < 0) return false;
    atomic_store(&handler_next, place);
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_sigbus;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGBUS, &ours, NULL) == 0;
}

/* A free place in the list, which grows when it has none; NULL without memory. Under the lock. */
static region *free_region(void) {
    for (chunk *c = &first_chunk;; c = atomic_load(&c->next)) {
        for (int i = 0; i < MSIO_REGIONS_PER_CHUNK; i++)
            if (atomic_load(&c->regions[i].start) == 0) return &c->regions[i];
        if (!atomic_load(&c->next)) {
            chunk *more = calloc(1, sizeof *more);
            if (!more) return NULL;
            atomic_store(&c->next, more);
        }
    }
}

/* Maps length bytes from `offset`, where a page begins; NULL and errno when that cannot be. Under the lock. */
static region *map_region(int fd, int64_t offset, size_t length, int protection, int flags) {
    region *r = free_region();
    void *base = r ? mmap(NULL, length, protection, flags, fd, (off_t)offset) : MAP_FAILED;
    if (base == MAP_FAILED) return NULL;
    atomic_store(&r->failed, 0);
    atomic_store(&r->protection, protection);
    atomic_store(&r->part, false);
    atomic_store(&r->end, (uintptr_t)base + ((length + page_size - 1) & ~(page_size - 1)));
    atomic_store(&r->start, (uintptr_t)base);
    return r;
}

/* Under the lock. */
static void unmap_region(region *r) {
    uintptr_t start = atomic_load(&r->start), end = atomic_load(&r->end);
    /* Out of the list first: from the moment of munmap the addresses may be somebody else's. */
    atomic_store(&r->start, 0);
    munmap((void *)start, end - start);
}

/* NULL when it cannot be mapped. Under the lock. */
static region *map_file(const msio_file *file) {
    if (!file->mappable || file->stamp.size <= 0) return NULL;
    if ((uint64_t)file->stamp.size > SIZE_MAX - page_size) return NULL;
    int fd;
    if (msio_file_use(file, &fd)) return NULL;
    region *r = map_region(fd, 0, (size_t)file->stamp.size, PROT_READ, MAP_SHARED);
    msio_file_unuse(file);
    if (r) msio_descriptor_rest(file->descriptor); /* the mapping lives without it */
    return r;
}

static region *region_of(const msio_file *file) { return __atomic_load_n(&file->map, __ATOMIC_ACQUIRE); }

const uint8_t *msio_file_map(msio_file *file) {
    region *r = region_of(file);
    bool guarded = r && guard_stands();
    if (!r || !guarded) {
        pthread_once(&once, start);
        msio_lock_brief(MSIO_LOCK_MAPS);
        guarded = raise_guard();
        r = region_of(file);
        if (!r && guarded) {
            r = map_file(file);
            if (!r) r = &refused;
            __atomic_store_n(&file->map, (void *)r, __ATOMIC_RELEASE);
        }
        msio_unlock_brief(MSIO_LOCK_MAPS);
    }
    if (!guarded) return NULL;
    return (const uint8_t *)atomic_load_explicit(&r->start, memory_order_relaxed); /* 0 for refused */
}

const uint8_t *msio_file_mapped(const msio_file *file) {
    region *r = region_of(file);
    return r ? (const uint8_t *)atomic_load_explicit(&r->start, memory_order_relaxed) : NULL;
}

bool msio_file_map_failed(const msio_file *file) {
    region *r = region_of(file);
    return r && atomic_load(&r->failed);
}

double msio_file_map_resident(const msio_file *file, int64_t offset, int64_t length, int samples) {
    region *r = region_of(file);
    if (!r || r == &refused || samples <= 0 || offset < 0 || offset >= file->stamp.size || length <= 0) return 1.0;
    length = msio_min(length, file->stamp.size - offset);
    uintptr_t start = atomic_load(&r->start);
    int present = 0;
    for (int i = 0; i < samples; i++) {
        uintptr_t at = start + (uintptr_t)offset + (uintptr_t)((double)length * i / samples);
        unsigned char state = 1;
#if defined(__linux__)
        if (mincore((void *)(at & ~(page_size - 1)), 1, &state)) return 1.0;
#endif
        present += state & 1;
    }
    return (double)present / samples;
}

void msio_file_map_release(const msio_file *file, int64_t offset, int64_t length) {
    region *r = region_of(file);
    if (!r || r == &refused || offset < 0 || offset >= file->stamp.size || length <= 0) return;
    length = msio_min(length, file->stamp.size - offset);
    uintptr_t start = atomic_load(&r->start);
    uintptr_t from = (start + (uintptr_t)offset) & ~(page_size - 1), to = start + (uintptr_t)(offset + length);
    (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

bool msio_file_map_again(msio_file *file, int fd) {
    region *r = region_of(file);
    if (!r || r == &refused) return false;
    void *start = (void *)atomic_load(&r->start);
    size_t length = atomic_load(&r->end) - (uintptr_t)start;
    return mmap(start, length, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == start;
}

void msio_file_unmap(msio_file *file) {
    region *r = region_of(file);
    if (!r || r == &refused) return;
    msio_lock_brief(MSIO_LOCK_MAPS);
    unmap_region(r);
    msio_unlock_brief(MSIO_LOCK_MAPS);
    file->map = NULL;
}

/* ---------------------------------------------------------------- parts */

bool msio_mapping_guarded(void) {
    pthread_once(&once, start);
    if (guard_stands()) return true;
    msio_lock_brief(MSIO_LOCK_MAPS);
    bool guarded = raise_guard();
    msio_unlock_brief(MSIO_LOCK_MAPS);
    return guarded;
}

static msio_status map_part(const msio_file *file, int fd, int64_t offset, int64_t length, bool writable,
                            msio_mapping *mapping) {
    int64_t from = offset - offset % (int64_t)page_size;
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    int flags = writable ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    msio_lock_brief(MSIO_LOCK_MAPS);
    region *r = map_region(fd, from, (size_t)(offset + length - from), protection, flags);
    if (r) atomic_store(&r->part, true);
    msio_unlock_brief(MSIO_LOCK_MAPS);
    if (!r)
        return msio_error_system(errno == ENOMEM || errno == EAGAIN ? MSIO_E_MEMORY : MSIO_E_UNSUPPORTED, file->path,
                                 "%lld bytes of the file cannot be mapped", (long long)length);
    mapping->region = r;
    mapping->data = (uint8_t *)atomic_load(&r->start) + (offset - from);
    return MSIO_OK;
}

msio_status msio_mapping_open(const msio_file *file, int64_t offset, int64_t length, bool writable,
                              msio_mapping *mapping, msio_stamp *stamp) {
    int fd;
    if (!msio_mapping_guarded())
        return msio_error_set(MSIO_E_UNSUPPORTED, file->path, "no handler of SIGBUS can be put in place");
    msio_status status = msio_file_use(file, &fd);
    if (status) return status;
    status = msio_stamp_fd(fd, file->path, stamp);
    if (!status && (offset < 0 || length < 1 || offset > stamp->size || length > stamp->size - offset))
        status = msio_error_set(MSIO_E_FORMAT, file->path, "expected %lld bytes at offset %lld, found a file of %lld",
                                (long long)length, (long long)offset, (long long)stamp->size);
    if (!status) status = map_part(file, fd, offset, length, writable, mapping);
    msio_file_unuse(file);
    return status;
}

msio_status msio_mapping_store(int fd, const char *path, int64_t length, msio_mapping *mapping) {
    if (!msio_mapping_guarded())
        return msio_error_set(MSIO_E_UNSUPPORTED, path, "no handler of SIGBUS can be put in place");
    msio_lock_brief(MSIO_LOCK_MAPS);
    region *r = map_region(fd, 0, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED);
    msio_unlock_brief(MSIO_LOCK_MAPS);
    if (!r)
        return msio_error_system(MSIO_E_UNSUPPORTED, path, "%lld bytes of the file cannot be mapped for writing",
                                 (long long)length);
    mapping->region = r;
    mapping->data = (uint8_t *)atomic_load(&r->start);
    return MSIO_OK;
}

bool msio_mapping_failed(const msio_mapping *mapping) {
    region *r = mapping->region;
    return r && atomic_load(&r->failed);
}

void msio_mapping_close(msio_mapping *mapping) {
    if (!mapping->region) return;
    msio_lock_brief(MSIO_LOCK_MAPS);
    unmap_region(mapping->region);
    msio_unlock_brief(MSIO_LOCK_MAPS);
    *mapping = (msio_mapping){NULL, NULL};
}

int64_t msio_mappings_failed(void) { return atomic_load_explicit(&parts_failed, memory_order_relaxed); }

/* ---------------------------------------------------------------- which file systems */

#if defined(__linux__)
/* f_type values of <linux/magic.h> and of file systems that live outside the kernel; that header lacks most. */
static const uint32_t network_types[] = {
    0x00006969u, /* NFS */
    0xff534d42u, /* CIFS */
    0x0000517bu, /* SMB */
    0xfe534d42u, /* SMB2 */
    0x65735546u, /* FUSE: sshfs, s3fs, glusterfs, ... */
    0x0bd00bd0u, /* Lustre */
    0x47504653u, /* GPFS */
    0x19830326u, /* BeeGFS */
    0x00c36400u, /* Ceph */
    0xaad7aaeau, /* PanFS */
    0x20030528u, /* OrangeFS */
    0x01021997u, /* 9p */
    0x5346414fu, /* AFS */
    0x6b414653u, /* AFS of the kernel */
    0x73757245u, /* Coda */
    0x0000564cu, /* NCP */
    0x01161970u, /* GFS2 */
    0x7461636fu, /* OCFS2 */
    0x61636673u, /* ACFS */
    0xbeefdeadu, /* SNFS */
    0x786f4256u, /* shared folders of VirtualBox */
    0xbacbacbcu, /* shared folders of VMware */
    0x958458f6u, /* hugetlbfs: not a network's, but its pages are not read like others */
};

/* Those that overwrite blocks in place: on others, which write elsewhere and then exchange, or share blocks between
 * files, each store may need room. */
#define EXT_TYPE 0x0000ef53u /* ext2, ext3, ext4 */
#define TMPFS_TYPE 0x01021994u

bool msio_mapping_overwrites(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && ((uint32_t)s.f_type == EXT_TYPE || (uint32_t)s.f_type == TMPFS_TYPE);
}

bool msio_file_map_allowed(int fd) {
    struct statfs s;
    if (fstatfs(fd, &s)) return false;
    for (size_t i = 0; i < sizeof network_types / sizeof network_types[0]; i++)
        if ((uint32_t)s.f_type == network_types[i]) return false;
    return true;
}
#elif defined(__APPLE__) || defined(__FreeBSD__)
bool msio_mapping_overwrites(int fd) {
    (void)fd;
    return false;
}

bool msio_file_map_allowed(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && (s.f_flags & MNT_LOCAL);
}
#else
bool msio_mapping_overwrites(int fd) {
    (void)fd;
    return false;
}

bool msio_file_map_allowed(int fd) {
    (void)fd;
    return false;
}
#endif
