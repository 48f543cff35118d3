/* record.c - keyword records: parsed from AipsIO, looked up by name. */
#include "io/aipsio/record.h"

#include "core/checked.h"
#include "core/error.h"

#include <string.h>

#define DEEPEST 24

/* A field of a RecordDesc, before its value is known. */
typedef struct field_desc {
    const char *name;
    int32_t type;
    struct record_desc *record;
} field_desc;

typedef struct record_desc {
    int64_t count;
    field_desc *field;
} record_desc;

static bool is_array_type(int32_t type) { return (type >= 13 && type <= 24) || type == 30; }

static msio_type element_type(int32_t type) {
    return type == 30 ? MSIO_INT64 : is_array_type(type) ? (msio_type)(type - 13) : (msio_type)type;
}

static record_desc *parse_desc(msio_aips *a, int depth) {
    record_desc *desc = msio_arena_take(a->arena, 1, sizeof *desc);
    if (!desc || depth > DEEPEST) {
        msio_aips_fail(a, desc ? MSIO_E_FORMAT : MSIO_E_MEMORY, "records are nested more than %d deep", DEEPEST);
        return NULL;
    }
    uint32_t version = msio_aips_enter(a, "RecordDesc", 2);
    int64_t n = msio_aips_count(a, 8);
    desc->field = msio_arena_take(a->arena, n + 1, sizeof *desc->field);
    if (!desc->field) msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld fields", (long long)n);
    for (int64_t i = 0; i < n && msio_aips_ok(a); i++) {
        field_desc *f = &desc->field[i];
        f->name = msio_aips_text(a);
        f->type = msio_aips_i32(a);
        if (f->type == MSIO_RECORD)
            f->record = parse_desc(a, depth + 1);
        else if (f->type == MSIO_TABLE)
            msio_aips_text(a);
        else if (is_array_type(f->type))
            msio_aips_skip_shape(a);
        if (version > 1) msio_aips_text(a);
        desc->count = i + 1;
    }
    msio_aips_leave(a);
    return desc;
}

static void parse_array(msio_aips *a, msio_field *field) {
    if (strncmp(msio_aips_peek(a), "Array", 5) != 0) {
        msio_aips_fail(a, MSIO_E_FORMAT, "the array value of keyword '%.60s' should be here", field->name);
        return;
    }
    uint32_t version = msio_aips_enter(a, NULL, 3);
    int64_t ndim = msio_aips_count(a, 4), product = 1;
    if (ndim > MSIO_MAX_NDIM) {
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "keyword '%.60s' has %lld axes, at most %d are read", field->name,
                       (long long)ndim, MSIO_MAX_NDIM);
        return;
    }
    for (int i = 0; version < 3 && i < ndim; i++) msio_aips_i32(a); /* origin */
    for (int i = 0; i < ndim; i++) field->shape[ndim - 1 - i] = msio_aips_u32(a);
    field->count = msio_aips_u32(a);
    field->ndim = (int)ndim;
    if (ndim == 0) { /* casacore's empty array */
        field->ndim = 1;
        product = 0;
    }
    if (!msio_product_checked((int)ndim, field->shape, &product) || (ndim == 0 ? field->count : product - field->count))
        msio_aips_fail(a, MSIO_E_FORMAT, "keyword '%.60s' holds %lld elements, its shape has another number",
                       field->name, (long long)field->count);
    field->values = msio_aips_values(a, field->type, field->count);
    msio_aips_leave(a);
}

static msio_record *parse_values(msio_aips *a, const record_desc *desc, int depth);

static msio_record *parse_object(msio_aips *a, int depth) {
    const char *type = msio_aips_peek(a);
    if (strstr(type, "KeywordSet"))
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "keywords of the old form '%.30s'", type);
    else if (msio_aips_ok(a) && strcmp(type, "Record") != 0 && strcmp(type, "TableRecord") != 0)
        msio_aips_fail(a, MSIO_E_FORMAT, "a record should be here, found '%.40s'", type);
    msio_aips_enter(a, NULL, 1);
    record_desc *desc = parse_desc(a, depth);
    msio_aips_i32(a);
    msio_record *record = parse_values(a, desc, depth);
    msio_aips_leave(a);
    return record;
}

static void parse_value(msio_aips *a, const field_desc *desc, msio_field *field, int depth) {
    *field = (msio_field){.name = desc->name, .type = element_type(desc->type), .count = 1};
    if (desc->type == MSIO_RECORD) {
        /* an empty description stands for a record that brings its own */
        bool own = !desc->record || desc->record->count == 0;
        field->record = own ? parse_object(a, depth + 1) : parse_values(a, desc->record, depth + 1);
    } else if (is_array_type(desc->type)) {
        parse_array(a, field);
    } else if (desc->type == MSIO_TABLE) {
        field->values = msio_aips_values(a, MSIO_STRING, 1);
    } else if (desc->type == MSIO_BOOL) {
        uint8_t *value = msio_arena_take(a->arena, 1, 1);
        if (value) *value = msio_aips_bool(a);
        field->values = value;
    } else {
        field->values = msio_aips_values(a, field->type, 1);
    }
    if (field->type == MSIO_STRING || field->type == MSIO_TABLE) field->strings = field->values;
}

static msio_record *parse_values(msio_aips *a, const record_desc *desc, int depth) {
    static msio_record empty;
    msio_record *record = msio_arena_take(a->arena, 1, sizeof *record);
    int64_t n = desc ? desc->count : 0;
    if (record) record->field = msio_arena_take(a->arena, n + 1, sizeof *record->field);
    if (!record || !record->field || depth > DEEPEST) {
        msio_aips_fail(a, record && record->field ? MSIO_E_FORMAT : MSIO_E_MEMORY,
                       "a record of %lld fields, %d levels deep, cannot be kept", (long long)n, depth);
        return &empty;
    }
    for (int64_t i = 0; i < n && msio_aips_ok(a); i++) {
        parse_value(a, &desc->field[i], &record->field[i], depth);
        if (msio_aips_ok(a)) record->count = (int)i + 1;
    }
    return record;
}

msio_record *msio_record_parse(msio_aips *a) { return parse_object(a, 0); }

void msio_record_merge(msio_aips *a, msio_record *record, const msio_record *more) {
    msio_field *field = msio_arena_take(a->arena, record->count + more->count + 1, sizeof *field);
    if (!field) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for keywords");
        return;
    }
    if (record->count) memcpy(field, record->field, (size_t)record->count * sizeof *field);
    for (int i = 0; i < more->count; i++) {
        int at = 0;
        while (at < record->count && strcmp(field[at].name, more->field[i].name) != 0) at++;
        field[at] = more->field[i];
        if (at == record->count) record->count++;
    }
    record->field = field;
}

void msio_record_skip_value(msio_aips *a, msio_type type) {
    if (type == MSIO_BOOL)
        msio_aips_u8(a);
    else
        msio_aips_values(a, type, 1);
}

int msio_record_count(const msio_record *record) { return record ? record->count : 0; }

const msio_field *msio_record_at(const msio_record *record, int index) {
    return record && index >= 0 && index < record->count ? &record->field[index] : NULL;
}

const msio_field *msio_record_find(const msio_record *record, const char *name) {
    for (int i = 0; record && i < record->count; i++)
        if (strcmp(record->field[i].name, name) == 0) return &record->field[i];
    return NULL;
}
