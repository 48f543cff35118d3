/* human.c - sizes, rates, times, shapes and counts for people. */
#include "cli/common/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Three significant digits; four where a number of the thousands would need them anyway. */
static void three_digits(char *text, size_t size, double value, const char *unit) {
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, size, "%.*f %s", decimals, value, unit);
}

static void scaled(char *text, size_t size, double value, const char *const units[], int count) {
    int unit = 0;
    while (value >= 999.5 && unit + 1 < count) {
        value /= 1000;
        unit++;
    }
    three_digits(text, size, value, units[unit]);
}

cli_words cli_size(int64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    cli_words words;
    if (bytes < 0)
        snprintf(words.text, sizeof words.text, "-");
    else if (bytes < 1000)
        snprintf(words.text, sizeof words.text, "%" PRId64 " B", bytes);
    else
        scaled(words.text, sizeof words.text, (double)bytes, units, 7);
    return words;
}

cli_words cli_rate(double bytes, double seconds) {
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
    cli_words words = {"-"};
    if (seconds > 0 && bytes > 0) scaled(words.text, sizeof words.text, bytes / seconds, units, 5);
    return words;
}

cli_words cli_duration(double seconds) {
    cli_words words = {"-"};
    if (isnan(seconds) || seconds < 0) return words;
    if (seconds == 0) {
        snprintf(words.text, sizeof words.text, "0 s");
    } else if (seconds < 59.95) {
        static const char *const units[] = {"ns", "us", "ms", "s"};
        scaled(words.text, sizeof words.text, seconds * 1e9, units, 4);
    } else if (seconds < 3599.5) {
        int whole = (int)lround(seconds);
        snprintf(words.text, sizeof words.text, whole % 60 ? "%d min %d s" : "%d min", whole / 60, whole % 60);
    } else if (seconds < 3e11) {
        int64_t minutes = llround(seconds / 60);
        snprintf(words.text, sizeof words.text, minutes % 60 ? "%" PRId64 " h %d min" : "%" PRId64 " h", minutes / 60,
                 (int)(minutes % 60));
    } else {
        snprintf(words.text, sizeof words.text, "%.3g s", seconds);
    }
    return words;
}

cli_words cli_count(int64_t count) {
    char digits[24];
    cli_words words;
    uint64_t size = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    int length = snprintf(digits, sizeof digits, "%" PRIu64, size), at = 0;
    if (count < 0) words.text[at++] = '-';
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) words.text[at++] = ' ';
        words.text[at++] = digits[i];
    }
    words.text[at] = '\0';
    return words;
}

cli_words cli_number(double value, int digits) {
    cli_words words;
    double size = fabs(value);
    if (value == 0 || !isfinite(value)) {
        snprintf(words.text, sizeof words.text, "%g", value);
    } else if (size >= 1e-4 && size < 1e9) {
        int before = (int)floor(log10(size)) + 1, decimals = digits > before ? digits - before : 0;
        snprintf(words.text, sizeof words.text, "%.*f", decimals, value);
        char *end = words.text + strlen(words.text);
        while (strchr(words.text, '.') && (end[-1] == '0' || end[-1] == '.')) *--end = '\0';
    } else {
        snprintf(words.text, sizeof words.text, "%.*g", digits, value);
    }
    return words;
}

cli_words cli_shape(int ndim, const int64_t *shape) {
    cli_words words = {"-"};
    size_t at = 0;
    for (int i = 0; i < ndim && at < sizeof words.text; i++) {
        int more = snprintf(words.text + at, sizeof words.text - at, "%s%" PRId64 "%s", i ? "," : "[", shape[i],
                            i + 1 == ndim ? "]" : "");
        at += (size_t)more;
    }
    return words;
}

/* Hours or degrees, minutes and seconds of a size in units of the last decimal. */
static void sexagesimal(cli_words *words, const char *sign, int64_t units, int decimals, char between) {
    int64_t a_second = decimals == 3 ? 1000 : 100, seconds = units / a_second;
    snprintf(words->text, sizeof words->text, "%s%02d%c%02d%c%02d.%0*d", sign, (int)(seconds / 3600), between,
             (int)(seconds / 60 % 60), between, (int)(seconds % 60), decimals, (int)(units % a_second));
}

#define CLI_PI 3.14159265358979323846

cli_words cli_right_ascension(double radians) {
    cli_words words = {"-"};
    if (!isfinite(radians) || fabs(radians) > 1e6) return words;
    int64_t day = 86400000, units = llround(radians / CLI_PI * 43200000) % day;
    sexagesimal(&words, "", units < 0 ? units + day : units, 3, ':');
    return words;
}

cli_words cli_declination(double radians) {
    cli_words words = {"-"};
    if (!isfinite(radians) || fabs(radians) > 7) return words;
    sexagesimal(&words, radians < 0 ? "-" : "+", llround(fabs(radians) / CLI_PI * 64800000), 2, '.');
    return words;
}

/* Year, month and day of a day number counted from 1858-11-17 (proleptic Gregorian; H. Fliegel and T. Van Flandern's
 * arithmetic in the form of H. Hinnant's days-from-civil, with eras of 400 years that begin on 1 March). */
static void civil(int64_t mjd, int64_t *year, int *month, int *day) {
    int64_t days = mjd - 40587 + 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = years + era * 400 + (*month <= 2);
}

cli_words cli_iso_time(double mjd_seconds, const char *suffix) {
    cli_words words = {"-"};
    if (!isfinite(mjd_seconds) || fabs(mjd_seconds) > 3e11) return words;
    int64_t milliseconds = llround(mjd_seconds * 1e3), day_length = 86400000;
    int64_t mjd = milliseconds / day_length, rest = milliseconds % day_length;
    if (rest < 0) {
        rest += day_length;
        mjd--;
    }
    int64_t year;
    int month, day, at = (int)rest;
    civil(mjd, &year, &month, &day);
    if (year < 0 || year > 9999) return words;
    snprintf(words.text, sizeof words.text, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%s", (int)year, month, day, at / 3600000,
             at / 60000 % 60, at / 1000 % 60, at % 1000, suffix);
    return words;
}
