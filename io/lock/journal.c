/* journal.c - old bytes kept beside a table while they are overwritten, and put back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open-file-description locks */
#endif
#include "io/lock/journal.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/writing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "MSIOUNDO"
#define VERSION 2u /* 1: slots of one stretch alone */
#define ORDER 0x01020304u
#define PAGE ((int64_t)4096)
#define HEAD_BYTES (2 * PAGE)
#define RECORD_MOST 3840
#define NAME_MOST 64
#define MOST_SLOTS 65536

/* The first bytes of the file, in the machine's own byte order, which ORDER tells. */
typedef struct head {
    char magic[8];
    uint32_t version, order, mode, slots;
    int64_t slot_bytes, pid, first_row, last_row;
    char columns[256];
    atomic_uint sealed;
    uint32_t record_bytes;
    uint8_t record[RECORD_MOST];
    uint32_t renames; /* COMMITTED: NAME_tmp is to be NAME, for each of these; before, NAME_tmp is to be removed */
    char rename_to[MSIO_JOURNAL_RENAMES][NAME_MOST];
} head;

/* head.sealed, of WHOLE. */
enum { FILLING, SEALED, COMMITTED };

/* A page before each slot's bytes. */
typedef struct slot_head {
    atomic_uint valid;
    uint32_t unused;
    uint64_t device, inode;
    int64_t offset, length; /* length: of the slot's bytes */
    char name[NAME_MOST];   /* of the file, in the table's folder */
    int64_t run, step;      /* bytes of each run, and from one run's first to the next one's; run 0: one stretch */
} slot_head;

_Static_assert(sizeof(head) <= HEAD_BYTES && sizeof(slot_head) <= PAGE, "heads fit their pages");

struct msio_journal {
    msio_journal *next; /* of those of this process that go on */
    int directory;      /* descriptor of the table's folder */
    int fd;
    int64_t bytes;
    uint8_t *map;
    char path[];
};

static msio_journal *living; /* under MSIO_LOCK_REGISTRY */

/* A child of fork writes none of these: the threads that do are its parent's. It keeps no descriptor of theirs, whose
 * lock would make a write seem to go on when the parent is gone. */
static void let_go_of_parents(void) {
    for (msio_journal *j = living; j; j = j->next) {
        munmap(j->map, (size_t)j->bytes);
        close(j->fd);
        close(j->directory);
        j->map = NULL;
        j->fd = j->directory = -1;
    }
    living = NULL;
}

__attribute__((constructor)) static void watch_forks(void) { msio_fork_tell(let_go_of_parents); }

static void add_living(msio_journal *j) {
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    j->next = living;
    living = j;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
}

static void drop_living(msio_journal *j) {
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    msio_journal **at = &living;
    while (*at && *at != j) at = &(*at)->next;
    if (*at) *at = j->next;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
}

static head *head_of(const msio_journal *j) { return (head *)(void *)j->map; }

static int64_t slot_stride(int64_t slot_bytes) { return PAGE + (slot_bytes + PAGE - 1) / PAGE * PAGE; }

static slot_head *slot_at(uint8_t *map, int64_t slot_bytes, int index) {
    return (slot_head *)(void *)(map + HEAD_BYTES + index * slot_stride(slot_bytes));
}

static slot_head *slot_of(const msio_journal *j, int index) { return slot_at(j->map, head_of(j)->slot_bytes, index); }

/* ---------------------------------------------------------------- a live one */

static msio_status clear_way(const char *directory);

