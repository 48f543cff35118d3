/* sky_text.c - models of the sky in the text format that makesourcedb, DP3 and WSClean share. */
#include "core/checked.h"
#include "core/error.h"
#include "core/file.h"
#include "prof/call.h"
#include "visibility/sky.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PI 3.14159265358979323846
#define MOST_FIELDS 64
#define MOST_TERMS 32

/* What a column of the format means. UNKNOWN ones may stand in the format, but hold nothing. */
typedef enum meaning {
    NAME,
    TYPE,
    PATCH,
    RA,
    DEC,
    STOKES_I,
    STOKES_Q,
    STOKES_U,
    STOKES_V,
    REFERENCE,
    SPECTRUM,
    LOGARITHMIC,
    MAJOR,
    MINOR,
    ORIENTATION,
    CATEGORY,
    ABSOLUTE,
    MEANINGS,
    UNKNOWN = MEANINGS
} meaning;

static const char *const words[MEANINGS] = {"Name",
                                            "Type",
                                            "Patch",
                                            "Ra",
                                            "Dec",
                                            "I",
                                            "Q",
                                            "U",
                                            "V",
                                            "ReferenceFrequency",
                                            "SpectralIndex",
                                            "LogarithmicSI",
                                            "MajorAxis",
                                            "MinorAxis",
                                            "Orientation",
                                            "Category",
                                            "OrientationIsAbsolute"};

/* A stretch of a line. */
typedef struct piece {
    const char *at, *end;
} piece;

typedef struct column {
    meaning what;
    char word[64];
    char value[256]; /* where a line says nothing */
} column;

typedef struct reader {
    const char *path;
    const char *at, *end; /* of the text */
    const char *line;     /* where the line begins */
    int64_t number;       /* of the line, from 1 */
    int columns;          /* 0: no format yet */
    column column[MOST_FIELDS];
    msio_sky *sky;
    msio_status status;
} reader;

/* ---------------------------------------------------------------- telling what is wrong */

/* Notes a failure at a place of the line, unless there is one already. */
static void fail(reader *r, msio_status code, const char *at, const char *format, ...) MSIO_PRINTF(4, 5);
static void fail(reader *r, msio_status code, const char *at, const char *format, ...) {
    char text[512];
    va_list arguments;
    if (r->status) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (at >= r->line && at <= r->end)
        r->status = msio_error_set(code, r->path, "line %lld, column %lld: %s", (long long)r->number,
                                   (long long)(at - r->line) + 1, text);
    else
        r->status = msio_error_set(code, r->path, "line %lld, with the value that the format gives: %s",
                                   (long long)r->number, text);
}

/* As much of a piece as a message takes: printf's "%.*s" wants length, then text. */
static int shown(piece p) { return (int)msio_min(p.end - p.at, 60); }

/* ---------------------------------------------------------------- pieces */

static piece trim(piece p) {
    while (p.at < p.end && isspace((unsigned char)*p.at)) p.at++;
    while (p.end > p.at && isspace((unsigned char)p.end[-1])) p.end--;
    return p;
}

/* Without quotes around it. */
static piece unquote(piece p) {
    p = trim(p);
    if (p.end - p.at >= 2 && (*p.at == '\'' || *p.at == '"') && p.end[-1] == *p.at) {
        p.at++;
        p.end--;
    }
    return trim(p);
}

static int is_empty(piece p) { return p.at >= p.end; }

static int is_word(piece p, const char *word) {
    return (size_t)(p.end - p.at) == strlen(word) && strncasecmp(p.at, word, strlen(word)) == 0;
}

/* Up to the next comma that stands neither in quotes nor in brackets; *rest begins behind it. False at the end. */
static int next_field(reader *r, piece *rest, piece *field) {
    int depth = 0;
    char quote = 0;
    const char *at = rest->at, *opened = NULL;
    if (!at) return 0;
    for (; at < rest->end; at++) {
        if (quote ? *at == quote : *at == '\'' || *at == '"') {
            quote = quote ? 0 : *at;
            opened = at;
        } else if (!quote && *at == '[') {
            depth++;
            opened = at;
        } else if (!quote && *at == ']') {
            depth--;
            if (depth < 0) fail(r, MSIO_E_FORMAT, at, "this bracket closes none");
        } else if (!quote && depth == 0 && *at == ',') {
            break;
        }
    }
    if (quote || depth > 0) fail(r, MSIO_E_FORMAT, opened, "the %s is not closed", quote ? "quote" : "bracket");
    *field = (piece){rest->at, at};
    rest->at = at < rest->end ? at + 1 : NULL;
    return !r->status;
}

