/* dump_load.c - loads subbands through the public API and writes what came, for Python to compare.
 *
 * usage: dump_load OUT OPTION=VALUE... -- PATH...     one folder without a table in it: its first group
 * Writes OUT.visdata, OUT.flags, OUT.nsamples (raw) and OUT.json. Exit code 3: the load failed; its status, path and
 * message stand on standard error. */
#include <msio/msio.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int64_t list[4096];

static int is(const char *text, const char *name, long long *value) {
    size_t n = strlen(name);
    if (strncmp(text, name, n) != 0 || text[n] != '=') return 0;
    *value = strtoll(text + n + 1, NULL, 10);
    return 1;
}

static int fail(void) {
    const msio_error *e = msio_last_error();
    fprintf(stderr, "%s\t%s\t%s\n", msio_status_name(e->code), e->path, e->message);
    return 3;
}

static void parse_list(const char *text, msio_load_opts *o) {
    char *end = (char *)(uintptr_t)text;
    o->row_list = list;
    while (*end) {
        list[o->rows_in_list++] = strtoll(end, &end, 10);
        if (*end == ',') end++;
    }
}

static void parse(const char *text, msio_load_opts *o, long long *what, long long *batch) {
    long long v;
    if (is(text, "layout", &v))
        o->layout = (msio_load_layout)v;
    else if (is(text, "missing", &v))
        o->missing = (msio_load_missing)v;
    else if (is(text, "native", &v))
        o->native = v ? MSIO_NATIVE_AUTO : MSIO_NATIVE_NO;
    else if (is(text, "type", &v))
        o->visdata_type = (msio_type)v;
    else if (is(text, "refuse", &v))
        o->refuse_reordering = (int)v;
    else if (is(text, "row", &v))
        o->row = v;
    else if (is(text, "rows", &v))
        o->rows = v;
    else if (is(text, "row_step", &v))
        o->row_step = v;
    else if (is(text, "time", &v))
        o->time = v;
    else if (is(text, "times", &v))
        o->times = v;
    else if (is(text, "chan", &v))
        o->chan = v;
    else if (is(text, "chans", &v))
        o->chans = v;
    else if (is(text, "chan_step", &v))
        o->chan_step = v;
    else if (is(text, "corr", &v))
        o->corr = v;
    else if (is(text, "corrs", &v))
        o->corrs = v;
    else if (is(text, "corr_step", &v))
        o->corr_step = v;
    else if (is(text, "threads", &v))
        o->read.threads = (int)v;
    else if (is(text, "way", &v))
        o->read.way = (msio_way)v;
    else if (is(text, "memory", &v))
        o->memory = (size_t)v;
    else if (is(text, "what", &v))
        *what = v;
    else if (is(text, "batch", &v))
        *batch = v;
    else if (strncmp(text, "list=", 5) == 0)
        parse_list(text + 5, o);
    else
        exit(2);
}

/* ---------------------------------------------------------------- writing */

static void write_raw(const char *out, const char *name, const void *data, size_t bytes, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", out, name);
    FILE *f = fopen(path, mode);
    if (!f || (bytes && fwrite(data, 1, bytes, f) != bytes) || fclose(f) != 0) exit(4);
}

static void write_doubles(FILE *f, const char *name, const double *values, int64_t n) {
    fprintf(f, "\"%s\": [", name);
    for (int64_t i = 0; i < n; i++) fprintf(f, "%s%.17g", i ? ", " : "", values[i]);
    fprintf(f, "], ");
}

static void write_ints(FILE *f, const char *name, const int32_t *values, int64_t n) {
    fprintf(f, "\"%s\": [", name);
    for (int64_t i = 0; i < n; i++) fprintf(f, "%s%" PRId32, i ? ", " : "", values[i]);
    fprintf(f, "], ");
}