static int make_file(const msio_journal *j) {
    return openat(j->directory, MSIO_JOURNAL_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
}

static msio_status take_file(msio_journal *j, const char *directory) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    j->fd = make_file(j);
    if (j->fd < 0 && errno == EEXIST) {
        msio_status status = clear_way(directory);
        if (status) return status;
        j->fd = make_file(j);
    }
    if (j->fd < 0)
        return msio_error_system(MSIO_E_IO, j->path,
                                 "cannot keep old values beside the table while they are "
                                 "overwritten");
    (void)fcntl(j->fd, F_OFD_SETLK, &whole); /* without locks on this file system readers take it for left over */
    msio_status status =
        msio_write_reserve(j->fd, j->path, j->bytes, "old values, which are kept until new ones are written");
    if (status) return status;
    void *map = mmap(NULL, (size_t)j->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
    if (map == MAP_FAILED) return msio_error_system(MSIO_E_IO, j->path, "cannot map %lld bytes", (long long)j->bytes);
    j->map = map;
    return MSIO_OK;
}

static void let_go(msio_journal *j) {
    drop_living(j);
    if (j->map) munmap(j->map, (size_t)j->bytes);
    if (j->fd >= 0) close(j->fd);
    if (j->directory >= 0) close(j->directory);
    free(j);
}

static void fill_head(const msio_journal *j, msio_journal_mode mode, int slots, int64_t slot_bytes,
                      const msio_journal_facts *facts, const uint8_t *record, int64_t record_bytes) {
    head *h = head_of(j);
    h->version = VERSION;
    h->order = ORDER;
    h->mode = mode;
    h->slots = (uint32_t)slots;
    h->slot_bytes = slot_bytes;
    h->pid = getpid();
    h->first_row = facts->first_row;
    h->last_row = facts->last_row;
    snprintf(h->columns, sizeof h->columns, "%s", facts->columns);
    h->record_bytes = (uint32_t)msio_min(record_bytes, RECORD_MOST);
    memcpy(h->record, record, h->record_bytes);
    atomic_thread_fence(memory_order_release);
    memcpy(h->magic, MAGIC, sizeof h->magic); /* last: a file without it was never in use */
}

msio_status msio_journal_make(const char *directory, msio_journal_mode mode, int slots, int64_t slot_bytes,
                              const msio_journal_facts *facts, const uint8_t *record, int64_t record_bytes,
                              msio_journal **journal) {
    size_t room = strlen(directory) + sizeof "/" MSIO_JOURNAL_NAME;
    msio_journal *j = calloc(1, sizeof *j + room);
    if (!j) return msio_error_set(MSIO_E_MEMORY, directory, "no memory for a write");
    snprintf(j->path, room, "%s/%s", directory, MSIO_JOURNAL_NAME);
    j->fd = -1;
    j->bytes = HEAD_BYTES + slots * slot_stride(slot_bytes);
    j->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    msio_status status = j->directory < 0 ? msio_error_system(MSIO_E_IO, directory, "cannot open the table's folder")
                                          : take_file(j, directory);
    if (status) {
        if (j->fd >= 0) unlinkat(j->directory, MSIO_JOURNAL_NAME, 0);
        let_go(j);
        return status;
    }
    fill_head(j, mode, slots, slot_bytes, facts, record, record_bytes);
    add_living(j);
    *journal = j;
    return MSIO_OK;
}

uint8_t *msio_journal_slot(const msio_journal *journal, int index) { return (uint8_t *)slot_of(journal, index) + PAGE; }

msio_status msio_journal_fill(msio_journal *journal, int index, const uint8_t *bytes, int64_t length) {
    const int64_t offset = HEAD_BYTES + index * slot_stride(head_of(journal)->slot_bytes) + PAGE;
    return msio_write_at(journal->fd, journal->path, bytes, length, offset);
}

void msio_journal_keep_runs(msio_journal *journal, int index, const msio_file *file, const msio_journal_runs *runs) {
    slot_head *s = slot_of(journal, index);
    const char *name = strrchr(file->path, '/');
    s->device = file->stamp.device;
    s->inode = file->stamp.inode;
    s->offset = runs->offset;
    s->length = runs->n * runs->length;
    s->run = runs->length;
    s->step = runs->step;
    snprintf(s->name, sizeof s->name, "%s", name ? name + 1 : file->path);
    atomic_store_explicit(&s->valid, 1, memory_order_release);
}

void msio_journal_keep(msio_journal *journal, int index, const msio_file *file, int64_t offset, int64_t length) {
    msio_journal_keep_runs(journal, index, file, &(msio_journal_runs){offset, length, length, 1});
}

void msio_journal_drop(msio_journal *journal, int index) {
    atomic_store_explicit(&slot_of(journal, index)->valid, 0, memory_order_release);
}

void msio_journal_seal(msio_journal *journal) {
    atomic_store_explicit(&head_of(journal)->sealed, SEALED, memory_order_release);
}

static void name_file(head *h, int i, const char *path) {
    const char *name = strrchr(path, '/');
    snprintf(h->rename_to[i], NAME_MOST, "%s", name ? name + 1 : path);
}

static bool is_named(const head *h, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (uint32_t i = 0; i < h->renames; i++)
        if (strncmp(h->rename_to[i], name, NAME_MOST) == 0) return true;
    return false;
}

bool msio_journal_intend(msio_journal *journal, const char *name) {
    head *h = head_of(journal);
    if (h->renames == MSIO_JOURNAL_RENAMES) return false;
    name_file(h, (int)h->renames, name);
    atomic_thread_fence(memory_order_release);
    h->renames++;
    return true;
}

void msio_journal_commit(msio_journal *journal, int n, const char *const *names) {
    head *h = head_of(journal);
    uint32_t named = h->renames; /* those stay as they stand: this may be the process's last moment */
    for (int i = 0; i < n; i++)
        if (!is_named(h, names[i])) name_file(h, (int)named++, names[i]);
    atomic_thread_fence(memory_order_release);
    h->renames = named;
    atomic_store_explicit(&h->sealed, COMMITTED, memory_order_release);
}

void msio_journal_end(msio_journal *journal) {
    if (!journal || !journal->map) return; /* none, or a parent's */
    /* Where the file cannot be removed, nothing in it is to be put back. */
    atomic_store_explicit(&head_of(journal)->sealed, FILLING, memory_order_release);
    unlinkat(journal->directory, MSIO_JOURNAL_NAME, 0);
    let_go(journal);
}

/* ---------------------------------------------------------------- putting back */

/* What a limit of a file's size keeps from being put back, it kept from being changed. */
static bool holds(int fd, const uint8_t *bytes, int64_t length, int64_t offset) {
    uint8_t there[4096];
    for (int64_t done = 0; done < length;) {
        const int64_t rest = length - done, most = rest < (int64_t)sizeof there ? rest : (int64_t)sizeof there;
        ssize_t n = pread(fd, there, (size_t)most, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || memcmp(there, bytes + done, (size_t)n) != 0) return false;
        done += n;
    }
    return true;
}

/* Checked before: runs are whole, and do not meet. */
static int64_t run_of(const slot_head *s) { return s->run ? s->run : s->length; }

/* From the first run's first byte to the last one's last. */
static int64_t extent_of(const slot_head *s) {
    return s->length ? (s->length / run_of(s) - 1) * s->step + run_of(s) : 0;
}

static msio_status put_back_runs(int fd, const slot_head *s) {
    const uint8_t *old = (const uint8_t *)s + PAGE;
    msio_status status = MSIO_OK;
    int64_t at = s->offset;
    for (int64_t done = 0; done < s->length && !status; done += run_of(s), at += s->step) {
        status = msio_write_at(fd, s->name, old + done, run_of(s), at);
        if (status && holds(fd, old + done, run_of(s), at)) status = MSIO_OK;
    }
    return status;
}

static msio_status put_back_slot(int directory, const char *path, const slot_head *s) {
    struct stat st;
    int fd = openat(directory, s->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st)) {
        msio_status status = msio_error_system(MSIO_E_IO, path, "cannot put old values back into %s", s->name);
        if (fd >= 0) close(fd);
        return status;
    }
    msio_status status = put_back_runs(fd, s);
    close(fd);
    return status;
}

