/* json_members.c - the members of one flat JSON object (RFC 8259; NaN and Infinity as Python writes them). */
#include "io/uvh5/json_members.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *at; /* in a NUL-terminated text */
    msio_arena *arena;
    locale_t locale; /* of numbers: "C" */
} reader;

static void skip_space(reader *r) { r->at += strspn(r->at, " \t\r\n"); }

/* Whether the next thing is that character; then it is passed. */
static bool next_is(reader *r, char c) {
    skip_space(r);
    if (*r->at != c) return false;
    r->at++;
    return true;
}

/* ---------------------------------------------------------------- strings */

static bool read_hex(reader *r, unsigned *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = *r->at ? strchr(digits, *r->at) : NULL;
        if (!digit) return false;
        *code = *code << 4 | ((unsigned)(digit - digits) & 15);
    }
    return true;
}

/* A code point, in UTF-8; returns where it ends. */
static char *put_utf8(char *to, unsigned code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* What follows \u; two halves of a pair make one code point. NULL: not so, or a NUL. */
static char *read_code(reader *r, char *to) {
    unsigned code, low;
    if (!read_hex(r, &code) || code == 0 || (code >= 0xdc00 && code < 0xe000)) return NULL;
    if (code >= 0xd800 && code < 0xdc00) {
        if (strncmp(r->at, "\\u", 2) != 0) return NULL;
        r->at += 2;
        if (!read_hex(r, &low) || low < 0xdc00 || low >= 0xe000) return NULL;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(to, code);
}

/* What the escape \c means; 0: there is none. */
static char unescaped(char c) {
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = c ? strchr(escapes, c) : NULL;
    return found ? meanings[found - escapes] : '\0';
}

/* From behind the opening quote on. NULL: not a string. */
static const char *read_string(reader *r) {
    const char *end = r->at;
    while (*end && *end != '"') end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end) return NULL;
    char *text = msio_arena_take(r->arena, end - r->at + 1, 1); /* no escape is shorter than what it means */
    for (char *to = text; to && r->at < end;) {
        if (*r->at != '\\') {
            *to++ = *r->at++;
        } else if (r->at[1] == 'u') {
            r->at += 2;
            if (!(to = read_code(r, to))) return NULL;
        } else if (!(*to++ = unescaped(r->at[1]))) {
            return NULL;
        } else {
            r->at += 2;
        }
    }
    r->at = end + 1;
    return text;
}

/* ---------------------------------------------------------------- other values */

static bool read_word(reader *r, const char *word) {
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static bool read_number(reader *r, double *number) {
    skip_space(r);
    bool is_true = read_word(r, "true");
    if (is_true || read_word(r, "false")) {
        *number = is_true;
        return true;
    }
    char *end;
    if (!*r->at || !strchr("-0123456789NI", *r->at)) return false;
    *number = strtod_l(r->at, &end, r->locale);
    if (end == r->at) return false;
    r->at = end;
    return true;
}

/* From behind the opening bracket on. */
static bool read_numbers(reader *r, msio_json_member *m) {
    int64_t most = 1;
    if (next_is(r, ']')) return true;
    for (const char *c = r->at; *c && *c != ']'; c++) most += *c == ',';
    double *number = msio_arena_take(r->arena, most, sizeof *number);
    m->number = number;
    while (number && m->n < most && read_number(r, &number[m->n])) {
        m->n++;
        if (next_is(r, ']')) return true;
        if (!next_is(r, ',')) return false;
    }
    return false;
}

static bool read_value(reader *r, msio_json_member *m) {
    skip_space(r);
    if (next_is(r, '"')) return (m->text = read_string(r)) != NULL;
    if (next_is(r, '[')) return read_numbers(r, m);
    if (read_word(r, "null")) return true;
    double *number = msio_arena_take(r->arena, 1, sizeof *number);
    m->n = 1;
    m->number = number;
    return number && read_number(r, number);
}

/* ---------------------------------------------------------------- the object */

/* From behind the opening brace on; how many members there are, or -1. */
static int read_members(reader *r, int most, msio_json_member *member) {
    int n = 0;
    if (next_is(r, '}')) return 0;
    for (;;) {
        msio_json_member m = {0};
        if (!next_is(r, '"') || !(m.name = read_string(r)) || !next_is(r, ':') || !read_value(r, &m)) return -1;
        if (n < most) member[n++] = m;
        if (next_is(r, '}')) break;
        if (!next_is(r, ',')) return -1;
    }
    skip_space(r);
    return *r->at ? -1 : n;
}

int msio_json_members(const char *text, msio_arena *arena, int most, msio_json_member *member) {
    reader r = {text, arena, newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    int n = r.locale && next_is(&r, '{') ? read_members(&r, most, member) : -1;
    if (r.locale) freelocale(r.locale);
    return n;
}