/* ---------------------------------------------------------------- numbers */

/* A finite number that is all of the piece. */
static double number(reader *r, piece p, const char *what) {
    char text[64], *end;
    const size_t length = (size_t)(p.end - p.at);
    if (length == 0 || length >= sizeof text) {
        fail(r, MSIO_E_FORMAT, p.at, "%s is no number: \"%.*s\"", what, shown(p), p.at);
        return 0.0;
    }
    memcpy(text, p.at, length);
    text[length] = '\0';
    const double value = strtod(text, &end);
    if (*end || !isfinite(value) || strpbrk(text, "xX"))
        fail(r, MSIO_E_FORMAT, p.at, "%s is no number: \"%.*s\"", what, shown(p), p.at);
    return value;
}

/* Three numbers between separators, as sexagesimals: whole + minutes / 60 + seconds / 3600. */
static double sexagesimal(reader *r, piece p, const char *first, const char *second, const char *what) {
    const char *sign = p.at < p.end && (*p.at == '-' || *p.at == '+') ? p.at++ : NULL;
    double parts[3] = {0};
    piece part = {p.at, p.at};
    for (int i = 0; i < 3 && !r->status; i++) {
        const char *stops = i == 0 ? first : i == 1 ? second : "";
        while (part.end < p.end && !(*part.end && strchr(stops, *part.end))) {
            if (!isdigit((unsigned char)*part.end) && !(i == 2 && *part.end == '.'))
                fail(r, MSIO_E_FORMAT, part.end, "%s is read as hh:mm:ss.s or +dd.mm.ss.s, not \"%.*s\"", what,
                     shown(p), p.at);
            part.end++;
        }
        if (i < 2 && part.end == p.end)
            fail(r, MSIO_E_FORMAT, p.at, "%s needs three parts, or a unit: \"%.*s\"", what, shown(p), p.at);
        parts[i] = r->status ? 0.0 : number(r, part, what);
        part.at = part.end = part.end < p.end ? part.end + 1 : p.end;
    }
    if (!r->status && (parts[1] >= 60.0 || parts[2] >= 60.0))
        fail(r, MSIO_E_FORMAT, p.at, "%s has 60 minutes or seconds, or more: \"%.*s\"", what, shown(p), p.at);
    const double value = parts[0] + parts[1] / 60.0 + parts[2] / 3600.0;
    return sign && *sign == '-' ? -value : value;
}

/* The place of a unit that ends the piece; 0: none of them does. */
static int ends_with(piece *p, const char *unit) {
    const size_t length = strlen(unit);
    if ((size_t)(p->end - p->at) <= length || strncasecmp(p->end - length, unit, length) != 0) return 0;
    p->end -= length;
    *p = trim(*p);
    return 1;
}

/* An angle in radians. */
static double angle(reader *r, piece p, meaning what) {
    const char *word = words[what];
    if (is_empty(p)) fail(r, MSIO_E_FORMAT, p.at, "%s is missing", word);
    if (r->status) return 0.0;
    piece whole = p;
    if (ends_with(&p, "deg")) return number(r, p, word) * PI / 180.0;
    if (ends_with(&p, "rad")) return number(r, p, word);
    if (memchr(p.at, ':', (size_t)(p.end - p.at))) {
        if (what == DEC) /* casacore takes it for hours, most people for degrees */
            fail(r, MSIO_E_FORMAT, p.at, "Dec with colons may mean hours: write +dd.mm.ss.s, not \"%.*s\"", shown(p),
                 p.at);
        return sexagesimal(r, p, ":", ":", word) * PI / 12.0;
    }
    if (memchr(p.at, 'h', (size_t)(p.end - p.at))) {
        ends_with(&whole, "s");
        return sexagesimal(r, whole, "h", "m", word) * PI / 12.0;
    }
    if (memchr(p.at, 'd', (size_t)(p.end - p.at))) {
        ends_with(&whole, "s");
        return sexagesimal(r, whole, "d", "m", word) * PI / 180.0;
    }
    return sexagesimal(r, p, ".", ".", word) * PI / 180.0;
}

/* ---------------------------------------------------------------- one line */