static void write_json(const char *out, const msio_subbands *s) {
    char path[4096];
    snprintf(path, sizeof path, "%s.json", out);
    FILE *f = fopen(path, "w");
    if (!f) exit(4);
    fprintf(f, "{\"type\": \"%s\", \"shape\": [", msio_type_name(s->visdata_type));
    for (int k = 0; k < s->ndim; k++) fprintf(f, "%s%" PRId64, k ? ", " : "", s->shape[k]);
    fprintf(f, "], ");
    write_doubles(f, "frequencies", s->frequencies, s->channels);
    write_doubles(f, "widths", s->widths, s->channels);
    write_ints(f, "polarizations", s->polarizations, s->pols);
    write_doubles(f, "times", s->times, s->rows);
    write_ints(f, "antenna1", s->antenna1, s->rows);
    write_ints(f, "antenna2", s->antenna2, s->rows);
    write_doubles(f, "uvw", s->uvw, 3 * s->rows);
    write_doubles(f, "integrations", s->integrations, s->rows);
    write_ints(f, "missing", s->missing_subband, s->missing);
    fprintf(f, "\"antennas\": [");
    for (int i = 0; i < s->antennas; i++)
        fprintf(f, "%s[%d, \"%s\", %.17g, %.17g, %.17g]", i ? ", " : "", s->antenna[i].number, s->antenna[i].name,
                s->antenna[i].position[0], s->antenna[i].position[1], s->antenna[i].position[2]);
    fprintf(f, "], \"subbands\": [");
    for (int i = 0; i < s->subbands; i++)
        fprintf(f, "%s[%d, %d, %" PRId64 ", %" PRId64 "]", i ? ", " : "", s->subband[i].number, s->subband[i].present,
                s->subband[i].channel, s->subband[i].channels);
    fprintf(f, "]}\n");
    if (fclose(f) != 0) exit(4);
}

static void write_arrays(const char *out, const msio_subbands *s, const char *mode) {
    write_raw(out, "visdata", s->visdata, s->visdata_bytes, mode);
    write_raw(out, "flags", s->flags, s->flags_bytes, mode);
    write_raw(out, "nsamples", s->nsamples, s->nsamples_bytes, mode);
}

/* ---------------------------------------------------------------- loading */

/* In batches: the arrays one after the other. */
static int stream(const char *out, const msio_group *group, int n, const char *const *paths, unsigned what,
                  const msio_load_opts *o, int64_t rows) {
    msio_load_stream *s;
    const msio_subbands *batch;
    const char *mode = "w";
    if (group ? msio_load_stream_open(group, what, o, rows, &s)
              : msio_load_stream_open_paths(n, paths, what, o, rows, &s))
        return fail();
    int64_t first, next = 0;
    msio_status status;
    while ((status = msio_load_stream_next(s, &batch, &first)) == MSIO_OK) {
        if (first != next) exit(5);
        next += batch->rows;
        write_arrays(out, batch, mode);
        mode = "a";
    }
    int code = status == MSIO_END ? 0 : fail();
    msio_load_stream_close(s);
    return code;
}

int main(int argc, char **argv) {
    msio_load_opts o = MSIO_LOAD_OPTS_INIT;
    msio_groups *groups = NULL;
    const msio_group *group = NULL;
    msio_subbands s;
    long long what = MSIO_LOAD_ALL, batch = 0;
    int at = 2;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) parse(argv[at], &o, &what, &batch);
    const char *const *paths = (const char *const *)&argv[at + 1];
    int n = argc - at - 1;
    struct stat info;
    char table[4096];
    if (n < 1) return 2;
    snprintf(table, sizeof table, "%s/table.dat", paths[0]);
    if (n == 1 && stat(paths[0], &info) == 0 && S_ISDIR(info.st_mode) && stat(table, &info) != 0) {
        msio_group_opts g = MSIO_GROUP_OPTS_INIT;
        if (getenv("GROUP_SIZE")) g.subbands = atoi(getenv("GROUP_SIZE"));
        if (msio_group_find(1, paths, &g, &groups)) return fail();
        if (groups->groups != 1) return 6;
        group = &groups->group[0];
    }
    int code = 0;
    if (batch) {
        code = stream(argv[1], group, n, paths, (unsigned)what, &o, batch);
    } else if (group ? msio_load(group, (unsigned)what, &o, &s) : msio_load_paths(n, paths, (unsigned)what, &o, &s)) {
        code = fail();
    } else {
        write_arrays(argv[1], &s, "w");
        write_json(argv[1], &s);
        msio_subbands_free(&s);
    }
    msio_groups_free(groups);
    return code;
}
