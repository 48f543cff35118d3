/* view.c - columns and datasets mapped where they lie in their files as they lie in memory. */
#include "msio/view.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/layout/hdf5_layout.h"
#include "io/read/dense.h"
#include "io/read/request.h"
#include "prof/call.h"

#include <stdlib.h>
#include <string.h>

struct msio_view {
    msio_view_info info;
    msio_mapping mapping;
    msio_stamp stamp; /* of the file when it was mapped */
    char *file;       /* NULL: nothing is mapped */
};

/* Where the wanted elements lie, as a plan has it. */
typedef struct stretch {
    const char *name, *path; /* for messages */
    bool found;
    const msio_file *file; /* lives as long as the plan's table or file */
    int64_t offset;
    msio_box box;
} stretch;

static msio_status refuse(const stretch *s, const char *why) {
    return msio_error_set(MSIO_E_UNSUPPORTED, s->path, "%s cannot be viewed, only read: %s", s->name, why);
}

/* ---------------------------------------------------------------- what the plan says */

static const char *why_not_codec(msio_codec codec) {
    switch (codec) {
    case MSIO_CODEC_COPY: return NULL;
    case MSIO_CODEC_SWAP: return "it is stored in the other byte order";
    case MSIO_CODEC_BITS: return "Bool is stored as bits";
    case MSIO_CODEC_CONVERT: return "it is stored as numbers of another kind";
    }
    return "it is not stored as it is in memory";
}

/* A sink's flush: all that is wanted is one piece. More of them end the plan at once. */
static msio_status take_piece(void *user, msio_piece_batch *batch) {
    stretch *s = user;
    const msio_piece *p = batch->pieces;
    const msio_target *t = &batch->target[0];
    int64_t bit, out;
    const char *why = why_not_codec(t->codec);
    if (!why && p->encoded) why = "its chunks are filtered";
    if (!why && (s->found || batch->n > 1))
        why = "the shape of its tiles, buckets or chunks divides the wanted cells, or they are not in the file's order";
    if (why) return refuse(s, why);
    s->file = batch->source[p->source].file;
    if (!s->file) return refuse(s, "nothing was written there yet");
    if (!s->file->mappable) return refuse(s, "its file system is not a local one");
    msio_piece_box(batch, p, 0, p->rows, &s->box, &s->offset, &bit, &out);
    if (out != 0 || msio_box_elements(&s->box) * t->elem != t->out_bytes)
        return refuse(s, "the wanted cells do not lie together");
    s->found = true;
    return MSIO_OK;
}

/* The stride of an axis whose `count` elements are `apart` bytes from each other in a dense result; 0: not one stride.
 */
static int64_t stride_of(const msio_box *box, int64_t apart, int64_t count) {
    for (int b = 0; b < box->ndim; b++)
        if (box->dst[b] > 0 && apart % box->dst[b] == 0 && apart / box->dst[b] <= box->count[b] / count)
            return apart / box->dst[b] * box->src[b];
    return 0;
}

/* Strides of info's shape in the stretch, and its length in the file. */
static msio_status find_strides(const stretch *s, msio_view_info *info, int64_t *length) {
    int64_t elem = (int64_t)msio_type_size(info->type), dense = elem;
    bool complex = info->type == MSIO_COMPLEX || info->type == MSIO_DCOMPLEX;
    int64_t unit = complex ? elem / 2 : elem, odd = s->found ? s->offset % unit : 0;
    *length = elem;
    info->contiguous = 1;
    for (int k = info->ndim - 1; k >= 0; k--) {
        info->stride[k] = dense;
        if (s->found && info->shape[k] > 1) {
            info->stride[k] = stride_of(&s->box, dense, info->shape[k]);
            if (info->stride[k] == 0)
                return refuse(s, "a cell is wanted more than once, or an axis lies at more than one distance");
            if (info->stride[k] != dense) info->contiguous = 0;
            odd |= info->stride[k] % unit;
            *length += (info->shape[k] - 1) * info->stride[k];
        }
        dense *= info->shape[k];
    }
    info->bytes = (size_t)dense;
    return odd ? refuse(s, "it begins at an odd byte of the file, where no number may stand in memory") : MSIO_OK;
}