/* What the fields of a line are, column by column of the format. */
typedef struct line_fields {
    piece of[MEANINGS];
} line_fields;

static void default_of(const reader *r, meaning what, piece *p) {
    for (int i = 0; i < r->columns; i++)
        if (r->column[i].what == what)
            *p = (piece){r->column[i].value, r->column[i].value + strlen(r->column[i].value)};
}

static void split(reader *r, piece line, line_fields *fields) {
    piece rest = line, field;
    for (int i = 0; i < MEANINGS; i++) fields->of[i] = (piece){line.end, line.end};
    for (int i = 0; next_field(r, &rest, &field); i++) {
        piece value = unquote(field);
        if (i >= r->columns) {
            if (!is_empty(value) || rest.at)
                fail(r, MSIO_E_FORMAT, field.at, "the line has more fields than the %d of the format", r->columns);
        } else if (r->column[i].what == UNKNOWN) {
            if (!is_empty(value) && !is_word(value, "[]"))
                fail(r, MSIO_E_UNSUPPORTED, value.at, "%s is not done: \"%.*s\"", r->column[i].word, shown(value),
                     value.at);
        } else {
            fields->of[r->column[i].what] = value;
        }
    }
    for (int i = 0; i < MEANINGS; i++)
        if (is_empty(fields->of[i])) default_of(r, (meaning)i, &fields->of[i]);
}

static double number_or(reader *r, const line_fields *f, meaning what, double otherwise) {
    return is_empty(f->of[what]) ? otherwise : number(r, f->of[what], words[what]);
}

/* "[a, b]", or a single number. */
static int read_terms(reader *r, piece p, double terms[MOST_TERMS]) {
    int n = 0;
    piece field;
    if (is_empty(p)) return 0;
    if (*p.at == '[') {
        if (p.end - p.at < 2 || p.end[-1] != ']') fail(r, MSIO_E_FORMAT, p.at, "the bracket is not closed");
        p = trim((piece){p.at + 1, p.end - 1});
    }
    if (r->status || is_empty(p)) return 0;
    while (next_field(r, &p, &field)) {
        if (n == MOST_TERMS) fail(r, MSIO_E_UNSUPPORTED, field.at, "more than %d spectral terms", MOST_TERMS);
        if (r->status) return 0;
        terms[n++] = number(r, trim(field), words[SPECTRUM]);
    }
    while (n > 0 && terms[n - 1] == 0.0) n--;
    return n;
}

static int read_truth(reader *r, piece p, const char *word, int otherwise) {
    if (is_empty(p)) return otherwise;
    if (is_word(p, "true") || is_word(p, "T") || is_word(p, "1")) return 1;
    if (!is_word(p, "false") && !is_word(p, "F") && !is_word(p, "0"))
        fail(r, MSIO_E_FORMAT, p.at, "%s is true or false, not \"%.*s\"", word, shown(p), p.at);
    return 0;
}

static void read_shape(reader *r, const line_fields *f, msio_sky_component *c) {
    const piece type = f->of[TYPE];
    const double arcsec = PI / 180.0 / 3600.0;
    c->major = number_or(r, f, MAJOR, 0.0) * arcsec;
    c->minor = number_or(r, f, MINOR, 0.0) * arcsec;
    c->angle = number_or(r, f, ORIENTATION, 0.0) * PI / 180.0;
    if (is_word(type, "POINT")) {
        c->shape = MSIO_SKY_POINT;
        c->major = c->minor = c->angle = 0.0;
    } else if (is_word(type, "GAUSSIAN")) {
        c->shape = MSIO_SKY_GAUSSIAN;
        if (c->major < 0.0 || c->minor < 0.0 || c->major > PI || c->minor > PI)
            fail(r, MSIO_E_FORMAT, f->of[c->major < 0.0 || c->major > PI ? MAJOR : MINOR].at,
                 "a Gaussian's axis is from 0 to 180 degrees");
        if (read_truth(r, f->of[ABSOLUTE], words[ABSOLUTE], 0))
            fail(r, MSIO_E_UNSUPPORTED, f->of[ABSOLUTE].at,
                 "OrientationIsAbsolute true is not done: give the angle from the phase centre's north");
    } else {
        fail(r, MSIO_E_UNSUPPORTED, type.at, "type \"%.*s\" is not done, POINT and GAUSSIAN are", shown(type), type.at);
    }
}

