/* uvh5_phase.c - where a UVH5 file looked: its catalog of phase centres, or the one phase centre of older files.
 *
 * The catalog is a group of groups since version 1.1. Before, when it was new, it was a group of JSON texts by name, or
 * of groups by name; pyuvdata reads those too.
 */
#include "io/uvh5/json_members.h"
#include "io/uvh5/uvh5_header.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CATALOG "phase_center_catalog/"
#define MEMBERS_MOST 64

/* An entry in the making. */
typedef struct entry {
    msio_uvh5_phase_center *center;
    const char *key; /* its name in the catalog */
    size_t key_length;
    bool is_json;
    bool has_id; /* cat_id said so */
} entry;

/* ---------------------------------------------------------------- members of an entry */

typedef enum member_kind { A_TEXT, A_NUMBER, A_LIST } member_kind;

#define PLACE(member) offsetof(msio_uvh5_phase_center, member)
static const struct {
    const char *name;
    member_kind kind;
    size_t place, count;
} members[] = {{"cat_name", A_TEXT, PLACE(name), 0},
               {"cat_type", A_TEXT, PLACE(type), 0},
               {"cat_frame", A_TEXT, PLACE(frame), 0},
               {"info_source", A_TEXT, PLACE(info_source), 0},
               {"cat_epoch", A_NUMBER, PLACE(epoch), 0},
               {"cat_pm_ra", A_NUMBER, PLACE(pm_ra), 0},
               {"cat_pm_dec", A_NUMBER, PLACE(pm_dec), 0},
               {"cat_lon", A_LIST, PLACE(lon), PLACE(lons)},
               {"cat_lat", A_LIST, PLACE(lat), PLACE(lats)},
               {"cat_times", A_LIST, PLACE(time), PLACE(times)},
               {"cat_dist", A_LIST, PLACE(dist), PLACE(dists)},
               {"cat_vrad", A_LIST, PLACE(vrad), PLACE(vrads)}};

static void put_id(msio_uvh5_fields *f, const char *field, entry *e, const msio_json_member *m) {
    double id = m->n == 1 ? m->number[0] : (double)NAN;
    if (id >= INT32_MIN && id <= INT32_MAX && id == floor(id)) {
        e->center->id = (int32_t)id;
        e->has_id = true;
    } else {
        msio_uvh5_wrong(f, field, "has a cat_id that is no whole number of 32 bits");
    }
}

/* What the entry says under that name; null and unknown names are passed over. */
static void put_member(msio_uvh5_fields *f, const char *field, entry *e, const msio_json_member *m) {
    if (f->status || (!m->text && m->n == 0)) return;
    if (strcmp(m->name, "cat_id") == 0) put_id(f, field, e, m);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(members[i].name, m->name) != 0) continue;
        char *place = (char *)e->center + members[i].place;
        if ((members[i].kind == A_TEXT) != (m->text != NULL))
            msio_uvh5_wrong(f, field, "holds %s as %s, expected %s", m->text ? "a string" : "numbers", m->name,
                            m->text ? "numbers" : "a string");
        else if (members[i].kind == A_NUMBER && m->n != 1)
            msio_uvh5_wrong(f, field, "holds %lld numbers as %s, expected one", (long long)m->n, m->name);
        else if (members[i].kind == A_TEXT)
            memcpy(place, &m->text, sizeof m->text);
        else if (members[i].kind == A_NUMBER)
            memcpy(place, m->number, sizeof *m->number);
        else
            memcpy(place, &m->number, sizeof m->number);
        if (members[i].kind == A_LIST) memcpy((char *)e->center + members[i].count, &m->n, sizeof m->n);
    }
}

/* ---------------------------------------------------------------- entries */

static void put_json(msio_uvh5_fields *f, entry *e, msio_field *field) {
    msio_json_member m[MEMBERS_MOST];
    msio_uvh5_load(f, field);
    if (f->status) return;
    if (field->type != MSIO_STRING || field->count != 1) {
        msio_uvh5_wrong(f, field->name, "is neither a group nor a text of JSON");
        return;
    }
    int n = msio_json_members(field->strings[0], f->arena, MEMBERS_MOST, m);
    if (n < 0) msio_uvh5_wrong(f, field->name, "is no JSON of a catalog's entry");
    for (int i = 0; i < n; i++) put_member(f, field->name, e, &m[i]);
}

