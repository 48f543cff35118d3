/* profile_layout.c - a table's reads and writes, given to its columns by where their bytes lie. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "msio/hdf5.h"
#include "msio/locate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SMALL_READ 4096

prof_column *prof_column_of(prof_table *table, const char *name, bool stored) {
    prof_column **at = &table->column;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) return *at;
    *at = cli_zeros(1, sizeof **at);
    **at = (prof_column){
        .name = cli_copy(name), .stored = stored, .unit_now = -1, .cube_now = -1, .table_rows = -1, .access = -1};
    table->columns++;
    return *at;
}

/* One extent at work. */
typedef struct work {
    prof_table *table;
    const prof_file *file;
    const profile_extent *extent;
    double per_byte; /* seconds */
    msio_located *part;
    int parts, room;
    prof_column *cached; /* the locator's names are compared by address first */
    const char *cached_name;
} work;

/* What several columns share, and what is of none, has a name of its own. sharing: how many columns. */
static prof_column *column_of(work *w, const msio_located *part, int sharing) {
    char name[160];
    if (part->column && sharing == 1) {
        if (part->column != w->cached_name) {
            w->cached = prof_column_of(w->table, part->column, true);
            w->cached_name = part->column;
        }
        return w->cached;
    }
    if (part->column)
        snprintf(name, sizeof name, "(%.100s and %d more)", part->column, sharing - 1);
    else
        snprintf(name, sizeof name, "(%s)", part->what);
    return prof_column_of(w->table, name, false);
}

static void end_unit(prof_column *c) {
    if (c->unit_now < 0) return;
    if (c->unit_reads) c->units++;
    if (c->unit_reads > 1) c->units_twice++;
    if (c->unit_reads > c->unit_most) c->unit_most = c->unit_reads;
    c->unit_reads = 0;
    c->unit_now = -1;
}

/* Extents come sorted by offset, so each byte's first time is told from an end that rises. */
static int64_t fresh_bytes(int64_t *covered, const msio_located *part) {
    int64_t from = part->offset > *covered ? part->offset : *covered, end = part->offset + part->length;
    if (end <= from) return 0;
    *covered = end;
    return end - from;
}

static void count_unit(prof_column *c, const msio_located *part, const profile_extent *e) {
    if (part->unit < 0) return;
    if (c->unit_now != part->unit || c->cube_now != part->cube) {
        end_unit(c);
        c->unit_now = part->unit;
        c->cube_now = part->cube;
        if (e->writes) c->units_written++;
    }
    c->unit_bytes = part->unit_bytes;
    c->unit_reads += e->reads;
    if (e->writes && e->length >= part->unit_bytes) c->unit_writes += e->writes;
}

/* Which parts of its file a column's reads lie in. */
static void count_strip(prof_column *c, const char *file, const msio_located *part, const profile_extent *e) {
    struct stat now;
    if (!c->strip_file && stat(file, &now) == 0 && now.st_size > 0) {
        c->strip_file = file;
        c->strip_bytes = (double)now.st_size / PROF_STRIP;
    }
    if (c->strip_file != file) return;
    double from = (double)part->offset / c->strip_bytes, to = (double)(part->offset + part->length) / c->strip_bytes;
    for (int i = (int)from; i < PROF_STRIP && i < to; i++) {
        double begin = from > i ? from : i, end = to < i + 1 ? to : i + 1;
        c->strip[i] += (end - begin) * c->strip_bytes * (double)e->reads;
    }
}

/* Gives the bytes of parts [first, first + sharing), which are the same ones, to their column. */
static void give(work *w, int first, int sharing) {
    const msio_located *part = &w->part[first];
    const profile_extent *e = w->extent;
    prof_column *c = column_of(w, part, sharing);
    if (c->file_now != w->file->path) {
        end_unit(c);
        c->file_now = w->file->path;
        c->covered_read = c->covered_written = 0;
    }
    if (e->reads) c->distinct_read += fresh_bytes(&c->covered_read, part);
    if (e->writes) c->distinct_written += fresh_bytes(&c->covered_written, part);
    c->reads += e->reads;
    c->writes += e->writes;
    c->bytes_read += part->length * (int64_t)e->reads;
    c->bytes_written += part->length * (int64_t)e->writes;
    if (e->length < SMALL_READ) c->small_reads += e->reads;
    if (e->reads && e->writes && e->read_first) c->overwritten += part->length;
    c->seconds += w->per_byte * (double)part->length * (double)(e->reads + e->writes);
    count_unit(c, part, e);
    if (c->stored && e->reads) count_strip(c, w->file->path, part, e);
}

static bool same_bytes(const msio_located *a, const msio_located *b) {
    return a->column && b->column && a->offset == b->offset && a->length == b->length;
}

static void give_all(work *w) {
    for (int i = 0, n; i < w->parts; i += n) {
        for (n = 1; i + n < w->parts && same_bytes(&w->part[i], &w->part[i + n]);) n++;
        give(w, i, n);
    }
    w->parts = 0;
}

static int take(void *user, const msio_located *part) {
    work *w = user;
    if (w->parts == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        w->part = cli_resize(w->part, (size_t)w->room, sizeof *w->part);
    }
    w->part[w->parts++] = *part;
    return 0;
}

static void take_plain(work *w, const char *name, int64_t from, int64_t to) {
    take(w, &(msio_located){.what = name, .unit = -1, .cube = -1, .row = -1, .offset = from, .length = to - from});
}

/* Without a layout the file is the column. */
static void take_file(work *w, const char *name) {
    const profile_extent *e = w->extent;
    w->parts = 0;
    take_plain(w, name, (int64_t)e->offset, (int64_t)e->offset + e->length);
}

/* What nothing was told of, as the index of a bucket that was read in part: no byte is left out. */
static void take_rest(work *w) {
    int64_t at = (int64_t)w->extent->offset, end = at + w->extent->length;
    for (int i = 0, told = w->parts; i < told; i++) {
        const msio_located part = w->part[i];
        if (part.offset > at) take_plain(w, "rest of buckets", at, part.offset);
        if (part.offset + part.length > at) at = part.offset + part.length;
    }
    if (at < end) take_plain(w, "rest of buckets", at, end);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void prof_layout_table(prof_found *found, int table, const prof_extent *extents, int64_t n) {
    prof_table *t = &found->table[table];
    msio_locator *locator = NULL;
    work w = {.table = t};
    if (msio_locator_open(t->path, &locator)) snprintf(t->unknown, sizeof t->unknown, "%s", msio_last_error()->message);
    for (int64_t i = 0; i < n; i++) {
        w.file = &found->file[extents[i].file];
        w.extent = extents[i].extent;
        const prof_file *f = w.file;
        int64_t bytes = f->bytes_read + f->bytes_written;
        w.per_byte = bytes ? (f->read_seconds + f->write_seconds) / (double)bytes : 0;
        const char *name = base_name(f->path);
        if (!locator || msio_locator_find(locator, name, (int64_t)w.extent->offset, w.extent->length, take, &w))
            take_file(&w, name);
        take_rest(&w);
        give_all(&w);
    }
    for (prof_column *c = t->column; c; c = c->next) end_unit(c);
    free(w.part);
    msio_locator_close(locator);
}
