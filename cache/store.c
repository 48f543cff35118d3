/* store.c - the memory of answers: a table of them by key in each of some shards, and the clock of their use. */
#include "cache/store.h"

#include "core/error.h"
#include "core/lock.h"
#include "prof/call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>

#define SHARDS MSIO_ANSWER_LOCKS /* threads that ask for different things seldom meet */
#define LIMIT ((int64_t)64 << 20)

typedef struct entry {
    UT_hash_handle hh;
    msio_answer *answer; /* NULL: being made */
    uint64_t used;       /* the clock at its last use */
    bool lost;           /* there was no memory to keep it */
    char key[];
} entry;

typedef struct shard {
    pthread_cond_t made;
    entry *entries;
    int64_t hits, misses, evictions, stale;
} shard;

static shard shards[SHARDS];
static atomic_ullong now;
static atomic_llong kept_bytes, limit = LIMIT;

/* ---------------------------------------------------------------- locks, and fork */

static void lock(const shard *s) { msio_lock_brief(MSIO_LOCK_ANSWERS + (int)(s - shards)); }
static void unlock(const shard *s) { msio_unlock_brief(MSIO_LOCK_ANSWERS + (int)(s - shards)); }

static void lock_all(void) {
    for (int i = 0; i < SHARDS; i++) lock(&shards[i]);
}
static void unlock_all(void) {
    for (int i = SHARDS - 1; i >= 0; i--) unlock(&shards[i]);
}

/* Whoever made an answer in the parent does not exist in the child. */
static void forget_unmade(void) {
    for (int i = 0; i < SHARDS; i++) {
        entry *e, *next;
        pthread_cond_init(&shards[i].made, NULL);
        HASH_ITER(hh, shards[i].entries, e, next) {
            if (e->answer) continue;
            HASH_DEL(shards[i].entries, e);
            free(e);
        }
    }
}

__attribute__((constructor)) static void start(void) {
    for (int i = 0; i < SHARDS; i++) pthread_cond_init(&shards[i].made, NULL);
    msio_fork_tell(forget_unmade);
}

/* ---------------------------------------------------------------- answers and their keys */

msio_status msio_store_path(const char *path, char key[PATH_MAX]) {
    size_t at = 0;
    char expanded[MSIO_PATH_BYTES];
    if (!path || *path != '/' || strchr(path, '$')) {
        msio_status status = msio_path_expand(path, expanded);
        if (status) return status;
        path = expanded;
    }
    if (*path != '/') {
        if (!getcwd(key, PATH_MAX)) return msio_error_system(MSIO_E_IO, path, "the working folder has no path");
        at = strlen(key);
        if (at + 2 < PATH_MAX) key[at++] = '/';
    }
    size_t length = strlen(path), n = at + length;
    if (n + 1 > PATH_MAX) return msio_error_set(MSIO_E_ARGUMENT, path, "the path is longer than %d bytes", PATH_MAX);
    memcpy(key + at, path, length + 1);
    for (; n > 1 && key[n - 1] == '/'; n--) key[n - 1] = 0;
    return MSIO_OK;
}

void msio_store_share(msio_answer *answer) { atomic_fetch_add_explicit(&answer->users, 1, memory_order_relaxed); }

void msio_store_give(msio_answer *answer) {
    if (answer && atomic_fetch_sub_explicit(&answer->users, 1, memory_order_acq_rel) == 1) answer->free(answer);
}

/* What an answer takes is its path's, with which its key begins. With its shard locked. */
static void tell(msio_answer *answer, const char *key, int64_t bytes) {
    char path[PATH_MAX];
    size_t n = strcspn(key, "\n");
    if (!prof_calls_told() || n >= sizeof path) return;
    memcpy(path, key, n);
    path[n] = 0;
    prof_hold(&answer->told, path, "answers", bytes);
}

/* Takes an entry out. The caller gives its answer back when no shard is locked: that may close files. */
static msio_answer *take_out(shard *s, entry *e) {
    msio_answer *answer = e->answer;
    HASH_DEL(s->entries, e);
    if (answer) tell(answer, e->key, 0);
    if (answer) atomic_store(&answer->kept, false);
    if (answer) atomic_fetch_sub(&kept_bytes, atomic_load(&answer->bytes));
    free(e);
    return answer;
}