static void put_dataset(msio_uvh5_fields *f, entry *e, msio_field *field, const char *name) {
    msio_json_member m = {.name = name};
    msio_uvh5_load(f, field);
    if (f->status || field->count == 0 || field->type == MSIO_RECORD) return;
    if (field->type == MSIO_STRING && field->count != 1) {
        msio_uvh5_wrong(f, field->name, "has %lld strings, expected one", (long long)field->count);
    } else if (field->type == MSIO_STRING) {
        m.text = field->strings[0];
    } else {
        m.n = field->count;
        m.number = msio_uvh5_field_doubles(f, field);
    }
    put_member(f, field->name, e, &m);
}

/* The entry's number: its key, where that is one, else what it says as cat_id; for JSON the other way round. */
static void end_entry(msio_uvh5_fields *f, entry *e) {
    char key[32], *end;
    if (!e->center || f->status) return;
    long number = 0;
    bool is_number = e->key_length > 0 && e->key_length < sizeof key;
    if (is_number) {
        memcpy(key, e->key, e->key_length);
        key[e->key_length] = '\0';
        number = strtol(key, &end, 10);
        is_number = *end == '\0' && number >= INT32_MIN && number <= INT32_MAX;
    }
    if (is_number && !(e->is_json && e->has_id)) e->center->id = (int32_t)number;
    if (!is_number && !e->has_id)
        msio_uvh5_wrong(f, e->key - strlen(CATALOG), "has no number: neither its name nor cat_id is one");
    if (!e->center->type) msio_uvh5_wrong(f, e->key - strlen(CATALOG), "lacks a cat_type");
}

/* Begins the entry of a field, unless it is the one in hand: those of an entry follow each other. */
static bool next_entry(msio_uvh5_fields *f, entry *e, msio_uvh5_header *h, msio_uvh5_phase_center *centers,
                       const char *key, size_t length) {
    if (e->center && e->key_length == length && memcmp(e->key, key, length) == 0) return true;
    end_entry(f, e);
    *e = (entry){.center = &centers[h->phase_centers++], .key = key, .key_length = length, .is_json = !key[length]};
    e->center->epoch = e->center->pm_ra = e->center->pm_dec = (double)NAN;
    char *name = msio_uvh5_take(f, (int64_t)length + 1, 1); /* until cat_name says better */
    if (name) memcpy(name, key, length);
    e->center->name = name;
    return !f->status;
}

static void read_catalog(msio_uvh5_fields *f, msio_uvh5_header *h) {
    size_t prefix = strlen(CATALOG);
    int most = 0;
    entry e = {0};
    for (int i = 0; i < f->n; i++) most += strncmp(f->field[i].name, CATALOG, prefix) == 0;
    msio_uvh5_phase_center *centers = msio_uvh5_take(f, most, sizeof *centers);
    for (int i = 0; i < f->n && centers && !f->status; i++) {
        if (strncmp(f->field[i].name, CATALOG, prefix) != 0) continue;
        const char *key = f->field[i].name + prefix, *slash = strchr(key, '/');
        if (!next_entry(f, &e, h, centers, key, slash ? (size_t)(slash - key) : strlen(key))) continue;
        if (slash)
            put_dataset(f, &e, &f->field[i], slash + 1);
        else
            put_json(f, &e, &f->field[i]);
    }
    end_entry(f, &e);
    h->phase_center = h->phase_centers ? centers : NULL;
}

/* ---------------------------------------------------------------- all of it */

void msio_uvh5_read_phase(msio_uvh5_fields *f, msio_uvh5_header *h) {
    bool catalog_due = msio_uvh5_has_catalog(h);
    read_catalog(f, h);
    h->object_name = msio_uvh5_text(f, "object_name", false);
    h->phase_type = msio_uvh5_text(f, "phase_type", false);
    h->multi_phase_center = msio_uvh5_truth(f, "multi_phase_center");
    if (h->phase_centers) {
        int64_t told = msio_uvh5_whole(f, "Nphase", 0, INT32_MAX, catalog_due ? MSIO_UVH5_REQUIRED : h->phase_centers);
        if (told != h->phase_centers)
            msio_uvh5_wrong(f, "Nphase", "is %lld, but phase_center_catalog has %lld entries", (long long)told,
                            (long long)h->phase_centers);
    } else if (!h->phase_type) {
        msio_uvh5_wrong(f, catalog_due ? "phase_center_catalog" : "phase_type",
                        "is missing: a UVH5 file of this version has it");
    }
    bool phased = !h->phase_centers && h->phase_type && strcmp(h->phase_type, "phased") == 0;
    h->phase_center_ra = msio_uvh5_number(f, "phase_center_ra", phased);
    h->phase_center_dec = msio_uvh5_number(f, "phase_center_dec", phased);
    h->phase_center_epoch = msio_uvh5_number(f, "phase_center_epoch", phased);
    h->phase_center_frame = msio_uvh5_text(f, "phase_center_frame", false);
}
