/* hdf5_shim_visit.c - the HDF5 module: all small datasets of a group in one pass, and strings. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Groups within groups are followed so far: links may form circles. */
#define DEPTH_MOST 4
#define NAME_MOST 512

/* ---------------------------------------------------------------- strings */

/* Length without the padding of either kind. */
static size_t trimmed(const char *text, size_t length) {
    const char *end = memchr(text, 0, length);
    if (end) length = (size_t)(end - text);
    while (length > 0 && text[length - 1] == ' ') length--;
    return length;
}

/* Bytes that one read of strings may take. */
#define TEXTS_MOST ((int64_t)256 << 20)

static msio_status tell_all(const char *data, int64_t elements, size_t size, bool variable, msio_h5_text_sink sink,
                            void *user) {
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < elements && !status; i++) {
        const char *text = data + (size_t)i * size;
        if (variable) memcpy(&text, data + (size_t)i * size, sizeof(char *));
        if (!text) text = "";
        status = sink(user, text, (int64_t)trimmed(text, variable ? strlen(text) : size));
    }
    return status;
}

msio_status msio_h5_tell_texts(hid_t dataset, hid_t type, int64_t elements, msio_h5_text_sink sink, void *user,
                               msio_h5_message *message) {
    bool variable = H5Tis_variable_str(type) > 0;
    size_t size = H5Tget_size(type);
    if (elements == 0) return MSIO_OK;
    if (size == 0 || elements > TEXTS_MOST / (int64_t)size) {
        snprintf(message->text, sizeof message->text, "%lld strings of %zu bytes are more than is read at once",
                 (long long)elements, size);
        return MSIO_E_UNSUPPORTED;
    }
    hid_t space = H5Dget_space(dataset);
    char *data = calloc((size_t)elements, size);
    msio_status status = MSIO_OK;
    if (!data || space < 0) {
        snprintf(message->text, sizeof message->text, "no memory for %lld strings", (long long)elements);
        status = MSIO_E_MEMORY;
    } else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        status = msio_h5_say(message, MSIO_E_FORMAT, "reading strings", NULL);
    } else {
        status = tell_all(data, elements, size, variable, sink, user);
        if (variable) H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    }
    if (space >= 0) H5Sclose(space);
    free(data);
    return status;
}

/* ---------------------------------------------------------------- one dataset */

typedef struct visit_walk {
    const msio_h5_file *file;
    int64_t limit;
    msio_h5_value_sink sink;
    void *user;
    msio_h5_message *message;
    msio_status status;
    int depth;
    char name[NAME_MOST]; /* of the group that is in hand, with a trailing slash */
    size_t length;
} visit_walk;

/* Strings of one value, kept while its sink runs. */
typedef struct text_list {
    int64_t n;
    char **text;
} text_list;

static msio_status keep_text(void *user, const char *text, int64_t length) {
    text_list *list = user;
    char *copy = strndup(text, (size_t)length);
    if (!copy) return MSIO_E_MEMORY;
    list->text[list->n++] = copy;
    return MSIO_OK;
}

static msio_status with_texts(visit_walk *walk, hid_t id, hid_t type, msio_h5_value *value) {
    int64_t each = (int64_t)H5Tget_size(type);
    if (value->elements > walk->limit / (each > 0 ? each : 1)) return walk->sink(walk->user, value);
    text_list list = {0, calloc((size_t)value->elements + 1, sizeof *list.text)};
    msio_status status = MSIO_E_MEMORY;
    if (list.text) status = msio_h5_tell_texts(id, type, value->elements, keep_text, &list, walk->message);
    if (status == MSIO_E_MEMORY && !walk->message->text[0])
        snprintf(walk->message->text, sizeof walk->message->text, "no memory for strings");
    value->texts = (const char *const *)list.text;
    if (!status) status = walk->sink(walk->user, value);
    for (int64_t i = 0; i < list.n; i++) free(list.text[i]);
    free(list.text);
    return status;
}

static msio_status with_numbers(visit_walk *walk, hid_t id, hid_t type, const msio_h5_info *info,
                                msio_h5_value *value) {
    hid_t memory = msio_h5_memory_type(type, info);
    size_t size = memory < 0 ? 0 : H5Tget_size(memory);
    uint8_t *data = NULL;
    msio_status status = MSIO_OK;
    if (size && value->elements <= walk->limit / (int64_t)size) {
        if (!(data = malloc((size_t)value->elements * size + 1))) {
            snprintf(walk->message->text, sizeof walk->message->text, "no memory for %.200s", value->name);
            status = MSIO_E_MEMORY;
        } else if (value->elements && H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
            status = msio_h5_say(walk->message, MSIO_E_FORMAT, "reading", value->name);
        }
        for (int64_t i = 0; data && info->number.is_truth && i < value->elements; i++) data[i] = data[i] != 0;
        value->data = data;
    }
    if (!status) status = walk->sink(walk->user, value);
    free(data);
    if (memory >= 0) H5Tclose(memory);
    return status;
}

