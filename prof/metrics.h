/* metrics.h - MSIO_PROF=metrics[+every=S][+service=NAME]:FILE: spans, bytes and latencies as an OpenMetrics text file,
 * for the textfile collector of Prometheus's node_exporter.
 *
 * The file's counts are those of all processes that ever wrote it: each adds what it counted since it last did. The
 * sums stand beside it in .NAME.state, which is locked (flock) meanwhile; a state that is damaged, or of another
 * version of the library's paths, begins anew, which Prometheus takes for a restart.
 *
 * No thread and no timer: it is written as a call that is in no other ends, once the last time is long enough ago, and
 * at exit. So counts of an idle process may be as old as its last call.
 */
#ifndef MSIO_PROF_METRICS_H
#define MSIO_PROF_METRICS_H

#include "msio/core.h"

#define MSIO_METRICS_SERVICE_BYTES 128

typedef struct msio_metrics {
    double every; /* seconds, 1 to 86400 */
    char service[MSIO_METRICS_SERVICE_BYTES];
} msio_metrics;

/* Reads what stands between "metrics" and the file's name: NULL where it is none of the form, else the file. */
const char *msio_metrics_parse(const char *text, msio_metrics *how);

/* Writes the file from time to time from now on; NULL: no more. file is copied. 0 without memory. */
int msio_metrics_begin(const char *file, const msio_metrics *how);

/* Writes it once more, and no more. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_metrics_end(void);

/* For a child of fork: it adds its own counts only. */
void msio_metrics_in_child(void);

#endif
