/* hdf5_chunks.c - where a dataset's chunks lie: the version 1 B-tree, read in one pass. */
#include "io/hdf5/hdf5_chunks.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/hdf5/hdf5_object.h"
#include "io/hdf5_module/hdf5_module.h"

#include <stdlib.h>
#include <string.h>

/* Of a node, before its keys. */
#define NODE_HEAD 24
/* That HDF5 puts into a node unless told otherwise: so many are read with its head. */
#define NODE_ENTRIES 64
/* Levels of a tree; 2^16 children each would hold more than any file. */
#define LEVELS_MOST 16

/* ---------------------------------------------------------------- the list */

static int by_index(const void *a, const void *b) {
    const msio_chunk *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static msio_status add(msio_chunk_list *list, const char *path, const msio_chunk *chunk) {
    if (list->n == list->capacity) {
        int64_t wanted = list->capacity ? list->capacity * 2 : 256;
        msio_chunk *grown = realloc(list->chunk, (size_t)wanted * sizeof *grown);
        if (!grown)
            return msio_error_set(MSIO_E_MEMORY, path, "no memory for a list of %lld chunks", (long long)wanted);
        list->chunk = grown;
        list->capacity = wanted;
    }
    list->chunk[list->n++] = *chunk;
    return MSIO_OK;
}

/* What is done while chunks are told, by whichever index. */
typedef struct collector {
    const msio_h5_info *info;
    msio_chunk_list *list;
    const msio_file *file;
} collector;

/* Turns a chunk's place in the dataset into its index. */
static msio_status collect(collector *c, const int64_t *offset, int64_t address, int64_t bytes, uint32_t mask) {
    const msio_h5_info *info = c->info;
    msio_chunk chunk = {.address = address, .bytes = bytes, .mask = mask};
    int64_t end;
    for (int k = 0; k < info->ndim; k++) {
        if (offset[k] < 0 || offset[k] >= info->shape[k] || offset[k] % info->chunk[k] != 0)
            return msio_error_set(MSIO_E_FORMAT, c->file->path,
                                  "the chunk index is damaged: a chunk begins at element %lld of axis %d, which has "
                                  "%lld in chunks of %lld",
                                  (long long)offset[k], k, (long long)info->shape[k], (long long)info->chunk[k]);
        chunk.index = chunk.index * c->list->grid[k] + offset[k] / info->chunk[k];
    }
    if (address < 0 || bytes < 0 || !msio_add_checked(address, bytes, &end) || end > c->file->stamp.size)
        return msio_error_set(MSIO_E_FORMAT, c->file->path,
                              "a chunk of %lld bytes should lie at byte %lld, the file has %lld: it was cut or is "
                              "damaged",
                              (long long)bytes, (long long)address, (long long)c->file->stamp.size);
    return add(c->list, c->file->path, &chunk);
}

static msio_status collect_told(void *user, const msio_h5_chunk *chunk) {
    return collect(user, chunk->offset, chunk->address, chunk->bytes, chunk->mask);
}

/* Sorts, and finds what is there twice. */
static msio_status finish(const collector *c) {
    msio_chunk_list *list = c->list;
    bool sorted = true;
    for (int64_t i = 1; i < list->n && sorted; i++) sorted = list->chunk[i - 1].index < list->chunk[i].index;
    if (sorted) return MSIO_OK;
    qsort(list->chunk, (size_t)list->n, sizeof *list->chunk, by_index);
    for (int64_t i = 1; i < list->n; i++)
        if (list->chunk[i - 1].index == list->chunk[i].index)
            return msio_error_set(MSIO_E_FORMAT, c->file->path, "the chunk index is damaged: it names chunk %lld twice",
                                  (long long)list->chunk[i].index);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the B-tree */

typedef struct tree_walk {
    collector *collector;
    msio_window *window;
    int64_t key_bytes;
    int64_t bytes_left; /* of the file, that no node has taken yet: nodes that form a circle take more */
} tree_walk;

static msio_status damaged(const tree_walk *walk, int64_t where, const char *what) {
    return msio_error_set(MSIO_E_FORMAT, walk->window->path, "the chunk index is damaged at byte %lld: %s",
                          (long long)where, what);
}

/* A leaf's entry: bytes and mask, the chunk's place, and its address. */
static msio_status take_entry(tree_walk *walk, const uint8_t *key, int64_t where) {
    const msio_h5_info *info = walk->collector->info;
    int64_t offset[MSIO_MAX_NDIM], base = info->base, address;
    for (int k = 0; k < info->ndim; k++) {
        uint64_t value = msio_h5_number(key + 8 + 8 * k, 8);
        offset[k] = value > INT64_MAX ? -1 : (int64_t)value;
    }
    uint64_t stored = msio_h5_number(key + walk->key_bytes, 8);
    if (stored > INT64_MAX || !msio_add_checked((int64_t)stored, base, &address))
        return damaged(walk, where, "a chunk's address is none");
    return collect(walk->collector, offset, address, (int64_t)msio_h5_number(key, 4),
                   (uint32_t)msio_h5_number(key + 4, 4));
}

static msio_status walk_node(tree_walk *walk, int64_t where, int level);

/* A node above the leaves: its children, whose addresses are copied since the window moves. */
static msio_status walk_children(tree_walk *walk, int64_t where, int level, int64_t used) {
    int64_t each = walk->key_bytes + 8;
    for (int64_t i = 0; i < used; i++) {
        const uint8_t *child = msio_window_get(walk->window, where + NODE_HEAD + i * each + walk->key_bytes, 8);
        if (!child) return walk->window->status;
        uint64_t stored = msio_h5_number(child, 8);
        int64_t address;
        if (stored > INT64_MAX || !msio_add_checked((int64_t)stored, walk->collector->info->base, &address))
            return damaged(walk, where, "a child's address is none");
        msio_status status = walk_node(walk, address, level - 1);
        if (status) return status;
    }
    return MSIO_OK;
}

/* level -1: whatever the node says. */
static msio_status walk_node(tree_walk *walk, int64_t where, int level) {
    int64_t each = walk->key_bytes + 8, usual = NODE_HEAD + NODE_ENTRIES * each;
    const uint8_t *head =
        msio_window_get(walk->window, where, msio_max(NODE_HEAD, msio_min(usual, walk->window->size - where)));
    if (!head) return walk->window->status;
    if (memcmp(head, "TREE", 4) != 0 || head[4] != 1) return damaged(walk, where, "this is no node of chunks");
    int found = head[5];
    int64_t used = (int64_t)msio_h5_number(head + 6, 2);
    if ((level >= 0 && found != level) || found > LEVELS_MOST) return damaged(walk, where, "a node's level is wrong");
    walk->bytes_left -= NODE_HEAD + used * each;
    if (walk->bytes_left < 0) return damaged(walk, where, "its nodes are larger than the file, or form a circle");
    if (found > 0) return walk_children(walk, where, found, used);
    if (used == 0) return MSIO_OK;
    const uint8_t *entry = msio_window_get(walk->window, where + NODE_HEAD, used * each);
    if (!entry) return walk->window->status;
    for (int64_t i = 0; i < used; i++) {
        msio_status status = take_entry(walk, entry + i * each, where + NODE_HEAD + i * each);
        if (status) return status;
    }
    return MSIO_OK;
}

static msio_status check_layout(const collector *c, const msio_h5_layout *layout) {
    const msio_h5_info *info = c->info;
    bool same = layout->class == 2 && layout->ndim == info->ndim && layout->element == info->stored;
    for (int k = 0; same && k < info->ndim; k++) same = layout->chunk[k] == info->chunk[k];
    if (layout->version >= 4)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->file->path, "a data layout of version %d has another index",
                              layout->version);
    return same ? MSIO_OK
                : msio_error_set(MSIO_E_UNSUPPORTED, c->file->path,
                                 "the data layout message is not what the library says of the dataset");
}

static msio_status walk_tree(msio_file *file, collector *c) {
    const msio_h5_info *info = c->info;
    msio_h5_layout layout;
    msio_window window;
    tree_walk walk = {.collector = c, .window = &window, .key_bytes = 8 + 8 * (int64_t)(info->ndim + 1)};
    walk.bytes_left = file->stamp.size;
    if (info->header < 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, file->path, "the file has addresses of another size than 8 bytes");
    msio_window_open_unmapped(&window, file);
    msio_status status = msio_h5_layout_read(&window, info->header, info->base, &layout);
    if (!status) status = check_layout(c, &layout);
    if (!status && layout.address >= 0)
        status = msio_add_checked(layout.address, info->base, &layout.address)
                     ? walk_node(&walk, layout.address, -1)
                     : damaged(&walk, info->header, "its address is none");
    return msio_window_close(&window, status);
}

/* ---------------------------------------------------------------- loading */

msio_status msio_chunks_load(msio_file *file, const msio_h5_info *info, msio_h5_dataset *dataset,
                             msio_chunk_list *list) {
    *list = (msio_chunk_list){0};
    collector c = {info, list, file};
    for (int k = 0; k < info->ndim; k++) {
        if (info->chunk[k] < 1)
            return msio_error_set(MSIO_E_FORMAT, file->path, "chunks have %lld elements along axis %d",
                                  (long long)info->chunk[k], k);
        if (info->shape[k] > INT64_MAX - UINT32_MAX)
            return msio_error_set(MSIO_E_UNSUPPORTED, file->path, "an axis is longer than can be counted");
        list->grid[k] = msio_div_up(info->shape[k], info->chunk[k]);
    }
    int64_t all;
    if (!msio_product_checked(info->ndim, list->grid, &all))
        return msio_error_set(MSIO_E_UNSUPPORTED, file->path, "there are more chunks than can be counted");
    msio_status status =
        info->index == MSIO_H5_BTREE1 ? walk_tree(file, &c) : msio_h5_chunks(dataset, file->path, collect_told, &c);
    if (!status) status = finish(&c);
    if (status) msio_chunks_free(list);
    return status;
}

void msio_chunks_free(msio_chunk_list *list) {
    free(list->chunk);
    *list = (msio_chunk_list){0};
}

int64_t msio_chunks_from(const msio_chunk_list *list, int64_t from, int64_t index) {
    if (from < list->n && list->chunk[from].index >= index) return from;
    int64_t low = from, high = list->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (list->chunk[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

msio_status msio_chunks_address(msio_file *file, const msio_h5_info *info, int64_t *address) {
    msio_h5_layout layout;
    msio_window window;
    if (info->header < 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, file->path, "the file has addresses of another size than 8 bytes");
    msio_window_open_unmapped(&window, file);
    msio_status status = msio_h5_layout_read(&window, info->header, info->base, &layout);
    if (!status && (layout.version >= 4 || layout.class != 1))
        status = msio_error_set(MSIO_E_UNSUPPORTED, file->path, "the data layout is not known");
    if (!status && layout.address >= 0 && !msio_add_checked(layout.address, info->base, &layout.address))
        status = msio_error_set(MSIO_E_FORMAT, file->path, "the dataset's address is none: the file is damaged");
    if (!status) *address = layout.address;
    return msio_window_close(&window, status);
}
