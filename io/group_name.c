/* group_name.c - names of subband files: the pattern, the calendar, what a name says. */
#include "io/group_name.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

#define INCOMPLETE "_incomplete"
#define TIME_FIELD "{time}"
#define SUBBAND_FIELD "{subband}"
#define TIME_LENGTH 19 /* of YYYY-MM-DDTHH:MM:SS */
#define SUBBAND_DIGITS 4

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---------------------------------------------------------------- the calendar */

/* Days from 1970-01-01 to a date of the Gregorian calendar, years 0 .. 9999. Years are counted from March on, so that
 * the leap day is the last of its year, and in eras of 400 years, which all have 146097 days. */
static int64_t days_of_date(int year, int month, int day) {
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* The same backwards. */
static void date_of_days(int64_t days, int *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100),
            shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* A second 60 is impossible too: clocks that count seconds since 1970 never show one. */
static bool time_of_fields(const int fields[6], int64_t *time) {
    int year = fields[0], month = fields[1], day = fields[2], hour = fields[3], minute = fields[4], second = fields[5];
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *time = days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

void msio_group_time_text(int64_t time, char text[MSIO_GROUP_TIME_BYTES]) {
    char wide[96];
    int year, month, day;
    int64_t days = time / 86400, seconds = time % 86400;
    if (seconds < 0) days--, seconds += 86400;
    date_of_days(days, &year, &month, &day);
    int at = (int)seconds;
    snprintf(wide, sizeof wide, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, at / 3600, at / 60 % 60, at % 60);
    snprintf(text, MSIO_GROUP_TIME_BYTES, "%.20s", wide);
}

/* ---------------------------------------------------------------- the pattern */

static msio_status refuse(const char *text, const char *why) {
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "the pattern \"%s\" %s; the default is \"%s\"", text, why,
                          MSIO_GROUP_PATTERN);
}

msio_status msio_group_pattern_parse(const char *text, msio_group_pattern *pattern) {
    if (!text) text = MSIO_GROUP_PATTERN;
    const char *time = strstr(text, TIME_FIELD), *subband = strstr(text, SUBBAND_FIELD);
    if (strlen(text) > MSIO_GROUP_PATTERN_MOST) return refuse(text, "is longer than 255 bytes");
    if (!time || !subband) return refuse(text, time ? "has no {subband}" : "has no {time}");
    bool subband_first = subband < time;
    const char *first = subband_first ? subband : time, *second = subband_first ? time : subband;
    size_t first_length = strlen(subband_first ? SUBBAND_FIELD : TIME_FIELD);
    size_t second_length = strlen(subband_first ? TIME_FIELD : SUBBAND_FIELD);
    const char *between = first + first_length, *after = second + second_length;
    if (strchr(text, '/')) return refuse(text, "has a slash: it is for names in a folder, without the folder");
    if (subband_first ? between == second || is_digit(*between) : is_digit(*after))
        return refuse(text, "has digits right after {subband}, so that nobody can tell where its number ends");
    snprintf(pattern->before, sizeof pattern->before, "%.*s", (int)(first - text), text);
    snprintf(pattern->between, sizeof pattern->between, "%.*s", (int)(second - between), between);
    snprintf(pattern->after, sizeof pattern->after, "%s", after);
    const char *parts[] = {pattern->before, pattern->between, pattern->after};
    for (int i = 0; i < 3; i++) {
        if (strpbrk(parts[i], "{}")) return refuse(text, "has braces beside one {time} and one {subband}");
        if (strstr(parts[i], INCOMPLETE)) return refuse(text, "asks for files that are still being written");
    }
    pattern->subband_first = subband_first;
    pattern->ending = strrchr(pattern->after, '.');
    if (!pattern->ending) pattern->ending = pattern->after + strlen(pattern->after);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- names */

/* The name goes through these; each moves it past what it took, or returns false. */
static bool take_text(const char **name, const char *text) {
    size_t length = strlen(text);
    if (strncmp(*name, text, length) != 0) return false;
    *name += length;
    return true;
}

static bool take_time(const char **name, int fields[6]) {
    static const char shape[] = "0000-00-00T00:00:00";
    int at = 0;
    memset(fields, 0, 6 * sizeof fields[0]);
    for (int i = 0; i < TIME_LENGTH; i++) {
        char c = (*name)[i];
        if (shape[i] != '0') {
            if (c != shape[i]) return false;
            at++;
        } else {
            if (!is_digit(c)) return false; /* the name's end too */
            fields[at] = 10 * fields[at] + (c - '0');
        }
    }
    *name += TIME_LENGTH;
    return true;
}

static bool take_subband(const char **name, int *subband) {
    int number = 0, digits = 0;
    for (; digits <= SUBBAND_DIGITS && is_digit(**name); digits++, (*name)++) number = 10 * number + (**name - '0');
    if (digits == 0 || digits > SUBBAND_DIGITS) return false;
    *subband = number;
    return true;
}

static msio_name_kind parse(const msio_group_pattern *pattern, const char *name, int64_t *time, int *subband) {
    int fields[6], number = 0;
    bool fits = take_text(&name, pattern->before) &&
                (pattern->subband_first ? take_subband(&name, &number) : take_time(&name, fields)) &&
                take_text(&name, pattern->between) &&
                (pattern->subband_first ? take_time(&name, fields) : take_subband(&name, &number)) &&
                take_text(&name, pattern->after) && !*name;
    if (!fits) return MSIO_NAME_OTHER;
    if (!time_of_fields(fields, time)) return MSIO_NAME_IMPOSSIBLE;
    *subband = number;
    return MSIO_NAME_SUBBAND;
}

msio_name_kind msio_group_name_parse(const msio_group_pattern *pattern, const char *name, int64_t *time, int *subband) {
    size_t length = strlen(name), ending = strlen(pattern->ending), mark = strlen(INCOMPLETE);
    *time = 0;
    *subband = -1;
    if (length < mark + ending || strcmp(name + length - ending, pattern->ending) != 0 ||
        strncmp(name + length - ending - mark, INCOMPLETE, mark) != 0)
        return parse(pattern, name, time, subband);
    if (strncmp(name, pattern->before, strlen(pattern->before)) != 0) return MSIO_NAME_OTHER;
    char whole[256]; /* the name that it will have; longer ones are no file system's */
    size_t stem = length - ending - mark;
    if (stem + ending < sizeof whole) {
        memcpy(whole, name, stem);
        memcpy(whole + stem, pattern->ending, ending + 1);
        parse(pattern, whole, time, subband);
    }
    return MSIO_NAME_INCOMPLETE;
}
