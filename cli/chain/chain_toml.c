/* chain_toml.c - a reader of TOML, from left to right; the first thing that is wrong ends it, with its line and column.
 */
#include "cli/chain/chain_toml.h"

#include "cli/common/failure.h"
#include "cli/common/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MOST 64 /* characters of a number */

typedef struct reader {
    const char *at, *end;
    int line, column;    /* column: of where characters were last counted */
    const char *counted; /* which is here */
    chain_fault *fault;
} reader;

/* ---------------------------------------------------------------- places and faults */

/* Of where the reader stands; counted on from where it was last asked for, as lines may be long. */
static int column_of(reader *r) {
    r->column += (int)cli_utf8_count(r->counted, (size_t)(r->at - r->counted));
    r->counted = r->at;
    return r->column;
}

/* Tells what is wrong where the reader stands. Returns -1. */
__attribute__((format(printf, 2, 3))) static int wrong(reader *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    r->fault->line = r->line;
    r->fault->column = column_of(r);
    vsnprintf(r->fault->message, sizeof r->fault->message, format, arguments);
    va_end(arguments);
    return -1;
}

static int peek(const reader *r) { return r->at < r->end ? (unsigned char)*r->at : -1; }

static int begins(const reader *r, const char *text) {
    size_t length = strlen(text);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, text, length) == 0;
}

/* What stands here, for a message. */
static const char *here(const reader *r, char shown[24]) {
    int c = peek(r);
    if (c < 0) return "the file's end";
    if (c == '\n' || c == '\r') return "the line's end";
    snprintf(shown, 24, c > ' ' && c <= '~' ? "\"%c\"" : "byte 0x%02X", (unsigned)c);
    return shown;
}

static int expected(reader *r, const char *what) {
    char shown[24];
    return wrong(r, "%s is to stand here, not %s", what, here(r, shown));
}

/* Takes one character where it stands here. */
static int take(reader *r, char c) {
    if (peek(r) != (unsigned char)c) return 0;
    r->at++;
    return 1;
}

/* ---------------------------------------------------------------- values' memory */

static chain_toml *add(chain_toml *within, chain_toml_kind kind, reader *r, char *key) {
    chain_toml *value = cli_alloc(sizeof *value);
    *value = (chain_toml){.kind = kind, .line = r->line, .column = column_of(r), .key = key};
    if (!within) return value;
    *(within->last ? &within->last->next : &within->first) = value;
    within->last = value;
    within->n++;
    return value;
}

void chain_toml_free(chain_toml *value) {
    while (value) {
        chain_toml *next = value->next;
        chain_toml_free(value->first);
        free(value->key);
        free(value->text);
        free(value);
        value = next;
    }
}

static chain_toml *find(const chain_toml *table, const char *key) {
    chain_toml *value = table->first;
    while (value && strcmp(value->key, key) != 0) value = value->next;
    return value;
}

const chain_toml *chain_toml_find(const chain_toml *table, const char *key) { return find(table, key); }

/* ---------------------------------------------------------------- blanks and comments */

static void skip_blanks(reader *r) {
    while (peek(r) == ' ' || peek(r) == '\t') r->at++;
}

/* One character of a text or a comment: printable, or a tab. */
static int take_character(reader *r, const char *where) {
    uint32_t point = 0;
    size_t bytes = cli_utf8_next(r->at, (size_t)(r->end - r->at), &point);
    if (bytes == 1 && point == CLI_UTF8_BAD) return wrong(r, "byte 0x%02X in %s is no UTF-8", (unsigned)peek(r), where);
    if ((point < ' ' && point != '\t') || point == 0x7f)
        return wrong(r, "control character U+%04X in %s: write it as \\u%04X between \"", (unsigned)point, where,
                     (unsigned)point);
    r->at += bytes;
    return 0;
}

/* A line's end, or the file's. Returns 0 where there is none. */
static int take_line_end(reader *r) {
    if (begins(r, "\r\n")) r->at++;
    if (!take(r, '\n')) return r->at == r->end;
    r->line++;
    r->column = 1;
    r->counted = r->at;
    return 1;
}

static int at_line_end(const reader *r) { return r->at == r->end || peek(r) == '\n' || begins(r, "\r\n"); }

static int skip_comment(reader *r) {
    skip_blanks(r);
    if (peek(r) != '#') return 0;
    while (!at_line_end(r))
        if (take_character(r, "a comment")) return -1;
    return 0;
}

