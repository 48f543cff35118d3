/* metadata_hold.c - metadata whose read locks are kept, so that nothing is to be checked. */
#include "cache/metadata.h"

#include "core/error.h"
#include "core/lock.h"
#include "prof/call.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 3

typedef struct held {
    struct held *next;
    const msio_metadata *metadata;
    char path[];
} held;

static held *all_held; /* one for each call of msio_metadata_hold; under MSIO_LOCK_HELD */

static void release(msio_meta_answer *m, int tables) {
    for (int i = 0; i < tables; i++)
        if (m->table[i]) msio_table_release(m->table[i]);
}

/* Locks every table, then looks once whether the answer still holds. */
static msio_status hold(msio_meta_answer *m, bool *holds) {
    msio_status status = MSIO_OK;
    int locked = 0;
    for (; locked < MSIO_META_TABLES && !status; locked++)
        if (m->table[locked]) status = msio_table_hold(m->table[locked]);
    if (status) locked--; /* the one that failed */
    *holds = false;
    if (!status && atomic_load(&m->holds) == 0)
        status = msio_meta_holds(&m->answer, holds);
    else if (!status)
        *holds = true;
    if (status || !*holds)
        release(m, locked);
    else
        atomic_fetch_add(&m->holds, 1);
    return status;
}

msio_status msio_metadata_hold(const char *path) {
    PROF_CALL(path);
    msio_status status = MSIO_OK;
    for (int i = 0; i < TRIES; i++) {
        const msio_metadata *metadata;
        bool holds = false;
        status = msio_metadata_get(path, MSIO_PER_CALL, &metadata);
        if (status) return status;
        held *h = malloc(sizeof *h + strlen(path) + 1);
        status = h ? hold(msio_meta_answer_of(metadata), &holds)
                   : msio_error_set(MSIO_E_MEMORY, path, "no memory to hold a table");
        if (!status && holds) {
            h->metadata = metadata;
            strcpy(h->path, path);
            msio_lock_brief(MSIO_LOCK_HELD);
            h->next = all_held;
            all_held = h;
            msio_unlock_brief(MSIO_LOCK_HELD);
            return MSIO_OK;
        }
        free(h);
        msio_metadata_release(metadata);
        if (status) return status;
        status = msio_error_set(MSIO_E_CHANGED, path, "the tables changed each time while they were being locked");
    }
    return status;
}

msio_status msio_metadata_unhold(const char *path) {
    PROF_CALL(path);
    msio_lock_brief(MSIO_LOCK_HELD);
    held **link = &all_held;
    while (*link && strcmp((*link)->path, path) != 0) link = &(*link)->next;
    held *h = *link;
    if (h) *link = h->next;
    msio_unlock_brief(MSIO_LOCK_HELD);
    if (!h) return msio_error_set(MSIO_E_ARGUMENT, path, "the metadata of this path is not held");
    msio_meta_answer *m = msio_meta_answer_of(h->metadata);
    atomic_fetch_sub(&m->holds, 1);
    release(m, MSIO_META_TABLES);
    msio_metadata_release(h->metadata);
    free(h);
    return MSIO_OK;
}