/* Whether a slot's bytes are to be put back. */
static bool counts(head *h, slot_head *s) {
    if (h->mode == MSIO_JOURNAL_WHOLE && atomic_load_explicit(&h->sealed, memory_order_acquire) != SEALED) return false;
    return atomic_load_explicit(&s->valid, memory_order_acquire) != 0;
}

static bool is_committed(head *h) {
    return h->mode == MSIO_JOURNAL_WHOLE && atomic_load_explicit(&h->sealed, memory_order_acquire) == COMMITTED;
}

/* What was decided is done: new headers take their places. Those that have, have no other name any more. */
static msio_status rename_rest(const head *h, int directory, const char *path, int *restored) {
    for (uint32_t i = 0; i < h->renames; i++) {
        char from[NAME_MOST + 8];
        snprintf(from, sizeof from, "%s_tmp", h->rename_to[i]);
        if (renameat(directory, from, directory, h->rename_to[i]) == 0)
            ++*restored;
        else if (errno != ENOENT)
            return msio_error_system(MSIO_E_IO, path, "cannot put the new header %s in its place", h->rename_to[i]);
    }
    return MSIO_OK;
}

/* New files that were not decided on. */
static void remove_new(const head *h, int directory) {
    for (uint32_t i = 0; i < h->renames; i++) {
        char name[NAME_MOST + 8];
        snprintf(name, sizeof name, "%s_tmp", h->rename_to[i]);
        unlinkat(directory, name, 0);
    }
}

static msio_status put_back(uint8_t *map, int directory, const char *path, int *restored) {
    head *h = (head *)(void *)map;
    msio_status status = MSIO_OK;
    if (is_committed(h)) return rename_rest(h, directory, path, restored);
    for (uint32_t i = 0; i < h->slots && !status; i++) {
        slot_head *s = slot_at(map, h->slot_bytes, (int)i);
        if (!counts(h, s)) continue;
        status = put_back_slot(directory, path, s);
        if (!status) ++*restored;
    }
    if (!status) remove_new(h, directory);
    return status;
}

