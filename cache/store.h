/* store.h - the memory of answers: shared, immutable, dropped when their files change or when there are too many. */
#ifndef MSIO_CACHE_STORE_H
#define MSIO_CACHE_STORE_H

#include "msio/cache.h"
#include "prof/call.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What can be kept: the first member of an answer's own structure. The maker sets all but users. */
typedef struct msio_answer {
    atomic_int users;
    atomic_llong bytes; /* kept by it, all in all; may grow (msio_store_grown) */
    atomic_bool kept;   /* the store's own */
    prof_holding told;  /* the same, under its shard's lock */
    /* Whether the files behind the answer are as they were. Called by any thread, by several at once. */
    msio_status (*holds)(struct msio_answer *answer, bool *holds);
    void (*free)(struct msio_answer *answer);
} msio_answer;

/* The path from the root on, without a trailing slash: what keys begin with. MSIO_E_ARGUMENT, MSIO_E_IO. */
msio_status msio_store_path(const char *path, char key[PATH_MAX]);

/* Makes an answer (users is set by the store). */
typedef msio_status (*msio_answer_make)(void *user, msio_answer **answer);

/* The answer kept under the key (at most 4096 bytes), when it holds (unchecked: whatever it is), else a new one. While
 * one thread makes an answer the others that want the same wait for it. *found: it was kept. To be given back.
 * Errors: of `make` and of `holds`; MSIO_E_MEMORY. */
msio_status msio_store_get(const char *key, bool unchecked, msio_answer_make make, void *user, msio_answer **answer,
                           bool *found);
void msio_store_give(msio_answer *answer); /* takes NULL */

/* One more user of an answer that the caller has. */
void msio_store_share(msio_answer *answer);

/* The answer takes so many bytes more than before. */
void msio_store_grown(msio_answer *answer, int64_t bytes);

/* Forgets the answers whose keys begin with the prefix followed by '\n' or by nothing; all with NULL. */
void msio_store_clear(const char *prefix);

#endif