/* ---------------------------------------------------------------- mapping */

static void let_go(msio_view *view) {
    msio_mapping_close(&view->mapping);
    free(view->file);
    view->file = NULL;
    view->info.data = NULL;
}

static msio_status map_stretch(msio_view *view, const stretch *s) {
    int64_t length;
    view->info.file = "";
    msio_status status = find_strides(s, &view->info, &length);
    if (status || view->info.bytes == 0) return status;
    if (!s->found) return refuse(s, "its cells lie nowhere in the file");
    view->file = strdup(s->file->place ? s->file->place : s->file->path);
    if (!view->file) return msio_error_set(MSIO_E_MEMORY, s->path, "no memory for a view");
    status = msio_mapping_open(s->file, s->offset, length, view->info.writable != 0, &view->mapping, &view->stamp);
    if (status) {
        let_go(view);
        return status;
    }
    view->info.data = view->mapping.data;
    view->info.file = view->file;
    view->info.offset = s->offset;
    return MSIO_OK;
}

static msio_status new_view(const msio_view_opts *opts, msio_view **view) {
    msio_view_opts o = MSIO_VIEW_OPTS_INIT;
    if (opts && opts->struct_size != sizeof o)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "struct_size of the options is not that of msio_view_opts");
    if (opts) o = *opts;
    *view = calloc(1, sizeof **view);
    if (!*view) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a view");
    (*view)->info.writable = o.writable != 0;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- columns */

typedef struct column_job {
    msio_view *view;
    msio_dense *dense;
    stretch *stretch;
} column_job;

/* What is known without the shapes is refused before they are asked for. */
static msio_status take_leaf(void *user, int column, const msio_leaf *leaf, const msio_rows *rows) {
    const column_job *job = user;
    (void)column, (void)rows;
    if (!leaf->native) return refuse(job->stretch, leaf->why_not);
    const char *why = why_not_codec(job->dense->column[0].codec);
    return why ? refuse(job->stretch, why) : MSIO_OK;
}

static msio_status prepare(void *user, msio_access *access) {
    (void)user, (void)access;
    return MSIO_OK;
}

static msio_status flush(void *user, msio_piece_batch *batch) {
    return take_piece(((column_job *)user)->stretch, batch);
}

static msio_status never_written(const stretch *s) {
    return refuse(s, "some of the wanted cells were never written, and lie nowhere");
}

static msio_status shape_of_none(void *user, int column, int *ndim, int64_t shape[MSIO_MAX_NDIM]) {
    (void)column, (void)ndim, (void)shape;
    return never_written(((column_job *)user)->stretch);
}

static bool is_native(void *user, int column, const msio_leaf *leaf) {
    (void)user, (void)column;
    return leaf->native;
}

/* Leaves that are not native, and cells without a shape, were refused before. */
static msio_status foreign(void *user, int column, const msio_leaf *leaf, const msio_want *want) {
    (void)column, (void)leaf, (void)want;
    return refuse(((column_job *)user)->stretch, "it is read through casacore");
}

static msio_status make_none(void *user, int column, const msio_leaf *leaf, const msio_want *want, msio_sink *sink) {
    (void)column, (void)leaf, (void)want, (void)sink;
    return never_written(((column_job *)user)->stretch);
}

static void take_column_shape(const msio_dense *d, msio_view_info *info) {
    const msio_dense_column *c = &d->column[0];
    int n = c->ndim > 0 ? c->ndim : 0;
    info->type = c->type;
    info->ndim = n + 1;
    info->shape[0] = d->rows_selected;
    for (int k = 0; k < n; k++) info->shape[1 + k] = c->axis[n - 1 - k].count;
}

/* Within an access, whose snapshot keeps the file open; again, when the table changed meanwhile. */
static msio_status view_column(void *user, msio_access *access) {
    column_job *job = user;
    let_go(job->view);
    *job->stretch = (stretch){.name = job->dense->column[0].name, .path = access->table->path};
    msio_status status = msio_dense_read(job->dense, access);
    if (status == MSIO_E_UNDEFINED) return never_written(job->stretch);
    if (status) return status;
    take_column_shape(job->dense, &job->view->info);
    return map_stretch(job->view, job->stretch);
}

