/* short_strings.c - strings that are written in the cells where they lie: which may be, and what their cells hold. */
#include "io/write/short_strings.h"

#include <string.h>

#define LENGTH_BYTES 4

static int64_t length_of(const msio_ragged *in, int64_t cell) {
    const int64_t *at = in->text_offsets + in->offsets[cell];
    return at[1] - at[0];
}

/* What a look at the strings that are there finds. */
typedef struct look {
    const msio_rows *rows;
    const msio_ragged *in;
    int64_t most;
    bool allows;
} look;

/* A string that lies elsewhere leaves room there when it goes, which only casacore accounts for. */
static msio_status look_at(void *user, int64_t index, int ndim, const int64_t *shape, int64_t elements,
                           const char *const *text, const int64_t *length) {
    look *l = user;
    (void)ndim, (void)shape, (void)elements, (void)text;
    l->allows = !l->in->defined[msio_rows_place(l->rows, index)] || *length <= l->most;
    return l->allows ? MSIO_OK : MSIO_END;
}

static bool stored_alike(msio_short_strings *s, const msio_leaf *leaf, const msio_text_form *form) {
    const bool big = leaf->access->snapshot->dat->big_endian;
    if (!s->known) *s = (msio_short_strings){true, big, *form};
    return s->big == big && s->form.bytes == form->bytes && s->form.counted == form->counted;
}

bool msio_short_strings_allow(msio_short_strings *s, const msio_leaf *leaf, const msio_rows *rows,
                              const msio_ragged *in) {
    const msio_manager *m = &leaf->slot->manager;
    msio_text_form form;
    if (!leaf->native || !m->layout->text_form || !m->layout->text_form(leaf->column, &form)) return false;
    if (!stored_alike(s, leaf, &form)) return false;
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t cell = msio_rows_place(rows, i);
        if (in->defined[cell] && (length_of(in, cell) < 0 || length_of(in, cell) > form.most)) return false;
    }
    look l = {.rows = rows, .in = in, .most = form.most, .allows = true};
    msio_status status = form.counted ? m->layout->texts(m, leaf->column, rows, look_at, &l) : MSIO_OK;
    return l.allows && !status;
}

void msio_short_strings_store(const msio_short_strings *s, const msio_ragged *in, int64_t first, int64_t n,
                              uint8_t *cells) {
    const size_t bytes = (size_t)s->form.bytes;
    memset(cells, 0, (size_t)n * bytes);
    for (int64_t i = first; i < first + n; i++, cells += bytes) {
        const int64_t length = length_of(in, i);
        if (length) memcpy(cells, in->text + in->text_offsets[in->offsets[i]], (size_t)length);
        for (int k = 0; k < LENGTH_BYTES && s->form.counted; k++)
            cells[bytes - LENGTH_BYTES + (size_t)k] = (uint8_t)(length >> (8 * (s->big ? LENGTH_BYTES - 1 - k : k)));
    }
}
