/* antenna_table.c - where antennas stand, from a text file of the user's: name,x,y,z[,diameter]. */
#include "io/convert/antenna_table.h"

#include "core/arena.h"
#include "core/checked.h"
#include "core/error.h"
#include "core/file.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_BYTES ((int64_t)16 << 20)
#define LEAST_LINE 7 /* bytes: a,1,2,3 */
#define FIELDS 5
#define MOST_DIGITS 63 /* bytes of a number */
/* Metres from the Earth's centre. */
#define LOWEST 6e6
#define HIGHEST 7e6
#define LARGEST_DISH 1e4

struct msio_antenna_table {
    msio_arena arena; /* of the names */
    int64_t count;
    msio_antenna_place *place; /* sorted by name */
};

/* Fields of one line, each without the blanks around it. */
typedef struct line {
    const char *path, *begin;
    int64_t number; /* from 1 */
    int fields;
    struct {
        const char *at;
        int length;
    } field[FIELDS + 1];
} line;

static msio_status wrong(const line *l, const char *at, const char *format, ...) MSIO_PRINTF(3, 4);
static msio_status wrong(const line *l, const char *at, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return msio_error_set(MSIO_E_FORMAT, l->path, "line %lld, column %lld: %s", (long long)l->number,
                          (long long)(at - l->begin) + 1, text);
}

static bool blank(char c) { return isspace((unsigned char)c); }

/* Cuts a line at its commas; of fields beyond those that there may be only the first counts. */
static void cut(line *l, const char *begin, const char *end) {
    l->begin = begin;
    l->fields = 0;
    for (const char *at = begin; at && l->fields <= FIELDS;) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *to = comma ? comma : end;
        while (at < to && blank(*at)) at++;
        while (to > at && blank(to[-1])) to--;
        l->field[l->fields].at = at;
        l->field[l->fields++].length = (int)msio_min(to - at, INT32_MAX);
        at = comma ? comma + 1 : NULL;
    }
}

static bool says(const line *l, int i, const char *word) {
    return i < l->fields && (size_t)l->field[i].length == strlen(word) &&
           strncasecmp(l->field[i].at, word, strlen(word)) == 0;
}

static msio_status take_number(const line *l, int i, double *value) {
    static const char *const names[FIELDS] = {"the name", "x", "y", "z", "the diameter"};
    char text[MOST_DIGITS + 1], *end;
    const char *at = l->field[i].at;
    const int length = l->field[i].length;
    if (length > 0 && length <= MOST_DIGITS) {
        memcpy(text, at, (size_t)length);
        text[length] = '\0';
        *value = strtod(text, &end);
        if (end == text + length && isfinite(*value)) return MSIO_OK;
    }
    return wrong(l, at, "%s is no number: \"%.*s\"", names[i], (int)msio_min(length, 40), at);
}

/* A name is told in messages, and ends in strings. */
static bool printable(const char *name, int length) {
    for (int i = 0; i < length; i++)
        if (iscntrl((unsigned char)name[i])) return false;
    return length > 0;
}

static msio_status take_line(msio_antenna_table *t, const line *l) {
    msio_antenna_place p = {.line = l->number};
    msio_status status = MSIO_OK;
    if (!printable(l->field[0].at, l->field[0].length)) return wrong(l, l->field[0].at, "an antenna has no name");
    if (l->fields < 4)
        return wrong(l, l->field[l->fields - 1].at,
                     "this field is the last one, and an antenna has name,x,y,z or name,x,y,z,diameter");
    if (l->fields > FIELDS) return wrong(l, l->field[FIELDS].at, "a field too many: name,x,y,z,diameter are all");
    for (int i = 0; i < 3 && !status; i++) status = take_number(l, 1 + i, &p.position[i]);
    if (!status && l->fields == FIELDS) status = take_number(l, 4, &p.diameter);
    if (status) return status;
    const double distance =
        sqrt(p.position[0] * p.position[0] + p.position[1] * p.position[1] + p.position[2] * p.position[2]);
    if (!(distance > LOWEST && distance < HIGHEST))
        return wrong(l, l->field[1].at, "(%g, %g, %g) is no place on Earth: ITRF metres are wanted", p.position[0],
                     p.position[1], p.position[2]);
    if (!(p.diameter >= 0 && p.diameter < LARGEST_DISH))
        return wrong(l, l->field[4].at, "a diameter of %g m", p.diameter);
    p.name = msio_arena_text(&t->arena, l->field[0].at, l->field[0].length);
    if (!p.name) return msio_error_set(MSIO_E_MEMORY, l->path, "no memory for a table of antennas");
    t->place[t->count++] = p;
    return MSIO_OK;
}

/* Says nothing: an empty line, or a remark. */
static bool is_silent(const line *l) { return l->field[0].length == 0 ? l->fields == 1 : *l->field[0].at == '#'; }

static msio_status take_lines(msio_antenna_table *t, const char *bytes, int64_t length, const char *path) {
    line l = {.path = path};
    bool first = true;
    t->place = calloc((size_t)(length / LEAST_LINE + 1), sizeof *t->place);
    if (!t->place) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a table of antennas");
    for (int64_t at = 0; at < length;) {
        const char *begin = bytes + at, *end = memchr(begin, '\n', (size_t)(length - at));
        if (!end) end = bytes + length;
        at = end - bytes + 1;
        l.number++;
        cut(&l, begin, end);
        if (is_silent(&l)) continue;
        msio_status status = first && says(&l, 1, "x") ? MSIO_OK : take_line(t, &l);
        if (status) return status;
        first = false;
    }
    return t->count ? MSIO_OK
                    : msio_error_set(MSIO_E_FORMAT, path, "no antennas in it: a line each, name,x,y,z[,diameter]");
}

static int compare_names(const void *a, const void *b) {
    const msio_antenna_place *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static msio_status sort_names(msio_antenna_table *t, const char *path) {
    qsort(t->place, (size_t)t->count, sizeof *t->place, compare_names);
    for (int64_t i = 1; i < t->count; i++)
        if (strcmp(t->place[i].name, t->place[i - 1].name) == 0)
            return msio_error_set(MSIO_E_FORMAT, path, "line %lld, column 1: antenna %.60s stands in line %lld already",
                                  (long long)t->place[i].line, t->place[i].name, (long long)t->place[i - 1].line);
    return MSIO_OK;
}

msio_status msio_antenna_table_parse(const char *bytes, int64_t length, const char *path, msio_antenna_table **table) {
    msio_antenna_table *t = calloc(1, sizeof *t);
    msio_status status = t ? take_lines(t, bytes, length, path)
                           : msio_error_set(MSIO_E_MEMORY, path, "no memory for a table of antennas");
    if (!status) status = sort_names(t, path);
    if (status)
        msio_antenna_table_free(t);
    else
        *table = t;
    return status;
}

msio_status msio_antenna_table_read(const char *path, msio_antenna_table **table) {
    char *bytes = NULL;
    int64_t length = 0;
    msio_status status = msio_file_slurp(path, NULL, MOST_BYTES, &bytes, &length, NULL);
    if (!status) status = msio_antenna_table_parse(bytes, length, path, table);
    free(bytes);
    return status;
}

void msio_antenna_table_free(msio_antenna_table *table) {
    if (!table) return;
    msio_arena_free(&table->arena);
    free(table->place);
    free(table);
}

const msio_antenna_place *msio_antenna_table_find(const msio_antenna_table *table, const char *name) {
    int64_t low = 0, high = table->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = strcmp(table->place[middle].name, name);
        if (order == 0) return &table->place[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
