/* plan_make.c - plans for printing, made: a dense read that stops before its data. */
#include "core/error.h"
#include "io/read/dense.h"
#include "io/read/plan_record.h"
#include "prof/call.h"

msio_status msio_plan_make(const msio_column *column, const msio_select *select, msio_plan **plan) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !plan) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put the plan");
    msio_status status = msio_check_sizes(select, NULL);
    if (status) return status;
    msio_plan *p = msio_plan_record_new();
    if (!p) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan");
    msio_dense_column c = {.name = column->name};
    msio_dense dense = {.n = 1, .column = &c, .select = select, .plan = p};
    status = msio_access_run(column->table, msio_dense_read, &dense);
    if (status)
        msio_plan_free(p);
    else
        *plan = p;
    return status;
}