static void read_spectrum(reader *r, const line_fields *f, msio_sky_component *c, double terms[MOST_TERMS]) {
    static const meaning planes[4] = {STOKES_I, STOKES_Q, STOKES_U, STOKES_V};
    if (is_empty(f->of[STOKES_I])) fail(r, MSIO_E_FORMAT, f->of[STOKES_I].at, "I is missing");
    for (int i = 0; i < 4; i++) c->stokes[i] = number_or(r, f, planes[i], 0.0);
    c->terms = read_terms(r, f->of[SPECTRUM], terms);
    c->term = terms;
    c->logarithmic = read_truth(r, f->of[LOGARITHMIC], words[LOGARITHMIC], 1);
    c->reference_frequency = number_or(r, f, REFERENCE, 0.0);
    if (c->terms == 0)
        c->reference_frequency = 0.0;
    else if (!(c->reference_frequency > 0.0))
        fail(r, MSIO_E_FORMAT, f->of[REFERENCE].at, "a spectral index needs a ReferenceFrequency above 0");
}

static void read_component(reader *r, piece line) {
    line_fields f;
    double terms[MOST_TERMS];
    char name[256];
    msio_sky_component c = {0};
    split(r, line, &f);
    if (r->status) return;
    if (is_empty(f.of[TYPE]) && is_empty(f.of[NAME])) return; /* a patch: components have places of their own */
    if (is_empty(f.of[TYPE])) fail(r, MSIO_E_FORMAT, f.of[TYPE].at, "Type is missing");
    const size_t length = (size_t)msio_min(f.of[NAME].end - f.of[NAME].at, (int64_t)sizeof name - 1);
    memcpy(name, f.of[NAME].at, length);
    name[length] = '\0';
    c.name = name;
    read_shape(r, &f, &c);
    read_spectrum(r, &f, &c, terms);
    c.ra = angle(r, f.of[RA], RA);
    c.dec = angle(r, f.of[DEC], DEC);
    if (!r->status && !(fabs(c.dec) <= PI / 2)) fail(r, MSIO_E_FORMAT, f.of[DEC].at, "Dec lies beyond 90 degrees");
    if (!r->status && !(fabs(c.ra) <= 4 * PI)) fail(r, MSIO_E_FORMAT, f.of[RA].at, "Ra lies beyond 360 degrees");
    if (!r->status) r->status = msio_sky_add(r->sky, r->path, &c);
}

/* ---------------------------------------------------------------- the format */

static meaning meaning_of(piece word) {
    for (int i = 0; i < MEANINGS; i++)
        if (is_word(word, words[i])) return (meaning)i;
    return UNKNOWN;
}

static void read_column(reader *r, piece field) {
    field = trim(field);
    const char *equals = memchr(field.at, '=', (size_t)(field.end - field.at));
    const piece word = trim((piece){field.at, equals ? equals : field.end});
    const piece value = equals ? unquote((piece){equals + 1, field.end}) : (piece){field.end, field.end};
    column *c = &r->column[r->columns];
    if (is_empty(word)) fail(r, MSIO_E_FORMAT, field.at, "a column of the format has no name");
    if (r->columns == MOST_FIELDS - 1) fail(r, MSIO_E_UNSUPPORTED, field.at, "more than %d columns", MOST_FIELDS - 1);
    if (word.end - word.at >= (int64_t)sizeof c->word || value.end - value.at >= (int64_t)sizeof c->value)
        fail(r, MSIO_E_FORMAT, field.at, "too long for a column of the format");
    if (r->status) return;
    *c = (column){.what = meaning_of(word)};
    memcpy(c->word, word.at, (size_t)(word.end - word.at));
    memcpy(c->value, value.at, (size_t)(value.end - value.at));
    if (c->what == UNKNOWN && !is_empty(value) && !is_word(value, "[]"))
        fail(r, MSIO_E_UNSUPPORTED, field.at, "%s is not done, and may hold nothing", c->word);
    for (int i = 0; i < r->columns; i++)
        if (c->what != UNKNOWN && r->column[i].what == c->what)
            fail(r, MSIO_E_FORMAT, field.at, "%s stands twice in the format", c->word);
    r->columns++;
}