static shard *shard_of(const char *key) {
    uint32_t hash = 2166136261u;
    for (; *key; key++) hash = (hash ^ (uint8_t)*key) * 16777619u;
    return &shards[(hash >> 16 ^ hash) % SHARDS];
}

static entry *find(shard *s, const char *key) {
    entry *e;
    HASH_FIND_STR(s->entries, key, e);
    return e;
}

/* ---------------------------------------------------------------- too much */

/* The answer that was used longest ago leaves; false when there is none. */
static bool evict_one(void) {
    uint64_t oldest = UINT64_MAX;
    shard *where = NULL;
    entry *e, *next;
    for (int i = 0; i < SHARDS; i++) {
        lock(&shards[i]);
        HASH_ITER(hh, shards[i].entries, e, next)
        if (e->answer && e->used < oldest) oldest = e->used, where = &shards[i];
        unlock(&shards[i]);
    }
    if (!where) return false;
    msio_answer *gone = NULL;
    lock(where);
    HASH_ITER(hh, where->entries, e, next) {
        if (gone || !e->answer || e->used != oldest) continue;
        gone = take_out(where, e);
        where->evictions++;
    }
    unlock(where);
    msio_store_give(gone);
    return true;
}

static void evict(void) {
    while (atomic_load(&kept_bytes) > atomic_load(&limit) && evict_one()) {}
}

/* With all shards locked. */
static void tell_grown(msio_answer *answer) {
    entry *e, *next;
    for (int i = 0; i < SHARDS; i++) HASH_ITER(hh, shards[i].entries, e, next)
    if (e->answer == answer) tell(answer, e->key, atomic_load(&answer->bytes));
}

void msio_store_grown(msio_answer *answer, int64_t bytes) {
    lock_all(); /* rare; whichever shard has it, it cannot leave now */
    atomic_fetch_add(&answer->bytes, bytes);
    if (atomic_load(&answer->kept)) atomic_fetch_add(&kept_bytes, bytes);
    if (prof_calls_told()) tell_grown(answer);
    unlock_all();
    evict();
}

/* What a shard's made answers are kept under, each ended by NUL, the last one by two. NULL: none, or no memory. */
static char *copy_keys(const shard *s) {
    size_t length = 1, at = 0;
    entry *e, *next;
    lock(s);
    HASH_ITER(hh, s->entries, e, next) if (e->answer) length += strlen(e->key) + 1;
    char *keys = length > 1 ? malloc(length) : NULL;
    HASH_ITER(hh, s->entries, e, next) {
        if (!keys || !e->answer) continue;
        strcpy(keys + at, e->key);
        at += strlen(e->key) + 1;
    }
    if (keys) keys[at] = 0;
    unlock(s);
    return keys;
}

static bool has_vanished(const char *key) {
    char path[4096];
    size_t n = strcspn(key, "\n");
    if (n >= sizeof path) return false;
    memcpy(path, key, n);
    path[n] = 0;
    char *subtable = strstr(path, "::"); /* what follows is a keyword, not a file */
    if (subtable) *subtable = 0;
    return access(path, F_OK) != 0;
}

/* Lets answers go whose tables vanished: one shard at a time, in turn, whenever an answer is made. */
static void sweep(void) {
    static atomic_uint turn;
    shard *s = &shards[atomic_fetch_add(&turn, 1) % SHARDS];
    char *keys = copy_keys(s); /* files are not looked for under a brief lock */
    for (const char *key = keys; key && *key; key += strlen(key) + 1) {
        if (!has_vanished(key)) continue;
        lock(s);
        entry *e = find(s, key);
        msio_answer *gone = e && e->answer ? take_out(s, e) : NULL;
        unlock(s);
        msio_store_give(gone);
    }
    free(keys);
}

/* ---------------------------------------------------------------- getting */

