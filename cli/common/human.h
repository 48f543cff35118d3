/* human.h - sizes, rates, times, shapes and counts for people. */
#ifndef MSIO_CLI_HUMAN_H
#define MSIO_CLI_HUMAN_H

#include <stdint.h>

/* A short text, returned by value: printf("%s", cli_size(bytes).text). */
typedef struct cli_words {
    char text[96];
} cli_words;

cli_words cli_size(int64_t bytes);                   /* "512 B", "1.37 GB": decimal units */
cli_words cli_rate(double bytes, double seconds);    /* "16.1 GB/s", "-" where unknown */
cli_words cli_duration(double seconds);              /* "82.1 ms", "5 min 9 s", "-" when negative or NaN */
cli_words cli_count(int64_t count);                  /* "1 787 904" */
cli_words cli_number(double value, int digits);      /* significant digits, no exponent where one can do without */
cli_words cli_shape(int ndim, const int64_t *shape); /* "[48,2]"; "-" for no axes */
cli_words cli_right_ascension(double radians);       /* "05:42:36.138" */
cli_words cli_declination(double radians);           /* "+49.51.07.23" */
/* ISO 8601 of a Modified Julian Date in seconds, to the millisecond, with the suffix given ("Z", ""). "-" where the
 * year has no four digits. */
cli_words cli_iso_time(double mjd_seconds, const char *suffix);

#endif
