/* tracking.c - which descriptors are files that count, and what is done with them. */
#include "prof/preload/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS 65536

/* Of each descriptor: its entry in the segment's files + 1; 0: none. */
static _Atomic uint32_t tracked[DESCRIPTORS];
static unsigned tracked_epoch;

/* Of descriptors of files that are no tables': where the position is by what was seen of it, + 1; 0: not known. There
 * it matters only to whether reads follow each other, and asking would be most of what a buffered stream's reads cost.
 */
static _Atomic int64_t positions[DESCRIPTORS];
/* A descriptor may have a position in common with another one, or with one of another process. */
static _Atomic bool positions_are_shared;

void preload_positions_shared(void) { atomic_store_explicit(&positions_are_shared, true, memory_order_relaxed); }

/* ---------------------------------------------------------------- what a file is */

static bool ends_with(const char *name, size_t length, const char *end) {
    size_t n = strlen(end);
    return length > n && memcmp(name + length - n, end, n) == 0;
}

static uint32_t kind_by_name(const char *name) {
    size_t length = strlen(name);
    if (strncmp(name, "table.", 6) == 0) {
        if (strcmp(name, "table.lock") == 0) return PROFILE_LOCK_FILE;
        if (name[6] == 'f' || name[6] == 'm' || strcmp(name, "table.dat") == 0 || strcmp(name, "table.info") == 0 ||
            strcmp(name, "table.dat_tmp") == 0)
            return PROFILE_TABLE_FILE;
    }
    static const char *const ends[] = {".uvh5", ".hdf5", ".h5", ".hdf", ".he5"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(name, length, ends[i])) return PROFILE_HDF5_FILE;
    return PROFILE_OTHER_FILE;
}

static bool is_regular(int fd, struct stat *about) { return fstat(fd, about) == 0 && S_ISREG(about->st_mode); }

/* What the kernel makes up is no file of data. */
static bool is_made_up(const char *path) {
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 || strncmp(path, "/dev/", 5) == 0;
}

/* Whether a file that its name does not tell begins as HDF5 files do. */
static bool begins_as_hdf5(int fd, int flags) {
    char first[8];
    if ((flags & O_ACCMODE) == O_WRONLY) return false;
    return syscall(SYS_pread64, fd, first, sizeof first, (off_t)0) == 8 && memcmp(first, "\211HDF\r\n\032\n", 8) == 0;
}

/* The absolute path, links followed: as the kernel has it. */
static size_t absolute_path(int fd, char *path, size_t size) {
    char link[32] = "/proc/self/fd/";
    char digits[12];
    size_t at = 14;
    int n = 0;
    do digits[n++] = (char)('0' + fd % 10);
    while ((fd /= 10) > 0);
    while (n > 0) link[at++] = digits[--n];
    link[at] = '\0';
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return (size_t)length;
}

/* ---------------------------------------------------------------- descriptors */

/* A child of fork has its parent's descriptors: they are its own files now. */
static void renew(void) {
    unsigned epoch = preload_epoch;
    if (tracked_epoch == epoch) return;
    tracked_epoch = epoch;
    uint32_t process = preload_process();
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        uint32_t entry = atomic_load_explicit(&tracked[fd], memory_order_relaxed);
        if (!entry) continue;
        const profile_file *old = &preload_segment->file[entry - 1];
        uint32_t own = preload_file_entry(process, old->path, old->kind);
        if (own != UINT32_MAX) atomic_store(&preload_segment->file[own].heat, atomic_load(&old->heat));
        atomic_store(&tracked[fd], own == UINT32_MAX ? 0 : own + 1);
    }
}

static inline profile_file *file_of(uint32_t entry, bool *locks) {
    if (!entry) return NULL;
    profile_file *file = &preload_segment->file[entry - 1];
    *locks = file->kind == PROFILE_LOCK_FILE;
    return file;
}

/* The first time in a thread, or after a fork. */
static __attribute__((noinline)) profile_file *tracked_anew(int fd, bool *locks) {
    renew();
    if (!preload_knows_thread()) preload_learn_thread();
    return file_of(atomic_load_explicit(&tracked[fd], memory_order_relaxed), locks);
}

profile_file *preload_tracked(int fd, bool *locks) {
    if (!preload_segment || fd < 0 || fd >= DESCRIPTORS) return NULL;
    uint32_t entry = atomic_load_explicit(&tracked[fd], memory_order_relaxed);
    bool known = tracked_epoch == preload_epoch && preload_knows_thread();
    return __builtin_expect(entry && !known, 0) ? tracked_anew(fd, locks) : file_of(entry, locks);
}

