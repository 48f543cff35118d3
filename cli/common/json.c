/* json.c - writing JSON to a stream. */
#include "cli/common/json.h"

#include "cli/common/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What stands between the last element and the next. */
static void separate(cli_json *json) {
    if (json->after_key) {
        json->after_key = 0;
        return;
    }
    if (!json->depth) return;
    int top = json->depth - 1;
    if (json->level[top].used) fputc(',', json->out);
    if (json->level[top].tall)
        fprintf(json->out, "\n%*s", 2 * json->depth, "");
    else if (json->level[top].used)
        fputc(' ', json->out);
    json->level[top].used = 1;
}

static void enter(cli_json *json, char open, char close, unsigned char tall) {
    separate(json);
    fputc(open, json->out);
    if (json->depth == CLI_JSON_DEPTH) abort(); /* the command's own nesting; no file decides it */
    json->level[json->depth].close = close;
    json->level[json->depth].tall = tall;
    json->level[json->depth].used = 0;
    json->depth++;
}

void cli_json_object(cli_json *json) { enter(json, '{', '}', 1); }
void cli_json_flat_object(cli_json *json) { enter(json, '{', '}', 0); }
void cli_json_array(cli_json *json) { enter(json, '[', ']', 0); }
void cli_json_list(cli_json *json) { enter(json, '[', ']', 1); }

void cli_json_end(cli_json *json) {
    json->depth--;
    if (json->level[json->depth].tall && json->level[json->depth].used)
        fprintf(json->out, "\n%*s", 2 * json->depth, "");
    fputc(json->level[json->depth].close, json->out);
}

void cli_json_key(cli_json *json, const char *key) {
    cli_json_string(json, key);
    fputs(": ", json->out);
    json->after_key = 1;
}

void cli_json_bytes(cli_json *json, const char *text, size_t length) {
    separate(json);
    FILE *out = json->out;
    fputc('"', out);
    for (size_t i = 0; i < length;) {
        uint32_t point;
        size_t used = cli_utf8_next(text + i, length - i, &point);
        if (point == '"' || point == '\\')
            fprintf(out, "\\%c", (int)point);
        else if (point == '\n')
            fputs("\\n", out);
        else if (point == '\t')
            fputs("\\t", out);
        else if (point < 0x20 || point == 0x7f || (json->in_page && point == '<'))
            fprintf(out, "\\u%04x", (unsigned)point);
        else if (point == CLI_UTF8_BAD)
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text + i, 1, used, out);
        i += used;
    }
    fputc('"', out);
}

void cli_json_string(cli_json *json, const char *text) {
    if (text)
        cli_json_bytes(json, text, strlen(text));
    else
        cli_json_null(json);
}

void cli_json_int(cli_json *json, int64_t value) {
    separate(json);
    fprintf(json->out, "%" PRId64, value);
}

void cli_json_uint(cli_json *json, uint64_t value) {
    separate(json);
    fprintf(json->out, "%" PRIu64, value);
}

void cli_json_double(cli_json *json, double value) {
    char digits[40];
    separate(json);
    if (isnan(value)) {
        fputs("\"nan\"", json->out);
    } else if (isinf(value)) {
        fputs(value > 0 ? "\"inf\"" : "\"-inf\"", json->out);
    } else if (fabs(value) < 1e15 && value == floor(value)) {
        fprintf(json->out, "%.1f", value);
    } else {
        for (int precision = 15; precision <= 17; precision++) {
            snprintf(digits, sizeof digits, "%.*g", precision, value);
            if (precision == 17 || strtod(digits, NULL) == value) break; /* 17 digits are always enough */
        }
        fputs(digits, json->out);
    }
}

void cli_json_bool(cli_json *json, int value) {
    separate(json);
    fputs(value ? "true" : "false", json->out);
}

void cli_json_null(cli_json *json) {
    separate(json);
    fputs("null", json->out);
}

void cli_json_error(cli_json *json, const cli_error *error) {
    cli_json_object(json);
    cli_json_put_string(json, "code", msio_status_name(error->code));
    cli_json_put_string(json, "message", error->message);
    cli_json_put_string(json, "path", error->path);
    cli_json_end(json);
}

