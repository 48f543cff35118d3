/* plan_record.h - a plan that is kept to be printed: what a read would do, without its data. */
#ifndef MSIO_IO_PLAN_RECORD_H
#define MSIO_IO_PLAN_RECORD_H

#include "io/engine/engine.h"
#include "io/table/table.h"

/* A plan without anything; NULL without memory. */
msio_plan *msio_plan_record_new(void);
/* Begins (again) the plan of so many rows: engine schedules the batches without reading. */
void msio_plan_record_start(msio_plan *plan, msio_engine *engine, int64_t rows);
/* A sink's flush: user is the msio_plan. */
msio_status msio_plan_record_batch(void *user, msio_piece_batch *batch);
/* Bytes that go through casacore. */
msio_status msio_plan_record_foreign(msio_plan *plan, int64_t bytes);
void msio_plan_record_end(msio_plan *plan, const msio_engine *engine, int64_t bytes);

#endif