/* The answer that is kept, or NULL when the caller is to make one: then an entry says that it is being made. */
static msio_status look_up(shard *s, const char *key, msio_answer **answer) {
    entry *e;
    *answer = NULL;
    lock(s);
    while ((e = find(s, key)) && !e->answer)
        pthread_cond_wait(&s->made, &msio_brief[MSIO_LOCK_ANSWERS + (int)(s - shards)].mutex);
    if (e) {
        e->used = atomic_fetch_add_explicit(&now, 1, memory_order_relaxed);
        *answer = e->answer;
        msio_store_share(*answer);
    } else if ((e = calloc(1, sizeof *e + strlen(key) + 1))) {
        strcpy(e->key, key);
        HASH_ADD_STR(s->entries, key, e);
        if (e->lost) {
            free(e);
            e = NULL;
        }
    }
    unlock(s);
    return e ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory to keep an answer");
}

/* Puts a new answer where look_up left an empty entry; NULL: none could be made. */
static void put(shard *s, const char *key, msio_answer *answer) {
    lock(s);
    entry *e = find(s, key);
    if (e && !answer) {
        HASH_DEL(s->entries, e);
        free(e);
    } else if (e) {
        e->answer = answer;
        e->used = atomic_fetch_add_explicit(&now, 1, memory_order_relaxed);
        msio_store_share(answer); /* the store's own */
        atomic_store(&answer->kept, true);
        atomic_fetch_add(&kept_bytes, atomic_load(&answer->bytes));
        tell(answer, key, atomic_load(&answer->bytes));
        s->misses++;
    }
    pthread_cond_broadcast(&s->made);
    unlock(s);
}

static msio_status make_one(shard *s, const char *key, msio_answer_make make, void *user, msio_answer **answer) {
    msio_answer *made = NULL;
    msio_status status = make(user, &made);
    if (!status) atomic_store(&made->users, 1); /* the caller's */
    put(s, key, status ? NULL : made);
    if (!status) *answer = made;
    sweep();
    evict();
    return status;
}

/* A kept answer no longer holds: it leaves, unless another thread was faster. */
static void drop_stale(shard *s, const char *key, msio_answer *answer) {
    msio_answer *gone = NULL;
    lock(s);
    entry *e = find(s, key);
    if (e && e->answer == answer) {
        gone = take_out(s, e);
        s->stale++;
    }
    unlock(s);
    msio_store_give(gone);
    msio_store_give(answer);
}

msio_status msio_store_get(const char *key, bool unchecked, msio_answer_make make, void *user, msio_answer **answer,
                           bool *found) {
    shard *s = shard_of(key);
    for (;;) {
        bool holds = unchecked;
        msio_answer *kept;
        *found = false;
        msio_status status = look_up(s, key, &kept);
        if (status) return status;
        if (!kept) return make_one(s, key, make, user, answer);
        if (!unchecked && (status = kept->holds(kept, &holds))) {
            msio_store_give(kept);
            return status;
        }
        if (holds) {
            lock(s);
            s->hits++;
            unlock(s);
            *answer = kept;
            *found = true;
            return MSIO_OK;
        }
        drop_stale(s, key, kept);
    }
}

/* ---------------------------------------------------------------- the public calls */

static bool begins(const char *key, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(key, prefix, n) == 0 && (key[n] == '\n' || key[n] == 0);
}

void msio_store_clear(const char *prefix) {
    for (int i = 0; i < SHARDS; i++)
        for (bool more = true; more;) {
            msio_answer *gone = NULL;
            entry *e, *next;
            lock(&shards[i]);
            HASH_ITER(hh, shards[i].entries, e, next)
            if (!gone && e->answer && (!prefix || begins(e->key, prefix))) gone = take_out(&shards[i], e);
            unlock(&shards[i]);
            msio_store_give(gone);
            more = gone != NULL;
        }
}

void msio_cache_describe(msio_cache_stats *stats) {
    *stats = (msio_cache_stats){.bytes = atomic_load(&kept_bytes), .limit = atomic_load(&limit)};
    for (int i = 0; i < SHARDS; i++) {
        lock(&shards[i]);
        stats->hits += shards[i].hits;
        stats->misses += shards[i].misses;
        stats->evictions += shards[i].evictions;
        stats->stale += shards[i].stale;
        stats->entries += (int64_t)HASH_COUNT(shards[i].entries);
        unlock(&shards[i]);
    }
}

void msio_cache_set_limit(size_t bytes) {
    PROF_WITHIN;
    atomic_store(&limit, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
    evict();
}
