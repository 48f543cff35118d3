/* history_layout.c - the rows' structs as tables of fields: what reading, recording and exporting go by. */
#include "prof/history/history.h"

#define FIELD_KIND(value)                                                                                              \
    _Generic((value), int64_t : HISTORY_INTEGER, double : HISTORY_DOUBLE, const char * : HISTORY_STRING)
#define FIELD(type, name)                                                                                              \
    { #name, FIELD_KIND(((type *)0)->name), offsetof(type, name) }

#define F(name) FIELD(history_run, name)
static const history_field run_fields[] = {
    F(id),         F(kind),    F(series),      F(time),      F(machine),    F(host),    F(system),
    F(processors), F(commit),  F(version),     F(versions),  F(load),       F(others),  F(program),
    F(folder),     F(seconds), F(cpu_seconds), F(exit_code), F(peak_bytes), F(verdict), F(note)};
#undef F
#define F(name) FIELD(history_target, name)
static const history_field target_fields[] = {F(run),      F(name),  F(subject), F(target), F(measured), F(uncached),
                                              F(roofline), F(bytes), F(verdict), F(reason), F(tries),    F(met)};
#undef F
#define F(name) FIELD(history_count, name)
static const history_field count_fields[] = {F(run), F(name), F(value), F(exact)};
#undef F
#define F(name) FIELD(history_time, name)
static const history_field time_fields[] = {F(run), F(name), F(repetition), F(seconds)};
#undef F
#define F(name) FIELD(history_ratio, name)
static const history_field ratio_fields[] = {F(run), F(name), F(ratio), F(low), F(high), F(pairs), F(verdict)};
#undef F
#define F(name) FIELD(history_moment, name)
static const history_field moment_fields[] = {F(run), F(seconds), F(resident), F(cpu)};
#undef F
#define F(name) FIELD(history_stack, name)
static const history_field stack_fields[] = {F(run), F(frames), F(samples)};
#undef F
#define F(name) FIELD(history_column, name)
static const history_field column_fields[] = {
    F(run),    F(rank),       F(table_path),    F(name),         F(calls),          F(cells),     F(reads),
    F(writes), F(bytes_read), F(bytes_written), F(bytes_wanted), F(distinct_bytes), F(tile_most), F(seconds)};
#undef F
#define F(name) FIELD(history_loop, name)
static const history_field loop_fields[] = {F(run),   F(rank), F(method), F(table_path), F(name),
                                            F(cells), F(file), F(line),   F(function),   F(would_take)};
#undef F
#define F(name) FIELD(history_finding, name)
static const history_field finding_fields[] = {F(run),        F(rank), F(kind), F(what), F(instead),
                                               F(table_path), F(name), F(file), F(line), F(about_seconds)};
#undef F
#define F(name) FIELD(history_accepted, name)
static const history_field accepted_fields[] = {F(run), F(time), F(series), F(name), F(value), F(before), F(reason)};
#undef F

#define LAYOUT(name, fields)                                                                                           \
    { name, fields, sizeof(fields) / sizeof *(fields) }
static const history_layout layouts[HISTORY_TABLES] = {
    [HISTORY_RUNS] = LAYOUT("runs", run_fields),
    [HISTORY_TARGETS] = LAYOUT("targets", target_fields),
    [HISTORY_COUNTS] = LAYOUT("counts", count_fields),
    [HISTORY_TIMES] = LAYOUT("times", time_fields),
    [HISTORY_RATIOS] = LAYOUT("ratios", ratio_fields),
    [HISTORY_MOMENTS_OF] = LAYOUT("moments", moment_fields),
    [HISTORY_STACKS_OF] = LAYOUT("stacks", stack_fields),
    [HISTORY_COLUMNS_OF] = LAYOUT("columns", column_fields),
    [HISTORY_LOOPS_OF] = LAYOUT("loops", loop_fields),
    [HISTORY_FINDINGS_OF] = LAYOUT("findings", finding_fields),
    [HISTORY_ACCEPTED] = LAYOUT("accepted", accepted_fields),
};

const history_layout *history_layout_of(history_table table) { return &layouts[table]; }
