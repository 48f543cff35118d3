/* group_name.c - names of subband files: the pattern, the calendar, what a name says. */
#include "io/group/group_name.h"

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

/* Adds one part; texts in a row are one. Returns false where there are too many. */
static bool add_part(msio_group_pattern *pattern, msio_pattern_kind kind, size_t at, size_t length) {
    int last = pattern->parts - 1;
    if (kind == MSIO_PATTERN_TEXT && last >= 0 && pattern->part[last].kind == kind) {
        pattern->part[last].length = (short)(pattern->part[last].length + (short)length);
        return true;
    }
    if (pattern->parts == MSIO_GROUP_PATTERN_PARTS) return false;
    pattern->part[pattern->parts].kind = kind;
    pattern->part[pattern->parts].at = (short)at;
    pattern->part[pattern->parts++].length = (short)length;
    return true;
}

/* Takes the text apart; returns what is wrong with it, or NULL. */
static const char *take_apart(msio_group_pattern *pattern) {
    static const struct {
        const char *name;
        msio_pattern_kind kind;
    } fields[] = {{TIME_FIELD, MSIO_PATTERN_TIME}, {SUBBAND_FIELD, MSIO_PATTERN_SUBBAND}, {"*", MSIO_PATTERN_ANY}};
    int seen[MSIO_PATTERN_ANY + 1] = {0};
    for (size_t at = 0, length; pattern->text[at]; at += length) {
        msio_pattern_kind kind = MSIO_PATTERN_TEXT;
        length = 1;
        for (int i = 0; i < 3; i++) {
            if (strncmp(pattern->text + at, fields[i].name, strlen(fields[i].name)) != 0) continue;
            kind = fields[i].kind;
            length = strlen(fields[i].name);
        }
        if (kind == MSIO_PATTERN_TEXT && strchr("{}", pattern->text[at]))
            return "has braces beside one {time} and one {subband}";
        if (!add_part(pattern, kind, at, length)) return "has too many stars";
        seen[kind]++;
    }
    pattern->has_time = seen[MSIO_PATTERN_TIME];
    pattern->has_subband = seen[MSIO_PATTERN_SUBBAND];
    if (seen[MSIO_PATTERN_TIME] > 1 || seen[MSIO_PATTERN_SUBBAND] > 1)
        return "has braces beside one {time} and one {subband}";
    if (!pattern->has_subband && !seen[MSIO_PATTERN_ANY])
        return "has neither {subband} nor a star, so that all subbands would have one name";
    return NULL;
}

msio_status msio_group_pattern_parse(const char *text, msio_group_pattern *pattern) {
    if (!text) text = MSIO_GROUP_PATTERN;
    memset(pattern, 0, sizeof *pattern);
    if (strlen(text) > MSIO_GROUP_PATTERN_MOST) return refuse(text, "is longer than 255 bytes");
    if (strchr(text, '/')) return refuse(text, "has a slash: it is for names in a folder, without the folder");
    if (strstr(text, INCOMPLETE)) return refuse(text, "asks for files that are still being written");
    snprintf(pattern->text, sizeof pattern->text, "%s", text);
    const char *wrong = take_apart(pattern);
    if (wrong) return refuse(text, wrong);
    for (int i = 0; i + 1 < pattern->parts; i++) {
        if (pattern->part[i].kind != MSIO_PATTERN_SUBBAND) continue;
        if (pattern->part[i + 1].kind != MSIO_PATTERN_TEXT || is_digit(text[pattern->part[i + 1].at]))
            return refuse(text, "has digits, a time or a star right after {subband}, so that nobody can tell where "
                                "its number ends");
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- names */

/* The name goes through these; each moves it past what it took, or returns false. */
static bool take_text(const char **name, const char *text, size_t length) {
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

/* What is found in a name on the way through it. */
typedef struct told {
    int fields[6], subband;
} told;

/* The parts from `from` up to the next star, at this place of the name. Returns where they end in the name, or NULL. */
static const char *take_parts(const msio_group_pattern *pattern, int from, const char *name, told *found) {
    bool fits = true;
    for (int i = from; fits && i < pattern->parts && pattern->part[i].kind != MSIO_PATTERN_ANY; i++) {
        if (pattern->part[i].kind == MSIO_PATTERN_TIME)
            fits = take_time(&name, found->fields);
        else if (pattern->part[i].kind == MSIO_PATTERN_SUBBAND)
            fits = take_subband(&name, &found->subband);
        else
            fits = take_text(&name, pattern->text + pattern->part[i].at, (size_t)pattern->part[i].length);
    }
    return fits ? name : NULL;
}

/* Each star takes as little as lets what follows it fit; the parts after the last one end where the name does. */
static bool fits(const msio_group_pattern *pattern, const char *name, told *found) {
    int at = 0;
    bool moves = false; /* behind a star */
    for (;;) {
        int next = at;
        while (next < pattern->parts && pattern->part[next].kind != MSIO_PATTERN_ANY) next++;
        bool last = next == pattern->parts;
        const char *end = take_parts(pattern, at, name, found);
        while (moves && *name && (!end || (last && *end))) end = take_parts(pattern, at, ++name, found);
        if (!end || (last && *end)) return false;
        if (last) return true;
        name = end;
        at = next + 1;
        moves = true;
    }
}

static msio_name_kind parse(const msio_group_pattern *pattern, const char *name, int64_t *time, int *subband) {
    told found = {{0}, -1};
    if (!fits(pattern, name, &found)) return MSIO_NAME_OTHER;
    if (pattern->has_time && !time_of_fields(found.fields, time)) return MSIO_NAME_IMPOSSIBLE;
    *subband = found.subband;
    return MSIO_NAME_SUBBAND;
}

/* What stands behind the mark of files that are still written: from the pattern's last dot on, or the name's where the
 * pattern leaves that to a star. */
static const char *ending_of(const msio_group_pattern *pattern, const char *name) {
    const char *last = strrchr(pattern->text, '.'), *own = strrchr(name, '.');
    if (pattern->part[pattern->parts - 1].kind == MSIO_PATTERN_ANY) return own ? own : "";
    return last && !strpbrk(last, "{}*") ? last : "";
}

msio_name_kind msio_group_name_parse(const msio_group_pattern *pattern, const char *name, int64_t *time, int *subband) {
    const char *end = ending_of(pattern, name);
    size_t length = strlen(name), ending = strlen(end), mark = strlen(INCOMPLETE);
    *time = 0;
    *subband = -1;
    if (length < mark + ending || strcmp(name + length - ending, end) != 0 ||
        strncmp(name + length - ending - mark, INCOMPLETE, mark) != 0)
        return parse(pattern, name, time, subband);
    if (pattern->part[0].kind == MSIO_PATTERN_TEXT &&
        strncmp(name, pattern->text, (size_t)pattern->part[0].length) != 0)
        return MSIO_NAME_OTHER;
    char whole[256]; /* the name that it will have; longer ones are no file system's */
    size_t stem = length - ending - mark;
    if (stem + ending < sizeof whole) {
        memcpy(whole, name, stem);
        memcpy(whole + stem, end, ending + 1);
        parse(pattern, whole, time, subband);
    }
    return MSIO_NAME_INCOMPLETE;
}