static void read_format(reader *r, piece list) {
    static const meaning needed[] = {TYPE, RA, DEC, STOKES_I};
    piece field;
    if (r->columns) fail(r, MSIO_E_FORMAT, list.at, "a second format");
    while (!r->status && next_field(r, &list, &field)) read_column(r, field);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        int there = 0;
        for (int k = 0; k < r->columns; k++) there |= r->column[k].what == needed[i];
        if (!there) fail(r, MSIO_E_FORMAT, r->line, "the format has no column %s", words[needed[i]]);
    }
}

/* "Format = A, B", "# Format = A, B", "# (A, B) = format", "format = (A, B)". False: no format at all. */
static int find_format(piece line, piece *list) {
    static const char word[] = "format";
    const size_t length = sizeof word - 1;
    while (line.at < line.end && (*line.at == '#' || isspace((unsigned char)*line.at))) line.at++;
    if ((size_t)(line.end - line.at) < length) return 0;
    if (strncasecmp(line.at, word, length) == 0) {
        piece rest = trim((piece){line.at + length, line.end});
        if (is_empty(rest) || *rest.at != '=') return 0;
        *list = trim((piece){rest.at + 1, rest.end});
        if (!is_empty(*list) && *list->at == '(' && list->end[-1] == ')') *list = (piece){list->at + 1, list->end - 1};
        return 1;
    }
    if (*line.at != '(' || strncasecmp(line.end - length, word, length) != 0) return 0;
    piece rest = trim((piece){line.at, line.end - length});
    if (is_empty(rest) || rest.end[-1] != '=') return 0;
    rest = trim((piece){rest.at, rest.end - 1});
    if (rest.end - rest.at < 2 || rest.end[-1] != ')') return 0;
    *list = (piece){rest.at + 1, rest.end - 1};
    return 1;
}

static void read_line(reader *r, piece line) {
    piece list;
    line = trim(line);
    if (is_empty(line)) return;
    if (find_format(line, &list)) {
        read_format(r, list);
    } else if (*line.at != '#') {
        if (!r->columns) fail(r, MSIO_E_FORMAT, line.at, "a component before any line \"Format = Name, Type, ...\"");
        if (!r->status) read_component(r, line);
    }
}

/* ---------------------------------------------------------------- the whole */

static void read_all(reader *r) {
    while (r->at < r->end && !r->status) {
        const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
        if (!end) end = r->end;
        r->line = r->at;
        r->number++;
        const char *zero = memchr(r->at, '\0', (size_t)(end - r->at));
        if (zero) fail(r, MSIO_E_FORMAT, zero, "a NUL byte: this is no text");
        if (!r->status) read_line(r, (piece){r->at, end});
        r->at = end < r->end ? end + 1 : end;
    }
    if (!r->status && !r->columns)
        r->status = msio_error_set(MSIO_E_FORMAT, r->path, "no line \"Format = Name, Type, Ra, Dec, I, ...\"");
    if (!r->status && r->sky->components == 0)
        r->status = msio_error_set(MSIO_E_FORMAT, r->path, "no component in this model of the sky");
}

msio_status msio_sky_parse(const char *text, size_t bytes, const char *name, msio_sky **sky) {
    if (!text || !sky) return msio_error_set(MSIO_E_ARGUMENT, name, "no text, or nowhere to put the sky");
    if ((int64_t)bytes > MSIO_SKY_MOST_BYTES)
        return msio_error_set(MSIO_E_SIZE, name, "a model of %zu bytes: %lld are taken", bytes,
                              (long long)MSIO_SKY_MOST_BYTES);
    reader *r = calloc(1, sizeof *r);
    if (!r) return msio_error_set(MSIO_E_MEMORY, name, "no memory for a reader");
    *r = (reader){.path = name, .at = text, .end = text + bytes, .sky = msio_sky_new(name)};
    r->status = r->sky ? MSIO_OK : MSIO_E_MEMORY;
    if (!r->status) read_all(r);
    const msio_status status = r->status;
    if (status)
        msio_sky_free(r->sky);
    else
        *sky = r->sky;
    free(r);
    return status;
}

msio_status msio_sky_open(const char *path, msio_sky **sky) {
    PROF_CALL(path);
    char *text = NULL;
    int64_t length = 0;
    struct stat there;
    if (!path || !sky) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put the sky");
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) return msio_sky_list_open(path, sky);
    msio_status status = msio_file_slurp(path, NULL, MSIO_SKY_MOST_BYTES, &text, &length, NULL);
    if (!status) status = msio_sky_parse(text, (size_t)length, path, sky);
    free(text);
    return status;
}