void msio_journal_undo(msio_journal *journal) {
    msio_error_copy error;
    int restored = 0;
    if (!journal || !journal->map) return;
    msio_error_save(&error);
    if (put_back(journal->map, journal->directory, journal->path, &restored) == MSIO_OK)
        msio_journal_end(journal);
    else
        let_go(journal);
    (void)msio_error_restore(&error);
}

/* ---------------------------------------------------------------- what was left */

/* A journal found, mapped; nothing in it is trusted before check_left. */
typedef struct found {
    int directory, fd;
    int64_t bytes;
    uint8_t *map;
    char path[4096];
} found;

static void close_found(found *f) {
    if (f->map) munmap(f->map, (size_t)f->bytes);
    if (f->fd >= 0) close(f->fd);
    if (f->directory >= 0) close(f->directory);
}

/* A write that goes on holds a lock on its journal. */
static bool is_live(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/* *there false: no journal, or a live one, or one that was never in use. */
static msio_status find(const char *directory, found *f, bool *there) {
    struct stat st;
    *f = (found){.directory = -1, .fd = -1};
    *there = false;
    snprintf(f->path, sizeof f->path, "%s/%s", directory, MSIO_JOURNAL_NAME);
    f->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->directory < 0) return msio_error_system(MSIO_E_IO, directory, "cannot open the table's folder");
    f->fd = openat(f->directory, MSIO_JOURNAL_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (f->fd < 0 && errno == ENOENT) return MSIO_OK;
    if (f->fd < 0) return msio_error_system(MSIO_E_IO, f->path, "cannot look at what an interrupted write left");
    if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
        return msio_error_set(MSIO_E_FORMAT, f->path, "expected a regular file of msio's here");
    if (is_live(f->fd) || st.st_size < HEAD_BYTES) return MSIO_OK;
    f->bytes = st.st_size;
    void *map = mmap(NULL, (size_t)f->bytes, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (map == MAP_FAILED) return msio_error_system(MSIO_E_IO, f->path, "cannot map %lld bytes", (long long)f->bytes);
    f->map = map;
    *there = memcmp(map, MAGIC, 8) == 0;
    return MSIO_OK;
}

static bool plain_name(const char name[NAME_MOST]) {
    return memchr(name, 0, NAME_MOST) && strncmp(name, "table.f", 7) == 0 && !strchr(name, '/');
}

/* What a slot says of its runs, against what a slot of this file holds. */
static bool sane_runs(const slot_head *s, int64_t slot_bytes) {
    int64_t between;
    if (s->offset < 0 || s->length < 0 || s->length > slot_bytes) return false;
    if (s->run == 0 || s->run == s->length) return true;
    if (s->run < 0 || s->step <= s->run || s->length % s->run != 0) return false;
    return msio_mul_checked(s->length / s->run, s->step, &between) && between <= INT64_MAX - s->offset;
}

/* Counts and lengths of the file against its size: MSIO_E_FORMAT. */
static msio_status check_left(const found *f) {
    head *h = (head *)(void *)f->map;
    if (h->order == ORDER && h->version > VERSION)
        return msio_error_set(MSIO_E_UNSUPPORTED, f->path,
                              "a write by a newer msio (version %u of this file, %u is known) was interrupted: repair "
                              "the table with that one",
                              h->version, VERSION);
    bool sane = h->order == ORDER && (h->mode == MSIO_JOURNAL_BLOCKS || h->mode == MSIO_JOURNAL_WHOLE) &&
                h->slots <= MOST_SLOTS && h->slot_bytes >= 0 && h->slot_bytes <= MSIO_JOURNAL_SLOT_MOST &&
                h->record_bytes <= RECORD_MOST && memchr(h->columns, 0, sizeof h->columns) &&
                HEAD_BYTES + (int64_t)h->slots * slot_stride(h->slot_bytes) <= f->bytes;
    for (uint32_t i = 0; sane && i < h->slots; i++) {
        slot_head *s = slot_at(f->map, h->slot_bytes, (int)i);
        if (!counts(h, s)) continue;
        sane = sane_runs(s, h->slot_bytes) && plain_name(s->name);
    }
    sane = sane && h->renames <= MSIO_JOURNAL_RENAMES;
    for (uint32_t i = 0; sane && i < h->renames; i++) sane = plain_name(h->rename_to[i]);
    if (sane) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, f->path,
                          "what an interrupted write left is damaged; check the table, then remove this file");
}

/* Whether a slot speaks of the file that now has its name, and of bytes that are in it. */
static bool speaks_of_file(const found *f, const slot_head *s) {
    struct stat st;
    return fstatat(f->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_dev == s->device && (uint64_t)st.st_ino == s->inode &&
           s->offset <= st.st_size - extent_of(s);
}

static msio_leftover judge(const found *f, const uint8_t *record, int64_t record_bytes, int *valid) {
    head *h = (head *)(void *)f->map;
    *valid = 0;
    bool same = true;
    for (uint32_t i = 0; i < h->slots; i++) {
        slot_head *s = slot_at(f->map, h->slot_bytes, (int)i);
        if (!counts(h, s)) continue;
        ++*valid;
        same = same && speaks_of_file(f, s);
    }
    if (*valid == 0 && !is_committed(h)) return MSIO_LEFT_BLOCKS;
    same = same && record_bytes == h->record_bytes && memcmp(record, h->record, h->record_bytes) == 0;
    return same ? MSIO_LEFT_BLOCKS : MSIO_LEFT_STRANGE;
}

static msio_status list_blocks(const found *f, int valid, msio_left_block **blocks, int *n) {
    head *h = (head *)(void *)f->map;
    *blocks = malloc(((size_t)valid + 1) * sizeof **blocks);
    if (!*blocks) return msio_error_set(MSIO_E_MEMORY, f->path, "no memory for %d blocks", valid);
    *n = 0;
    for (uint32_t i = 0; i < h->slots && *n < valid; i++) {
        slot_head *s = slot_at(f->map, h->slot_bytes, (int)i);
        if (counts(h, s)) (*blocks)[(*n)++] = (msio_left_block){s->device, s->inode, s->offset, extent_of(s)};
    }
    return MSIO_OK;
}

msio_status msio_journal_look(const char *directory, const uint8_t *record, int64_t record_bytes, msio_leftover *left,
                              msio_journal_facts *facts, msio_left_block **blocks, int *n) {
    found f;
    bool there;
    int valid;
    msio_status status = find(directory, &f, &there);
    if (!status && there) status = check_left(&f);
    if (!status && !there) {
        *left = MSIO_LEFT_NOTHING;
        *blocks = NULL;
        *n = 0;
    } else if (!status) {
        const head *h = (const head *)(const void *)f.map;
        msio_leftover found_left = judge(&f, record, record_bytes, &valid);
        status = list_blocks(&f, valid, blocks, n);
        *left = found_left;
        *facts = (msio_journal_facts){.first_row = h->first_row, .last_row = h->last_row, .pid = h->pid};
        memcpy(facts->columns, h->columns, sizeof facts->columns);
    }
    close_found(&f);
    return status;
}

/* A write of this hold that was done could not remove its journal: nothing in that one is to be put back. */
static msio_status clear_way(const char *directory) {
    found f;
    bool there, done = false;
    int valid = 0;
    msio_status status = find(directory, &f, &there);
    if (!status && there) status = check_left(&f);
    if (!status && there) {
        judge(&f, NULL, 0, &valid);
        done = valid == 0 && !is_committed((head *)(void *)f.map);
    }
    if (!status && !done)
        status = msio_error_set(MSIO_E_LOCKED, f.path,
                                "an earlier write was interrupted, or goes on; run msio repair on the table first");
    if (done) remove_new((const head *)(const void *)f.map, f.directory);
    if (done && unlinkat(f.directory, MSIO_JOURNAL_NAME, 0) && errno != ENOENT)
        status = msio_error_system(MSIO_E_IO, f.path, "cannot remove what an earlier write kept");
    close_found(&f);
    return status;
}

msio_status msio_journal_restore(const char *directory, const uint8_t *record, int64_t record_bytes, int *restored) {
    found f;
    bool there;
    int valid = 0;
    *restored = 0;
    msio_status status = find(directory, &f, &there);
    if (!status && there) status = check_left(&f);
    bool live = !status && !there && f.fd >= 0 && is_live(f.fd);
    if (!status && there && judge(&f, record, record_bytes, &valid) == MSIO_LEFT_BLOCKS)
        status = put_back(f.map, f.directory, f.path, restored);
    else if (!status && there)
        remove_new((const head *)(const void *)f.map, f.directory);
    if (!status && f.fd >= 0 && !live && unlinkat(f.directory, MSIO_JOURNAL_NAME, 0) && errno != ENOENT)
        status = msio_error_system(MSIO_E_IO, f.path, "cannot remove what an interrupted write left");
    close_found(&f);
    return status;
}
