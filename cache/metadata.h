/* metadata.h - a metadata answer: what is public, what it was read from, and the row index. */
#ifndef MSIO_CACHE_METADATA_H
#define MSIO_CACHE_METADATA_H

#include "cache/state.h"
#include "cache/store.h"
#include "cache/subtable.h"

/* The main table and the subtables that metadata comes from. */
enum {
    MSIO_META_MAIN,
    MSIO_META_ANTENNA,
    MSIO_META_SPECTRAL_WINDOW,
    MSIO_META_POLARIZATION,
    MSIO_META_DATA_DESCRIPTION,
    MSIO_META_FIELD,
    MSIO_META_OBSERVATION,
    MSIO_META_SOURCE,
    MSIO_META_STATE,
    MSIO_META_TABLES
};

typedef struct msio_meta_answer {
    msio_answer answer;
    msio_metadata facts;
    msio_arena arena;
    msio_table *table[MSIO_META_TABLES]; /* NULL: it has none */
    msio_state *state[MSIO_META_TABLES];
    const char *missing[MSIO_META_TABLES]; /* where a subtable should be, and is not */
    char *asked;                           /* the path as it was asked for, made absolute */
    msio_stamp folder;                     /* that it led to */
    msio_lengthy indexing;                 /* held while the row index is made */
    _Atomic(msio_row_index *) index;
    atomic_int holds;
} msio_meta_answer;

/* The answer that public facts are part of. */
static inline msio_meta_answer *msio_meta_answer_of(const msio_metadata *facts) {
    return (msio_meta_answer *)(void *)((char *)(uintptr_t)facts - offsetof(msio_meta_answer, facts));
}

/* Fills the facts from a subtable that is held. */
void msio_meta_read(msio_meta_answer *m, int which, msio_subtable *t);

/* Whether everything it was read from is unchanged. */
msio_status msio_meta_holds(msio_answer *answer, bool *holds);

/* The runs of (field, data description, scan, time), within an access of the main table. */
msio_status msio_row_index_make(msio_access *access, const msio_metadata *facts, msio_row_index **index);
void msio_row_index_free(msio_row_index *index); /* takes NULL */

#endif
