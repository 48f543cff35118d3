/* npy_header.c - what the header of a .npy file says: a Python dictionary of three keys. */
#include "cli/change/npy_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *text) {
    while (isspace((unsigned char)*text)) text++;
    return text;
}

/* A string in quotes. Returns what follows it, or NULL. */
static const char *take_string(const char *text, char *out, size_t size) {
    char quote = *text;
    if (quote != '\'' && quote != '"') return NULL;
    const char *end = strchr(text + 1, quote);
    if (!end || (size_t)(end - text) > size) return NULL;
    memcpy(out, text + 1, (size_t)(end - text - 1));
    out[end - text - 1] = '\0';
    return end + 1;
}

static const char *take_truth(const char *text, int *out) {
    *out = strncmp(text, "True", 4) == 0;
    if (*out) return text + 4;
    return strncmp(text, "False", 5) == 0 ? text + 5 : NULL;
}

/* Numbers in parentheses, each with a comma after it but the last of several. */
static const char *take_shape(const char *text, int *ndim, int64_t *shape) {
    if (*text != '(') return NULL;
    text = skip(text + 1);
    for (*ndim = 0; *text != ')'; (*ndim)++) {
        char *end;
        errno = 0;
        if (*ndim > MSIO_MAX_NDIM || !isdigit((unsigned char)*text)) return NULL;
        shape[*ndim] = strtoll(text, &end, 10);
        if (errno) return NULL;
        text = skip(end);
        if (*text == ',')
            text = skip(text + 1);
        else if (*text != ')')
            return NULL;
    }
    return text + 1;
}

const char *cli_npy_parse(const char *text, cli_npy *npy) {
    static const char odd[] = "its header is none of numpy's";
    char key[32];
    int seen = 0;
    text = skip(text);
    if (*text != '{') return odd;
    text = skip(text + 1);
    while (*text != '}') {
        if (!(text = take_string(text, key, sizeof key))) return odd;
        text = skip(text);
        if (*text != ':') return odd;
        text = skip(text + 1);
        if (strcmp(key, "descr") == 0) {
            if (*text == '[') return "it holds records, not an array of one type";
            text = take_string(text, npy->dtype, sizeof npy->dtype);
            seen |= 1;
        } else if (strcmp(key, "fortran_order") == 0) {
            text = take_truth(text, &npy->fortran);
            seen |= 2;
        } else if (strcmp(key, "shape") == 0) {
            text = take_shape(text, &npy->ndim, npy->shape);
            seen |= 4;
        } else {
            return odd;
        }
        if (!text) return odd;
        text = skip(text);
        if (*text == ',') text = skip(text + 1);
    }
    return seen == 7 ? NULL : odd;
}