/* What may follow a header or a value. */
static int end_line(reader *r) {
    if (skip_comment(r)) return -1;
    return take_line_end(r) ? 0 : expected(r, "the line's end");
}

/* Blanks, comments and line ends, as they may stand within an array. */
static int skip_lines(reader *r) {
    do {
        if (skip_comment(r)) return -1;
    } while (r->at < r->end && take_line_end(r));
    return 0;
}

/* ---------------------------------------------------------------- texts */

static size_t put_utf8(char *out, uint32_t point) {
    static const unsigned char mark[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = bytes; i-- > 0; point >>= 6)
        out[i] = (char)(bytes == 1 ? point : i ? 0x80 | (point & 0x3f) : mark[bytes] | point);
    return bytes;
}

/* The digits of \uXXXX and \UXXXXXXXX. */
static int take_code_point(reader *r, int digits, uint32_t *point) {
    *point = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        static const char hex[] = "0123456789abcdef";
        int c = peek(r);
        const char *digit = c > 0 ? strchr(hex, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
        if (!digit) return expected(r, "a hexadecimal digit");
        *point = *point << 4 | (uint32_t)(digit - hex);
    }
    if (!*point) return wrong(r, "there is a NUL in a text");
    if (*point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
        return wrong(r, "U+%04X is no character", (unsigned)*point);
    return 0;
}

/* What a backslash stands for: fewer bytes than it takes. */
static int take_escape(reader *r, char **out) {
    static const char plain[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
    char shown[24];
    uint32_t point;
    int c = peek(r);
    const char *found = c > 0 ? strchr(plain, c) : NULL;
    if (c != 'u' && c != 'U' && !found)
        return wrong(r, "%s is no escape: \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX", here(r, shown));
    r->at++;
    if (found) {
        *(*out)++ = meant[found - plain];
        return 0;
    }
    if (take_code_point(r, c == 'u' ? 4 : 8, &point)) return -1;
    *out += put_utf8(*out, point);
    return 0;
}

/* A text between " or ', which stands here. */
static int take_text(reader *r, char **text) {
    const char quote = *r->at;
    if (begins(r, "\"\"\"") || begins(r, "'''"))
        return wrong(r, "texts of several lines (%c%c%c) are not read here: write \\n between \"", quote, quote, quote);
    const char *close = r->at + 1; /* no text is longer than it is written */
    while (close < r->end && *close != quote && *close != '\n') close += *close == '\\' && quote == '"' ? 2 : 1;
    char *begin = cli_alloc((size_t)(close - r->at) + 1), *out = begin;
    int failed = 0;
    r->at++;
    while (!failed && !take(r, quote)) {
        const char *from = r->at;
        if (at_line_end(r))
            failed = wrong(r, "a text has no end: %c is missing", quote);
        else if (quote == '"' && take(r, '\\'))
            failed = take_escape(r, &out);
        else if (!(failed = take_character(r, "a text")))
            for (; from < r->at; from++) *out++ = *from;
    }
    *out = '\0';
    if (failed) free(begin);
    if (!failed) *text = begin;
    return failed;
}

/* ---------------------------------------------------------------- keys */

static int is_bare(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int take_key(reader *r, char **key) {
    const char *from = r->at;
    if (peek(r) == '"' || peek(r) == '\'') return take_text(r, key);
    while (is_bare(peek(r))) r->at++;
    if (r->at == from) return expected(r, "a key");
    *key = cli_alloc((size_t)(r->at - from) + 1);
    memcpy(*key, from, (size_t)(r->at - from));
    (*key)[r->at - from] = '\0';
    return 0;
}

/* ---------------------------------------------------------------- numbers and words */

static int digits(const char **at) {
    const char *from = *at;
    while (**at >= '0' && **at <= '9') ++*at;
    return *at > from;
}

/* Whether a word without underscores is a decimal number of TOML; *whole: without fraction and exponent. */
static int is_number(const char *word, int *whole) {
    if (*word == '+' || *word == '-') word++;
    if (*word == '0' && word[1] >= '0' && word[1] <= '9') return 0;
    if (!digits(&word)) return 0;
    *whole = !*word;
    if (*word == '.' && (++word, !digits(&word))) return 0;
    if (*word == 'e' || *word == 'E') {
        word++;
        if (*word == '+' || *word == '-') word++;
        if (!digits(&word)) return 0;
    }
    return !*word;
}

/* Takes underscores out, which may stand between digits alone. */
static int without_underscores(char *word) {
    char *out = word, before = 0;
    for (const char *c = word; *c; before = *c++) {
        int amid = before >= '0' && before <= '9' && c[1] >= '0' && c[1] <= '9';
        if (*c == '_' && !amid) return 0;
        if (*c != '_') *out++ = *c;
    }
    *out = '\0';
    return 1;
}

/* What a word is that is no value here; its name where TOML has one. */
static const char *refused(const char *word) {
    const char *digit = word + strspn(word, "+-");
    size_t figures = strspn(digit, "0123456789");
    if (strcmp(digit, "inf") == 0 || strcmp(digit, "nan") == 0) return "no finite number";
    if ((figures == 4 && digit[4] == '-') || (figures == 2 && digit[2] == ':'))
        return "a date or a time, which are given as texts";
    if (digit[0] == '0' && strchr("xob", digit[1]) && digit[1]) return "a number that is not decimal";
    return "no value of TOML: texts stand between \"";
}

static int put_number(reader *r, const char *word, chain_toml *value) {
    int whole = 0;
    char plain[NUMBER_MOST + 2];
    snprintf(plain, sizeof plain, "%s", word);
    if (strlen(word) > NUMBER_MOST || !without_underscores(plain) || !is_number(plain, &whole))
        return wrong(r, "%.40s is %s", word, refused(word));
    errno = 0;
    value->kind = whole ? CHAIN_TOML_INTEGER : CHAIN_TOML_FLOAT;
    if (whole)
        value->whole = strtoll(plain, NULL, 10);
    else
        value->number = strtod(plain, NULL);
    if (whole ? errno == ERANGE : !isfinite(value->number)) return wrong(r, "%.40s is too large", word);
    return 0;
}

/* true, false, or a number. */
static int take_word(reader *r, chain_toml *value) {
    char word[NUMBER_MOST + 2];
    size_t n = 0;
    while (r->at + n < r->end && n < sizeof word - 1 && (is_bare(r->at[n]) || (r->at[n] && strchr("+.:", r->at[n]))))
        n++;
    memcpy(word, r->at, n);
    word[n] = '\0';
    if (!n) return expected(r, "a value");
    value->kind = CHAIN_TOML_BOOLEAN;
    value->whole = strcmp(word, "true") == 0;
    if (!value->whole && strcmp(word, "false") != 0 && put_number(r, word, value)) return -1;
    r->at += n;
    return 0;
}

/* ---------------------------------------------------------------- values */

static int take_value(reader *r, chain_toml *within, char *key, int depth);

/* key = value, into a table. */
static int take_pair(reader *r, chain_toml *table, int depth) {
    const reader begin = *r;
    char *key = NULL;
    if (take_key(r, &key)) return -1;
    skip_blanks(r);
    int failed = 0;
    if (find(table, key))
        *r = begin, failed = wrong(r, "the key %.60s is there already", key);
    else if (table->n == CHAIN_TOML_KEYS)
        *r = begin, failed = wrong(r, "a table has more than %d keys", CHAIN_TOML_KEYS);
    else if (peek(r) == '.')
        failed = wrong(r, "dotted keys are not read here: write a table, { ... } or [ ... ]");
    else if (!take(r, '='))
        failed = expected(r, "\"=\"");
    if (failed) {
        free(key);
        return -1;
    }
    skip_blanks(r);
    return take_value(r, table, key, depth);
}

static int take_array(reader *r, chain_toml *array, int depth) {
    for (;;) {
        if (skip_lines(r)) return -1;
        if (take(r, ']')) return 0;
        if (take_value(r, array, NULL, depth) || skip_lines(r)) return -1;
        if (!take(r, ',') && peek(r) != ']') return expected(r, "\",\" or \"]\"");
    }
}

static int take_inline_table(reader *r, chain_toml *table, int depth) {
    skip_blanks(r);
    if (take(r, '}')) return 0;
    for (;;) {
        skip_blanks(r);
        if (take_pair(r, table, depth)) return -1;
        skip_blanks(r);
        if (take(r, '}')) return 0;
        if (!take(r, ',')) return expected(r, "\",\" or \"}\"");
    }
}

/* Owns the key. */
static int take_value(reader *r, chain_toml *within, char *key, int depth) {
    chain_toml *value = add(within, CHAIN_TOML_TEXT, r, key);
    value->written = value->closed = 1;
    if (depth > CHAIN_TOML_DEPTH) return wrong(r, "values are nested more than %d deep", CHAIN_TOML_DEPTH);
    if (peek(r) == '"' || peek(r) == '\'') return take_text(r, &value->text);
    if (take(r, '[')) {
        value->kind = CHAIN_TOML_ARRAY;
        return take_array(r, value, depth + 1);
    }
    if (take(r, '{')) {
        value->kind = CHAIN_TOML_TABLE;
        return take_inline_table(r, value, depth + 1);
    }
    return take_word(r, value);
}

/* ---------------------------------------------------------------- headers */

/* The table that a name of a header leads to, but the last: made where it is missing, the last one of an array. Owns
 * the key. */
static chain_toml *step_into(reader *r, chain_toml *table, char *key) {
    chain_toml *value = find(table, key);
    if (!value && table->n < CHAIN_TOML_KEYS) return add(table, CHAIN_TOML_TABLE, r, key);
    if (!value)
        wrong(r, "a table has more than %d keys", CHAIN_TOML_KEYS);
    else if (value->closed)
        wrong(r, "%.60s is a value: nothing can be added to it by a header", key), value = NULL;
    else if (value->kind == CHAIN_TOML_ARRAY)
        value = value->last;
    free(key);
    return value;
}

/* The table of a header's last name: new, or until now only led through; or one more of an array. Owns the key. */
static chain_toml *open_table(reader *r, chain_toml *parent, char *key, int of_array) {
    chain_toml *value = find(parent, key), *table = NULL;
    if (!value && parent->n == CHAIN_TOML_KEYS) {
        wrong(r, "a table has more than %d keys", CHAIN_TOML_KEYS);
    } else if (!value) {
        value = add(parent, of_array ? CHAIN_TOML_ARRAY : CHAIN_TOML_TABLE, r, key);
        key = NULL;
        table = value;
    } else if (!value->closed && !of_array && value->kind == CHAIN_TOML_TABLE && !value->written) {
        table = value;
    } else if (!value->closed && of_array && value->kind == CHAIN_TOML_ARRAY) {
        table = value;
    } else {
        wrong(r, "%.60s is there already, in line %d", key, value->line);
    }
    free(key);
    if (table && of_array) table = add(table, CHAIN_TOML_TABLE, r, NULL);
    if (table) table->written = 1;
    return table;
}

/* [a.b] or [[a.b]]: the table that the pairs after it go to; NULL after telling. */
static chain_toml *take_header(reader *r, chain_toml *all) {
    const reader begin = *r;
    chain_toml *table = all;
    r->at++;
    const int of_array = take(r, '[');
    for (int names = 1; table; names++) {
        reader place = begin;
        char *key = NULL;
        skip_blanks(r);
        if (names > CHAIN_TOML_DEPTH) return wrong(r, "more than %d names in a header", CHAIN_TOML_DEPTH), NULL;
        if (take_key(r, &key)) return NULL;
        skip_blanks(r);
        if (take(r, '.')) {
            table = step_into(&place, table, key);
            continue;
        }
        if (!take(r, ']') || (of_array && !take(r, ']'))) {
            free(key);
            return expected(r, of_array ? "\"]]\"" : "\"]\""), NULL;
        }
        table = open_table(&place, table, key, of_array);
        return table && end_line(r) ? NULL : table;
    }
    return NULL;
}

/* ---------------------------------------------------------------- a file */

static int take_file(reader *r, chain_toml *all) {
    chain_toml *table = all;
    for (;;) {
        if (skip_lines(r)) return -1;
        if (r->at == r->end) return 0;
        if (peek(r) == '[') {
            if (!(table = take_header(r, all))) return -1;
        } else if (take_pair(r, table, 0) || end_line(r)) {
            return -1;
        }
    }
}

chain_toml *chain_toml_parse(const char *text, size_t length, chain_fault *fault) {
    reader r = {text, text + length, 1, 1, text, fault};
    chain_toml *all = add(NULL, CHAIN_TOML_TABLE, &r, NULL);
    *fault = (chain_fault){0};
    if (begins(&r, "\xef\xbb\xbf")) r.counted = r.at += 3; /* a byte order mark, as some editors write it */
    if (!take_file(&r, all)) return all;
    chain_toml_free(all);
    return NULL;
}
