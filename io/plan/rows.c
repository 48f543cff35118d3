/* rows.c - the wanted rows of one table, resolved: checked, sorted by row, with the place each goes to. */
#include "io/plan/rows.h"

#include "core/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int64_t msio_rows_after(const msio_rows *rows, int64_t from, int64_t last) {
    if (from >= rows->count) return rows->count;
    if (!rows->row) {
        if (last < rows->first) return from;
        int64_t i = (last - rows->first) / rows->step;
        return i < from ? from : i >= rows->count ? rows->count : i + 1;
    }
    int64_t low = from, step = 1; /* gallop, since the answer is mostly near */
    while (low + step < rows->count && rows->row[low + step - 1] <= last) low += step, step *= 2;
    int64_t high = low + step < rows->count ? low + step : rows->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (rows->row[middle] <= last)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

msio_rows msio_rows_part(const msio_rows *rows, int64_t from, int64_t count) {
    msio_rows part = *rows;
    part.owned = NULL;
    part.count = count;
    if (rows->row) {
        part.row += from;
        part.place += from;
    } else {
        part.first += from * rows->step;
        part.place_first += from * rows->place_step;
    }
    return part;
}

/* Sorts n pairs (row at [0..n), place at [n..2n)) by row, stably: least significant digits first. */
static bool sort_pairs(int64_t n, int64_t *pairs, int64_t largest) {
    int64_t *other = malloc((size_t)n * 2 * sizeof *other), *from = pairs, *to = other;
    if (!other) return false;
    for (int shift = 0; shift < 63 && largest >> shift; shift += 11) {
        int64_t start[2048] = {0}, sum = 0;
        for (int64_t i = 0; i < n; i++) start[from[i] >> shift & 2047]++;
        for (int d = 0; d < 2048; d++) {
            int64_t c = start[d];
            start[d] = sum;
            sum += c;
        }
        for (int64_t i = 0; i < n; i++) {
            int64_t at = start[from[i] >> shift & 2047]++;
            to[at] = from[i];
            to[n + at] = from[n + i];
        }
        int64_t *t = from;
        from = to;
        to = t;
    }
    if (from != pairs) memcpy(pairs, from, (size_t)n * 2 * sizeof *pairs);
    free(other);
    return true;
}

static int compare_places(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Rows that come several times have their places in order: of what is written there, the last one stays. */
static void order_places(int64_t n, const int64_t *row, int64_t *place) {
    for (int64_t i = 0, end; i < n; i = end) {
        bool ordered = true;
        for (end = i + 1; end < n && row[end] == row[i]; end++) ordered = ordered && place[end] > place[end - 1];
        if (!ordered) qsort(place + i, (size_t)(end - i), sizeof *place, compare_places);
    }
}

/* Recognises a range in sorted pairs. */
static bool is_range(int64_t n, const int64_t *row, const int64_t *place, msio_rows *rows) {
    int64_t step = n > 1 ? row[1] - row[0] : 1, place_step = n > 1 ? place[1] - place[0] : 1;
    if (step < 1) return false;
    for (int64_t i = 2; i < n; i++)
        if (row[i] - row[i - 1] != step || place[i] - place[i - 1] != place_step) return false;
    *rows = (msio_rows){.count = n, .first = row[0], .step = step, .place_first = place[0], .place_step = place_step};
    return true;
}

msio_status msio_rows_from_list(int64_t n, const int64_t *row_list, const int64_t *places, msio_rows *rows) {
    if (n == 0) {
        *rows = (msio_rows){.step = 1, .place_step = 1};
        return MSIO_OK;
    }
    int64_t *pairs = n <= INT64_MAX / 32 ? malloc((size_t)n * 2 * sizeof *pairs) : NULL;
    if (!pairs) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of %lld rows", (long long)n);
    bool sorted = true;
    int64_t largest = 0;
    for (int64_t i = 0; i < n; i++) {
        pairs[i] = row_list[i];
        pairs[n + i] = places ? places[i] : i;
        if (i && row_list[i] < row_list[i - 1]) sorted = false;
        if (row_list[i] > largest) largest = row_list[i];
    }
    if (!sorted && !sort_pairs(n, pairs, largest)) {
        free(pairs);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to sort a list of %lld rows", (long long)n);
    }
    if (places) order_places(n, pairs, pairs + n);
    if (is_range(n, pairs, pairs + n, rows)) {
        free(pairs);
        return MSIO_OK;
    }
    *rows = (msio_rows){.count = n, .step = 1, .place_step = 1, .row = pairs, .place = pairs + n, .owned = pairs};
    return MSIO_OK;
}

static msio_status select_list(const msio_select *select, int64_t table_rows, const char *path, msio_rows *rows) {
    if (select->rows_in_list < 0)
        return msio_error_set(MSIO_E_ARGUMENT, path, "a list of %lld rows", (long long)select->rows_in_list);
    for (int64_t i = 0; i < select->rows_in_list; i++)
        if (select->row_list[i] < 0 || select->row_list[i] >= table_rows)
            return msio_error_set(MSIO_E_RANGE, path,
                                  "row %lld (entry %lld of the list) asked for, the table has %lld rows",
                                  (long long)select->row_list[i], (long long)i, (long long)table_rows);
    return msio_rows_from_list(select->rows_in_list, select->row_list, NULL, rows);
}

msio_status msio_rows_select(const msio_select *select, int64_t table_rows, const char *path, msio_rows *rows) {
    static const msio_select all = MSIO_SELECT_ALL;
    if (!select) select = &all;
    if (select->row_list) return select_list(select, table_rows, path, rows);
    if (select->row_step < 1)
        return msio_error_set(MSIO_E_ARGUMENT, path, "row step %lld, it must be at least 1",
                              (long long)select->row_step);
    if (select->row < 0 || select->row > table_rows)
        return msio_error_set(MSIO_E_RANGE, path, "rows from %lld on asked for, the table has %lld",
                              (long long)select->row, (long long)table_rows);
    int64_t rest = table_rows - select->row, count = select->rows;
    int64_t most = rest / select->row_step + (rest % select->row_step != 0);
    if (count < 0) count = most;
    if (count > most)
        return msio_error_set(MSIO_E_RANGE, path, "%lld rows from %lld in steps of %lld asked for, the table has %lld",
                              (long long)count, (long long)select->row, (long long)select->row_step,
                              (long long)table_rows);
    int64_t step = count > 1 ? select->row_step : 1; /* a step that is not taken may be of any size */
    *rows = (msio_rows){.count = count, .first = select->row, .step = step, .place_step = 1};
    return MSIO_OK;
}

void msio_rows_free(msio_rows *rows) {
    free(rows->owned);
    *rows = (msio_rows){0};
}
