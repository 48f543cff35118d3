/* pass_inputs.c - the input columns of a pass, read by the threads that work on them. */
#include "io/read/dense.h"
#include "prof/call.h"
#include "visibility/pass_blocks.h"

msio_status msio_pass_inputs_find(const msio_passing *p, msio_pass_inputs *inputs) {
    const int n = p->pass->inputs;
    int64_t rows = p->rows;
    msio_status status = MSIO_OK;
    inputs->pass = p;
    inputs->select = p->pass->select ? *p->pass->select : (msio_select)MSIO_SELECT_ALL;
    for (int i = 0; i < n && !status; i++) status = msio_table_column(p->table, p->pass->input[i], &inputs->column[i]);
    if (!status && n)
        status = msio_dense_measure(p->table, n, inputs->column, &inputs->select, NULL, inputs->shape, &rows);
    if (!status && rows != p->rows)
        status = msio_error_set(MSIO_E_CHANGED, p->path, "the selection has other rows than when the pass began");
    return status;
}

msio_status msio_pass_inputs_read(const msio_pass_inputs *inputs, int64_t from, int64_t rows, void *const *memory,
                                  msio_array *in) {
    PROF_WITHIN;
    const int n = inputs->pass->pass->inputs;
    size_t bytes[MSIO_PASS_COLUMNS];
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = 1;
    opts.way = MSIO_WAY_DIRECT; /* mapped pages would be touched and let go for each block */
    for (int i = 0; i < n; i++) {
        in[i] = inputs->shape[i];
        in[i].shape[0] = rows;
        in[i].data = memory[i];
        in[i].bytes = bytes[i] = inputs->shape[i].bytes * (size_t)rows;
    }
    const msio_select part = msio_select_part(&inputs->select, from, rows);
    return n ? msio_read_many(n, inputs->column, &part, memory, bytes, &opts) : MSIO_OK;
}

void msio_pass_inputs_ask(const msio_pass_inputs *inputs, int64_t from, int64_t rows) {
    const msio_select part = msio_select_part(&inputs->select, from, rows);
    if (inputs->pass->pass->inputs)
        (void)msio_dense_ask_ahead(inputs->pass->table, inputs->pass->pass->inputs, inputs->column, &part);
}