msio_status msio_view_column(const msio_column *column, const msio_select *select, const msio_view_opts *opts,
                             msio_view **view) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !view) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put the view");
    msio_view *made = NULL;
    msio_status status = msio_check_sizes(select, NULL);
    if (!status) status = new_view(opts, &made);
    if (status) return status;
    stretch s = {.name = column->name};
    msio_dense_column c = {.name = column->name};
    msio_read_opts alone = MSIO_READ_OPTS_INIT;
    alone.threads = 1; /* nothing is read */
    msio_dense dense = {.n = 1, .column = &c, .select = select, .opts = &alone};
    column_job job = {made, &dense, &s};
    msio_dense_use use = {take_leaf, prepare, flush, shape_of_none, make_none, is_native,
                          foreign,   &job,    false, true,          false};
    dense.use = &use;
    status = msio_access_run(column->table, view_column, &job);
    if (!status) {
        *view = made;
        return MSIO_OK;
    }
    let_go(made);
    free(made);
    return status;
}

/* ---------------------------------------------------------------- datasets */

static msio_status find_dataset(const msio_request *r, stretch *s) {
    msio_sink sink;
    const msio_dataset *d = r->dataset;
    if (!d->described.native) return refuse(s, d->described.why_not);
    if (r->bytes == 0) return MSIO_OK;
    msio_status status = msio_sink_start(&sink, 1, take_piece, s);
    if (status) return status;
    sink.whole = true;
    sink.batch_pieces = MSIO_SEEN_PIECES;
    msio_hdf5_target(d, r->type, &sink.target[0]);
    sink.target[0].out_bytes = r->bytes;
    status = msio_hdf5_pieces(d, &r->slab, &sink);
    if (!status) status = msio_sink_finish(&sink);
    msio_sink_free(&sink);
    return status;
}

msio_status msio_view_dataset(const msio_dataset *dataset, const msio_select *select, const msio_view_opts *opts,
                              msio_view **view) {
    PROF_CALL_OF(dataset ? dataset->file->path : NULL, dataset ? dataset->name : NULL, 1);
    if (!dataset || !view) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no dataset, or nowhere to put the view");
    msio_view *made = NULL;
    msio_request r;
    stretch s = {.name = dataset->name, .path = dataset->file->path};
    msio_status status = msio_request_resolve(dataset, select, dataset->info.type, &r);
    if (status) return status;
    status = new_view(opts, &made);
    if (!status) status = find_dataset(&r, &s);
    if (!status) {
        made->info.type = r.type;
        made->info.ndim = r.ndim;
        memcpy(made->info.shape, r.shape, sizeof r.shape);
        status = map_stretch(made, &s);
    }
    if (!status) status = msio_hdf5_unchanged(dataset->file);
    msio_rows_free(&r.rows);
    if (!status) {
        *view = made;
        return MSIO_OK;
    }
    if (made) let_go(made);
    free(made);
    return status;
}

/* ---------------------------------------------------------------- afterwards */

const msio_view_info *msio_view_describe(const msio_view *view) { return &view->info; }

msio_status msio_view_check(const msio_view *view) {
    msio_stamp now;
    if (!view->file) return MSIO_OK;
    (void)msio_mapping_guarded();
    msio_status status = msio_stamp_path(view->file, &now);
    if (msio_mapping_failed(&view->mapping))
        return msio_error_set(MSIO_E_IO, view->file,
                              "the file was cut, or could not be read, while it was viewed: zeros stand in the view "
                              "where it failed");
    if (!status && msio_stamp_equal(&now, &view->stamp)) return MSIO_OK;
    return msio_error_set(MSIO_E_CHANGED, view->file,
                          "the file was %s while it was viewed: values of the view may be old, new, or mixed",
                          status ? "removed" : "written or replaced");
}

msio_status msio_view_close(msio_view *view) {
    PROF_CALL(view ? view->file : NULL);
    if (!view) return MSIO_OK;
    msio_status status = msio_view_check(view);
    let_go(view);
    free(view);
    return status;
}

int64_t msio_views_broken(void) { return msio_mappings_failed(); }
