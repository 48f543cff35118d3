/* report.h - writing a snapshot as text or as JSON. */
#ifndef MSIO_PROF_REPORT_H
#define MSIO_PROF_REPORT_H

#include <stdio.h>

#include "prof/totals.h"

/* Both write to a stream in the C locale of numbers, which the caller has set; errors stay in the stream. */
void msio_report_write_text(FILE *out, const msio_totals *totals);
void msio_report_write_json(FILE *out, const msio_totals *totals);

/* What writes one kind of report; user is its own. */
typedef void msio_report_writer(FILE *out, const msio_totals *totals, const void *user);
/* The whole report of a snapshot in memory, with points in numbers whatever the program's locale; *text is freed with
 * free. MSIO_E_MEMORY. */
msio_status msio_report_make(msio_report_writer *writer, const msio_totals *totals, const void *user, char **text,
                             size_t *size);

/* Bytes of the UTF-8 sequence at text; 0 when it is none (RFC 3629, section 4). */
int msio_report_utf8_length(const char *text);

/* A JSON string, quoted and escaped. What is no UTF-8 comes out as U+FFFD. */
void msio_report_json_string(FILE *out, const char *text);

/* A JSON number; NaN and infinities as the strings "nan", "inf", "-inf". */
void msio_report_json_number(FILE *out, double value);

#endif
