/* sharing.c - rows that have one stored value in common: whether it can be written where it lies. */
#include "io/write/sharing.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct look {
    const msio_rows *rows;
    const msio_shared_cells *cells;
    bool allows;
} look;

/* The next rows that have one value; ends at the first that are not all of them, or get different values. */
static msio_status look_at(void *user, int64_t index, int64_t count, bool whole) {
    look *l = user;
    const msio_shared_cells *c = l->cells;
    const uint8_t *first = NULL;
    l->allows = whole;
    for (int64_t i = index; i < index + count && l->allows && !c->one; i++) {
        const uint8_t *its = c->from + msio_rows_place(l->rows, i) * c->apart;
        if (!first) first = its;
        l->allows = memcmp(its, first, (size_t)c->row_bytes) == 0;
    }
    return l->allows ? MSIO_OK : MSIO_END;
}

msio_status msio_sharing_note(msio_sharing *sharing, int column, const msio_leaf *leaf, const msio_rows *rows,
                              const msio_shared_cells *cells) {
    const msio_manager *m = &leaf->slot->manager;
    look l = {.rows = rows, .cells = cells, .allows = cells != NULL};
    int i = 0;
    while (i < sharing->n && (sharing->found[i].column != column || sharing->found[i].slot != leaf->slot)) i++;
    if (i == sharing->n) {
        struct msio_sharing_found *grown = realloc(sharing->found, ((size_t)sharing->n + 1) * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, leaf->access->table->path, "no memory for a write");
        sharing->found = grown;
        sharing->n++;
    }
    if (cells && m->layout->shares(m, leaf->column, rows, look_at, &l)) l.allows = false;
    sharing->found[i] = (struct msio_sharing_found){column, leaf->slot, l.allows};
    return MSIO_OK;
}

bool msio_sharing_allows(const msio_sharing *sharing, int column, const msio_leaf *leaf) {
    for (int i = 0; i < sharing->n; i++)
        if (sharing->found[i].column == column && sharing->found[i].slot == leaf->slot) return sharing->found[i].allows;
    return !msio_leaf_shares(leaf);
}

void msio_sharing_free(msio_sharing *sharing) {
    free(sharing->found);
    *sharing = (msio_sharing){0};
}
