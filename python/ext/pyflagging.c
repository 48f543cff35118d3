/* pyflagging.c - flags that follow from limits and from flags. */
#include "extension.h"

static PyObject *table_class;

static PyObject *describe(const msio_flags_extended *d) {
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L}", "rows", (long long)d->rows, "total",
                         (long long)d->total, "before", (long long)d->before, "after", (long long)d->after, "amp",
                         (long long)d->by_amplitude, "chi2", (long long)d->by_chi2, "uvdist", (long long)d->by_uvdist,
                         "correlation", (long long)d->by_correlation, "channel", (long long)d->by_channel, "time",
                         (long long)d->by_time, "baseline", (long long)d->by_baseline, "flag_rows",
                         (long long)d->flag_rows);
}

/* extend_flags(table, (amp below, amp above), chi2, (uvdist below, uvdist above), (correlation, channel, time,
 * baseline), column, (data, model), wavelengths, rows, flag_row, dry_run, memory, threads, progress) -> counts by name
 */
static PyObject *extend_flags(PyObject *module, PyObject *arguments) {
    msio_flags_extend_opts opts = MSIO_FLAGS_EXTEND_OPTS_INIT;
    msio_flags_extended done = MSIO_FLAGS_EXTENDED_INIT;
    PyObject *object, *rows, *told, *answer = NULL;
    Py_ssize_t memory;
    int flag_row;
    py_patience patience;
    py_selection selection = {.select = MSIO_SELECT_ALL};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!(dd)d(dd)(dddd)s(ss)pOppniO", (PyTypeObject *)table_class, &object,
                          &opts.amplitude_below, &opts.amplitude_above, &opts.chi2_above, &opts.uvdist_below,
                          &opts.uvdist_above, &opts.correlation, &opts.channel, &opts.time, &opts.baseline,
                          &opts.column, &opts.data, &opts.model, &opts.wavelengths, &rows, &flag_row, &opts.dry_run,
                          &memory, &opts.threads, &told))
        return NULL;
    msio_table *table = py_table_enter((py_table *)object);
    if (!table) return NULL;
    if (py_select_rows(&selection, rows, msio_table_rows(table)) == 0) {
        msio_status status;
        opts.select = &selection.select;
        opts.ignore_flag_row = !flag_row;
        opts.memory = (size_t)memory;
        py_watch_waits();
        PY_BE_PATIENT(opts, patience, told);
        Py_BEGIN_ALLOW_THREADS status = msio_flags_extend(table, &opts, &done);
        Py_END_ALLOW_THREADS answer = status ? py_fail() : describe(&done);
    }
    py_selection_free(&selection);
    py_table_leave((py_table *)object);
    return answer;
}

static PyMethodDef functions[] = {{"extend_flags", extend_flags, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

int py_flagging_init(PyObject *module) {
    table_class = PyObject_GetAttrString(module, "Table");
    return table_class ? PyModule_AddFunctions(module, functions) : -1;
}