/* A file that is large when it is opened has it kept when which part of it is read. */
static void follow(profile_file *file, const struct stat *about) {
    bool wanted = file->kind == PROFILE_TABLE_FILE || file->kind == PROFILE_HDF5_FILE;
    if (!wanted || atomic_load_explicit(&file->heat, memory_order_relaxed)) return;
    if (about->st_size < PROFILE_HEAT_BYTES) return;
    uint32_t entry = preload_heat_entry(file->path, (uint64_t)about->st_size);
    if (entry != UINT32_MAX) atomic_store(&file->heat, entry + 1);
}

/* Files that were opened: the same absolute name for the same file, which has no other one, is the same path again.
 * Programs open tables over and over, and the kernel takes microseconds to tell a path. */
#define KNOWN_PATHS 1024u
typedef struct known_path {
    _Atomic uint32_t busy;
    uint32_t path; /* entry of strings */
    uint64_t name; /* hash of it; 0: none */
    uint64_t device, inode;
} known_path;
static known_path known_paths[KNOWN_PATHS];

static uint32_t asked_path(int fd) {
    char path[PATH_MAX];
    size_t length = absolute_path(fd, path, sizeof path);
    return length ? preload_string(path, length) : UINT32_MAX;
}

/* The entry in strings of an opened file's path; UINT32_MAX: it cannot be told. */
static uint32_t path_of(const char *name, int fd, const struct stat *about) {
    uint64_t hash = 1469598103934665603u;
    uint32_t idle = 0;
    bool relative = *name != '/'; /* it may be another file's elsewhere, or this one's under another folder */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    hash |= 1;
    known_path *known = &known_paths[(hash >> 32 ^ about->st_ino) % KNOWN_PATHS];
    if (relative || about->st_nlink != 1 || !atomic_compare_exchange_strong(&known->busy, &idle, 1))
        return asked_path(fd);
    if (known->name != hash || known->device != about->st_dev || known->inode != about->st_ino) {
        known->path = asked_path(fd);
        known->name = known->path == UINT32_MAX ? 0 : hash;
        known->device = about->st_dev, known->inode = about->st_ino;
    }
    uint32_t path = known->path;
    atomic_store_explicit(&known->busy, 0, memory_order_release);
    return path;
}