/* ---------------------------------------------------------------- members of objects */

static void key_and_enter(cli_json *json, const char *key, char open, char close, unsigned char tall) {
    cli_json_key(json, key);
    enter(json, open, close, tall);
}

void cli_json_open_object(cli_json *json, const char *key) { key_and_enter(json, key, '{', '}', 1); }
void cli_json_open_flat_object(cli_json *json, const char *key) { key_and_enter(json, key, '{', '}', 0); }
void cli_json_open_array(cli_json *json, const char *key) { key_and_enter(json, key, '[', ']', 0); }
void cli_json_open_list(cli_json *json, const char *key) { key_and_enter(json, key, '[', ']', 1); }

void cli_json_put_string(cli_json *json, const char *key, const char *text) {
    cli_json_key(json, key);
    cli_json_string(json, text);
}

void cli_json_put_int(cli_json *json, const char *key, int64_t value) {
    cli_json_key(json, key);
    cli_json_int(json, value);
}

void cli_json_put_null(cli_json *json, const char *key) {
    cli_json_key(json, key);
    cli_json_null(json);
}

/* Puts null in place of what is not known. Returns known. */
static int known_or_null(cli_json *json, const char *key, int known) {
    if (!known) cli_json_put_null(json, key);
    return known;
}

void cli_json_put_int_or_null(cli_json *json, const char *key, int known, int64_t value) {
    if (known_or_null(json, key, known)) cli_json_put_int(json, key, value);
}

void cli_json_put_double(cli_json *json, const char *key, double value) {
    cli_json_key(json, key);
    cli_json_double(json, value);
}

void cli_json_put_double_or_null(cli_json *json, const char *key, int known, double value) {
    if (known_or_null(json, key, known)) cli_json_put_double(json, key, value);
}

void cli_json_put_error(cli_json *json, const char *key, const cli_error *error) {
    cli_json_key(json, key);
    cli_json_error(json, error);
}

void cli_json_put_bool(cli_json *json, const char *key, int value) {
    cli_json_key(json, key);
    cli_json_bool(json, value);
}

void cli_json_put_names(cli_json *json, const char *key, const char *list) {
    cli_json_open_array(json, key);
    while (*list) {
        char name[256];
        size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        cli_json_string(json, name);
        list += length;
        list += strspn(list, ", ");
    }
    cli_json_end(json);
}

void cli_json_put_ints(cli_json *json, const char *key, int64_t n, const int64_t *values) {
    cli_json_open_array(json, key);
    for (int64_t i = 0; i < n; i++) cli_json_int(json, values[i]);
    cli_json_end(json);
}

void cli_json_put_ints_or_null(cli_json *json, const char *key, int known, int64_t n, const int64_t *values) {
    if (known_or_null(json, key, known)) cli_json_put_ints(json, key, n, values);
}

void cli_json_put_int32s(cli_json *json, const char *key, int64_t n, const int32_t *values) {
    cli_json_open_array(json, key);
    for (int64_t i = 0; i < n; i++) cli_json_int(json, values[i]);
    cli_json_end(json);
}

void cli_json_put_doubles(cli_json *json, const char *key, int64_t n, const double *values) {
    cli_json_open_array(json, key);
    for (int64_t i = 0; i < n; i++) cli_json_double(json, values[i]);
    cli_json_end(json);
}

void cli_json_put_members(cli_json *json, const void *from, size_t n, const cli_json_member *members) {
    for (size_t i = 0; i < n; i++) {
        const void *value = (const char *)from + members[i].offset;
        cli_json_key(json, members[i].key);
        switch (members[i].kind) {
        case CLI_JSON_TEXT: cli_json_string(json, *(const char *const *)value); break;
        case CLI_JSON_LINE: cli_json_string(json, value); break;
        case CLI_JSON_DOUBLE: cli_json_double(json, *(const double *)value); break;
        case CLI_JSON_INT64: cli_json_int(json, *(const int64_t *)value); break;
        case CLI_JSON_INT: cli_json_int(json, *(const int *)value); break;
        }
    }
}

void cli_json_finish(cli_json *json) {
    fputc('\n', json->out);
    json->after_key = 0;
}
