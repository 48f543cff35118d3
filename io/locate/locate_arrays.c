/* locate_arrays.c - from bytes of a file of indirect arrays to the cell that holds them. */
#include "core/error.h"
#include "io/locate/locating.h"

#include <stdlib.h>

static void free_places(void *kept) {
    msio_array_places *places = kept;
    free(places->place);
    free(places);
}

msio_status msio_array_places_add(void *list, int64_t from, int64_t count, int64_t offset) {
    msio_array_places *places = list;
    if (offset == 0 || count <= 0 || places->too_many) return MSIO_OK;
    int64_t row = msio_rows_row(places->rows, from);
    msio_array_place *before = places->n ? &places->place[places->n - 1] : NULL;
    if (before && before->offset == offset && before->column == places->column && before->row + before->rows == row &&
        before->rows < INT32_MAX - count) {
        before->rows += (int32_t)count;
        return MSIO_OK;
    }
    if (places->n >= MSIO_ARRAY_PLACES || count > INT32_MAX) {
        places->too_many = true;
        return MSIO_OK;
    }
    if (places->n == places->capacity) {
        int64_t wanted = places->capacity ? 2 * places->capacity : 256;
        msio_array_place *grown = realloc(places->place, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the places of arrays");
        places->place = grown;
        places->capacity = wanted;
    }
    places->place[places->n++] = (msio_array_place){offset, row, (int32_t)count, places->column};
    return MSIO_OK;
}

static int compare(const void *one, const void *other) {
    const msio_array_place *a = one, *b = other;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* The last array that begins at the offset or before; -1: none. */
static int64_t last_before(const msio_array_places *places, int64_t offset) {
    int64_t low = 0, high = places->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (places->place[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* An array is taken to reach to the next one's begin: what was freed between them goes with it. */
static void find(const msio_locate_index *index, msio_question *question, msio_status *status) {
    const msio_array_places *places = index->state;
    (void)status;
    if (places->too_many) {
        msio_locate_tell_plain(question, "array", question->from, question->to);
        return;
    }
    int64_t i = last_before(places, question->from);
    while (i > 0 && places->place[i - 1].offset == places->place[i].offset) i--;
    if (i < 0) i = 0;
    msio_locate_tell_plain(question, "header", 0, places->n ? places->place[0].offset : question->to);
    while (i < places->n && places->place[i].offset < question->to && !question->stop) {
        int64_t j = i, end;
        while (j < places->n && places->place[j].offset == places->place[i].offset) j++;
        end = j < places->n ? places->place[j].offset : question->to;
        for (; i < j; i++) {
            const msio_array_place *p = &places->place[i];
            msio_located part = {.what = "array",
                                 .column = index->manager->dat->column[p->column].name,
                                 .unit = -1,
                                 .cube = -1,
                                 .row = p->row,
                                 .rows = p->rows,
                                 .offset = p->offset,
                                 .length = end - p->offset};
            msio_locate_tell(question, &part);
        }
    }
}

msio_status msio_array_places_index(msio_array_places *places, msio_locate_index *index) {
    msio_array_places *kept = malloc(sizeof *kept);
    if (!kept) {
        free(places->place);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the places of arrays");
    }
    *kept = *places;
    if (kept->n) qsort(kept->place, (size_t)kept->n, sizeof *kept->place, compare);
    index->find = find;
    index->state = kept;
    index->free_state = free_places;
    return MSIO_OK;
}