static void track(const char *name, int fd, uint32_t kind, const struct stat *about) {
    if (!preload_attach()) return;
    if (fd >= DESCRIPTORS) {
        atomic_fetch_add(&preload_segment->untracked, 1);
        return;
    }
    renew();
    uint32_t path = path_of(name, fd, about);
    if (path == UINT32_MAX) return;
    uint32_t entry = preload_file_entry(preload_process(), path, kind);
    if (entry == UINT32_MAX) return;
    atomic_fetch_add_explicit(&preload_segment->file[entry].opens, 1, memory_order_relaxed);
    follow(&preload_segment->file[entry], about);
    atomic_store_explicit(&positions[fd], 0, memory_order_relaxed);
    atomic_store(&tracked[fd], entry + 1);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void preload_opened(const char *path, int fd, int flags) {
    int kept = errno;
    if (!path || fd < 0 || !preload_wanted() || (flags & (O_PATH | O_DIRECTORY))) return;
    if (preload_wants_calls() || *preload_wanted_lines()) preload_calls_begin();
    uint32_t kind = kind_by_name(base_name(path));
    if (kind == PROFILE_OTHER_FILE && is_made_up(path)) return;
    if (preload_is_own_memory()) {
        struct stat about;
        if (fd < DESCRIPTORS && preload_segment) atomic_store(&tracked[fd], 0); /* closed behind our back */
        bool regular = is_regular(fd, &about);
        if (kind == PROFILE_OTHER_FILE && regular && begins_as_hdf5(fd, flags)) kind = PROFILE_HDF5_FILE;
        if ((kind != PROFILE_OTHER_FILE || preload_segment) && regular) track(path, fd, kind, &about);
        if (kind != PROFILE_OTHER_FILE && preload_segment) {
            preload_watch_modules();
            preload_sampler_begin();
        }
    }
    errno = kept;
}

void preload_stream(const char *path, int fd) {
    preload_opened(path, fd, O_RDONLY);
    if (!preload_segment || !path) return;
    const char *name = base_name(path);
    uint32_t kind = kind_by_name(name);
    if (kind != PROFILE_OTHER_FILE && strcmp(name, "table.info") != 0) atomic_fetch_add(&preload_segment->streams, 1);
}

void preload_closing(int fd) {
    bool locks;
    profile_file *file = preload_tracked(fd, &locks);
    if (!file || !preload_is_own_memory()) return;
    atomic_store(&tracked[fd], 0);
    atomic_fetch_add_explicit(&file->closes, 1, memory_order_relaxed);
}

void preload_closing_range(unsigned first, unsigned last) {
    if (!preload_segment) return;
    for (unsigned fd = first; fd < DESCRIPTORS && fd <= last; fd++)
        if (atomic_load_explicit(&tracked[fd], memory_order_relaxed)) preload_closing((int)fd);
}

void preload_copied(int from, int to) {
    bool locks;
    if (!preload_segment || to < 0 || to >= DESCRIPTORS || from == to) return;
    profile_file *file = preload_tracked(from, &locks);
    if (!file && !atomic_load_explicit(&tracked[to], memory_order_relaxed)) return;
    if (!preload_is_own_memory()) return;
    if (file) preload_positions_shared();
    atomic_store(&tracked[to], file ? (uint32_t)(file - preload_segment->file) + 1 : 0);
}

/* ---------------------------------------------------------------- reads and writes */

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

static void keep_longest(profile_count *longest, uint64_t ns) {
    uint64_t most = atomic_load_explicit(longest, memory_order_relaxed);
    while (ns > most && !atomic_compare_exchange_weak(longest, &most, ns)) {}
}

static int size_bucket(uint64_t bytes) {
    int bucket = bytes ? 63 - __builtin_clzll(bytes) : 0;
    return bucket < PROFILE_SIZE_BUCKETS ? bucket : PROFILE_SIZE_BUCKETS - 1;
}

/* Where this thread has just set a descriptor's position: the read or write after it need not ask the kernel. */
static __thread struct {
    const profile_file *file; /* NULL: not known */
    int fd;
    int64_t at;
} sought __attribute__((tls_model("initial-exec")));

/* Programs seek far more often than they read. The first thread alone counts into more_seeks, until that is half full.
 */
static void count_seek(profile_file *file) {
    const uint32_t most = 1u << 31;
    if (!preload_own_thread.first) {
        add(&file->seeks, 1);
        return;
    }
    uint32_t more = atomic_load_explicit(&file->more_seeks, memory_order_relaxed) + 1;
    if (more == most) add(&file->seeks, most);
    atomic_store_explicit(&file->more_seeks, more == most ? 0 : more, memory_order_relaxed);
}

void preload_sought(profile_file *file, int fd, int64_t at) {
    count_seek(file);
    atomic_store_explicit(&positions[fd], at >= 0 ? at + 1 : 0, memory_order_relaxed);
    sought.file = at >= 0 ? file : NULL;
    sought.fd = fd;
    sought.at = at;
}

/* Where a read or write of n bytes began, that has moved the position. */
static int64_t moved_from(const profile_file *file, int fd, ssize_t n) {
    if (sought.file == file && sought.fd == fd) return sought.at;
    int64_t seen = 0;
    if (file->kind == PROFILE_OTHER_FILE && !atomic_load_explicit(&positions_are_shared, memory_order_relaxed))
        seen = atomic_load_explicit(&positions[fd], memory_order_relaxed);
    return seen ? seen - 1 : (int64_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR) - n;
}

void preload_moved(profile_file *file, int fd, ssize_t n, int64_t offset, uint64_t start, bool write) {
    int kept = errno;
    add(write ? &file->writes : &file->reads, 1);
    if (start) {
        uint64_t ns = preload_now() - start;
        add(write ? &file->write_ns : &file->read_ns, ns);
        keep_longest(&file->longest_ns, ns);
        if (preload_events)
            preload_log(write ? PROFILE_EVENT_WRITE : PROFILE_EVENT_READ, (uint32_t)(file - preload_segment->file),
                        n > 0 ? (uint64_t)n : 0, start, ns);
    }
    if (n < 0) add(&file->failed, 1);
    if (n > 0) {
        add(write ? &file->bytes_written : &file->bytes_read, (uint64_t)n);
        atomic_fetch_add_explicit((write ? file->write_sizes : file->read_sizes) + size_bucket((uint64_t)n), 1,
                                  memory_order_relaxed);
    }
    if (n > 0 && file->kind != PROFILE_LOCK_FILE) {
        if (offset < 0) {
            offset = moved_from(file, fd, n);
            atomic_store_explicit(&positions[fd], offset >= 0 ? offset + n + 1 : 0, memory_order_relaxed);
        }
        if (atomic_exchange_explicit(&file->next, offset + n, memory_order_relaxed) == offset) add(&file->in_order, 1);
        if (file->kind != PROFILE_OTHER_FILE)
            add(write ? &preload_segment->table_bytes_written : &preload_segment->table_bytes_read, (uint64_t)n);
        if (offset >= 0 && file->kind != PROFILE_OTHER_FILE)
            preload_extent(file->path, (uint64_t)offset, (uint64_t)n, write);
        uint32_t heat = write || offset < 0 ? 0 : atomic_load_explicit(&file->heat, memory_order_relaxed);
        if (heat) preload_heat(heat - 1, (uint64_t)offset, (uint64_t)n, start);
    }
    sought.file = NULL;
    errno = kept;
}
