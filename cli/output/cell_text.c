/* cell_text.c - the values of cells as text for a terminal: one line, no wider than it. */
#include "cli/output/cell_text.h"

#include "cli/common/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A line that grows until it is wider than it may be. */
typedef struct line {
    cli_cell_text *made;
    size_t length;      /* bytes */
    int columns, width; /* characters there are, and that there may be */
    size_t safe;        /* bytes after which "..." has room: whole values, or whole characters of a string */
    int full;
} line;

static const char dots[] = "...";

/* "..." may stand here, where it has room. */
static void mark(line *l) {
    if (!l->full && l->columns + (int)strlen(dots) <= l->width) l->safe = l->length;
}

static void put(line *l, const char *text, size_t bytes, int columns) {
    if (l->full) return;
    if (l->columns + columns > l->width) {
        l->full = 1;
        return;
    }
    memcpy(l->made->text + l->length, text, bytes);
    l->length += bytes;
    l->columns += columns;
}

static void put_ascii(line *l, const char *text) { put(l, text, strlen(text), (int)strlen(text)); }

/* ---------------------------------------------------------------- values */

typedef struct digits {
    char text[40];
} digits;

/* The fewest digits that give the same value of its type; decimals: of a whole number, 1 so that it is seen to be no
 * integer. */
static digits shortest(double value, int is_float, int decimals) {
    digits made;
    if (!isfinite(value)) {
        snprintf(made.text, sizeof made.text, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    } else if (fabs(value) < (is_float ? 1e7 : 1e15) && value == floor(value)) {
        snprintf(made.text, sizeof made.text, "%.*f", decimals, value);
    } else {
        for (int precision = is_float ? 6 : 15; precision <= 17; precision++) {
            snprintf(made.text, sizeof made.text, "%.*g", precision, value);
            double again = strtod(made.text, NULL);
            if (is_float ? strtof(made.text, NULL) == (float)value : again == value) break;
        }
    }
    return made;
}

static void put_complex(line *l, double real, double imaginary, int is_float) {
    char text[96];
    digits parts[2] = {shortest(real, is_float, 0), shortest(imaginary, is_float, 0)};
    snprintf(text, sizeof text, "%s%s%sj", parts[0].text, parts[1].text[0] == '-' ? "" : "+", parts[1].text);
    put_ascii(l, text);
}

/* In quotes; what a terminal would obey, C1 controls included, is escaped. */
static void put_string(line *l, const char *text, size_t length) {
    put_ascii(l, "\"");
    mark(l);
    for (size_t i = 0; i < length && !l->full;) {
        uint32_t point;
        char escape[16];
        size_t used = cli_utf8_next(text + i, length - i, &point);
        if (point == '"' || point == '\\')
            snprintf(escape, sizeof escape, "\\%c", (int)point);
        else if (point == '\n' || point == '\t')
            snprintf(escape, sizeof escape, "\\%c", point == '\n' ? 'n' : 't');
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)point);
        else
            escape[0] = '\0';
        if (escape[0])
            put_ascii(l, escape);
        else if (point == CLI_UTF8_BAD)
            put(l, "\xef\xbf\xbd", 3, 1);
        else
            put(l, text + i, used, 1);
        mark(l);
        i += used;
    }
    put_ascii(l, "\"");
}

static void put_element(line *l, const msio_ragged *ragged, int64_t element) {
    char text[40];
    switch (ragged->type) {
    case MSIO_BOOL: put_ascii(l, ((const uint8_t *)ragged->data)[element] ? "true" : "false"); break;
    case MSIO_UINT64:
        snprintf(text, sizeof text, "%" PRIu64, ((const uint64_t *)ragged->data)[element]);
        put_ascii(l, text);
        break;
    case MSIO_INT64:
        snprintf(text, sizeof text, "%" PRId64, ((const int64_t *)ragged->data)[element]);
        put_ascii(l, text);
        break;
    case MSIO_CHAR:
    case MSIO_UCHAR:
    case MSIO_SHORT:
    case MSIO_USHORT:
    case MSIO_INT:
    case MSIO_UINT:
        snprintf(text, sizeof text, "%.0f", cli_element(ragged->type, ragged->data, element));
        put_ascii(l, text);
        break;
    case MSIO_FLOAT:
    case MSIO_DOUBLE:
        put_ascii(l, shortest(cli_element(ragged->type, ragged->data, element), ragged->type == MSIO_FLOAT, 1).text);
        break;
    case MSIO_COMPLEX: {
        const float *pair = (const float *)ragged->data + 2 * element;
        put_complex(l, (double)pair[0], (double)pair[1], 1);
        break;
    }
    case MSIO_DCOMPLEX: {
        const double *pair = (const double *)ragged->data + 2 * element;
        put_complex(l, pair[0], pair[1], 0);
        break;
    }
    case MSIO_STRING: {
        const int64_t *at = ragged->text_offsets + element;
        put_string(l, ragged->text + at[0], (size_t)(at[1] - at[0]));
        break;
    }
    case MSIO_TABLE:
    case MSIO_RECORD: put_ascii(l, "(a record)"); break;
    }
}

/* ---------------------------------------------------------------- cells */

static void put_axis(line *l, const cli_walk *cell, int axis, int64_t element) {
    if (axis == cell->ndim) {
        put_element(l, cell->ragged, element);
        return;
    }
    cli_range range = cell->ranges[axis];
    put_ascii(l, "[");
    mark(l);
    for (int64_t i = 0; i < range.count && !l->full; i++) {
        if (i) put_ascii(l, ", ");
        mark(l);
        put_axis(l, cell, axis + 1, element + (range.start + i * range.step) * cell->strides[axis]);
    }
    put_ascii(l, "]");
}

int cli_cell_text_make(const msio_ragged *ragged, int64_t index, const cli_cut *cut, int width, cli_cell_text *made) {
    cli_walk cell;
    width = width < CLI_CELL_NARROWEST ? CLI_CELL_NARROWEST : width > CLI_CELL_WIDEST ? CLI_CELL_WIDEST : width;
    line l = {.made = made, .width = width};
    if (!ragged->defined[index]) {
        snprintf(made->text, sizeof made->text, "(never written)");
        made->cut = 0;
        return 0;
    }
    if (cli_walk_begin(&cell, ragged, index, cut)) return -1;
    /* A single number is never cut: one that is wider than the terminal goes on in the next line of it. */
    if (cell.ndim == 0 && ragged->type != MSIO_STRING) l.width = CLI_CELL_WIDEST;
    put_axis(&l, &cell, 0, ragged->offsets[index]);
    made->cut = l.full;
    if (l.full) l.length = l.safe;
    snprintf(made->text + l.length, sizeof made->text - l.length, "%s", l.full ? dots : "");
    return 0;
}