static bool shape_of(hid_t id, msio_h5_value *value) {
    hsize_t shape[H5S_MAX_RANK];
    hid_t space = H5Dget_space(id);
    if (space < 0) return false;
    int ndim = H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_dims(space, shape, NULL);
    value->ndim = ndim < 0 ? 1 : ndim < MSIO_MAX_NDIM ? ndim : MSIO_MAX_NDIM;
    value->elements = ndim < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    for (int k = 0; k < value->ndim && ndim >= 0; k++) value->shape[k] = (int64_t)shape[k];
    H5Sclose(space);
    return value->elements >= 0;
}

static bool is_chunked(hid_t id) {
    hid_t properties = H5Dget_create_plist(id);
    bool chunked = properties >= 0 && H5Pget_layout(properties) == H5D_CHUNKED;
    if (properties >= 0) H5Pclose(properties);
    return chunked;
}

/* Numbers in chunks are told without their data: who wants them reads them natively, where a damaged chunk is an error;
 * the library of Debian 12 trusts what its filters give. */
static msio_status visit_dataset(visit_walk *walk, hid_t id) {
    msio_h5_info info = {0};
    msio_h5_value value = {.name = walk->name};
    hid_t type = H5Dget_type(id);
    msio_status status;
    if (type < 0 || !shape_of(id, &value)) {
        status = msio_h5_say(walk->message, MSIO_E_FORMAT, "describing", walk->name);
    } else {
        msio_h5_describe_type(type, &info);
        value.type = info.type;
        status = info.type == MSIO_STRING                     ? with_texts(walk, id, type, &value)
                 : info.type == MSIO_RECORD || is_chunked(id) ? walk->sink(walk->user, &value)
                                                              : with_numbers(walk, id, type, &info, &value);
    }
    if (type >= 0) H5Tclose(type);
    return status;
}

/* ---------------------------------------------------------------- groups */

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *user) {
    visit_walk *walk = user;
    size_t before = walk->length, added = strlen(name);
    if (link->type == H5L_TYPE_EXTERNAL || before + added + 2 > NAME_MOST) return 0; /* other files are not entered */
    H5O_info_t object;
    walk->status = msio_h5_look_at(walk->file, group, name, &object);
    if (walk->status && walk->status != MSIO_E_NOT_FOUND) return -1;
    hid_t id = walk->status ? -1 : H5Oopen(group, name, H5P_DEFAULT);
    walk->status = MSIO_OK;
    if (id < 0) {
        if (link->type != H5L_TYPE_HARD) return 0; /* a link to nothing */
        walk->status = msio_h5_say(walk->message, MSIO_E_FORMAT, "opening", name);
        return -1;
    }
    memcpy(walk->name + before, name, added + 1);
    H5I_type_t kind = H5Iget_type(id);
    if (kind == H5I_DATASET) {
        walk->status = visit_dataset(walk, id);
    } else if (kind == H5I_GROUP && walk->depth < DEPTH_MOST) {
        walk->length = before + added + 1;
        walk->name[walk->length - 1] = '/';
        walk->name[walk->length] = '\0';
        walk->depth++;
        herr_t result = H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, walk);
        walk->depth--;
        if (result < 0 && !walk->status)
            walk->status = msio_h5_say(walk->message, MSIO_E_FORMAT, "listing", walk->name);
        walk->length = before;
    }
    walk->name[before] = '\0';
    H5Oclose(id);
    return walk->status ? -1 : 0;
}

msio_status msio_h5_shim_visit(msio_h5_file *file, const char *group, int64_t limit, msio_h5_value_sink sink,
                               void *user, msio_h5_message *message) {
    visit_walk walk = {.file = file, .limit = limit, .sink = sink, .user = user, .message = message};
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = MSIO_OK;
    H5O_info_t object;
    if (H5Oget_info_by_name2(file->id, group, &object, H5O_INFO_BASIC, msio_h5_links()) < 0 ||
        object.type != H5O_TYPE_GROUP) {
        snprintf(message->text, sizeof message->text, "there is no group %.200s", group);
        status = MSIO_E_NOT_FOUND;
    } else {
        herr_t result = H5Literate_by_name(file->id, group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, &walk,
                                           msio_h5_links());
        status = walk.status;
        if (result < 0 && !status) status = msio_h5_say(message, MSIO_E_FORMAT, "listing group", group);
    }
    msio_h5_quiet_end(&quiet);
    return status;
}
