/* test_group_find.c - groups of subband files: names, the calendar, what lies together, and what comes while watched.
 *
 * The oracle of the calendar is the C library's timegm and gmtime_r. */
#include "io/group/group_name.h"

#include "tests/fuzz/table_pack.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE 20.0 /* s: far beyond what is needed */

static char top[64], one[80], two[80];

static int make_folders(void **state) {
    (void)state;
    snprintf(top, sizeof top, "/tmp/msio_groups_XXXXXX");
    if (!mkdtemp(top)) return -1;
    snprintf(one, sizeof one, "%s/one", top);
    snprintf(two, sizeof two, "%s/two", top);
    return mkdir(one, 0777) || mkdir(two, 0777);
}

static int remove_folders(void **state) {
    (void)state;
    pack_remove(top);
    return 0;
}

/* ---------------------------------------------------------------- files */

static const char *path_of(const char *folder, const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void touch(const char *folder, const char *name) {
    int fd = open(path_of(folder, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    close(fd);
}

/* 2025-10-05T13:27:52 and so many seconds. */
#define BASE 1759670872

static const char *name_of(int64_t seconds, int subband) {
    static char name[64];
    time_t time = (time_t)(BASE + seconds);
    struct tm parts;
    gmtime_r(&time, &parts);
    size_t length = strftime(name, sizeof name, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(name + length, sizeof name - length, "_sb%02d.hdf5", subband);
    return name;
}

static void put(const char *folder, int64_t seconds, int subband) { touch(folder, name_of(seconds, subband)); }

/* All subbands but one (-1: all), each with its own clock: up to 7 s later than the first. */
static void put_group(const char *folder, int64_t seconds, int but) {
    for (int subband = 0; subband < 16; subband++)
        if (subband != but) put(folder, seconds + subband * 3 % 8, subband);
}

static void move_in(const char *folder, int64_t seconds, int subband) {
    char from[512];
    touch(top, "moving");
    snprintf(from, sizeof from, "%s", path_of(top, "moving"));
    assert_int_equal(rename(from, path_of(folder, name_of(seconds, subband))), 0);
}

/* ---------------------------------------------------------------- finding */

static msio_groups *find_with(int n, const char *const *dirs, const msio_group_opts *opts) {
    msio_groups *groups = NULL;
    msio_status status = msio_group_find(n, dirs, opts, &groups);
    if (status) print_message("%s (%s)\n", msio_last_error()->message, msio_last_error()->path);
    assert_int_equal(status, MSIO_OK);
    return groups;
}

static msio_groups *find(const char *folder) { return find_with(1, &folder, NULL); }

static msio_groups *find_named(const char *pattern) {
    const char *folder = one;
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    opts.pattern = pattern;
    return find_with(1, &folder, &opts);
}

static void check_path(const msio_group_file *file, const char *folder, int64_t seconds, int subband) {
    assert_string_equal(file->path, path_of(folder, name_of(seconds, subband)));
    assert_int_equal(file->subband, subband);
    assert_true(file->seconds == (double)(BASE + seconds));
}

/* ---------------------------------------------------------------- names */

static msio_group_pattern pattern;

static msio_name_kind parse(const char *name, int64_t *time, int *subband) {
    assert_int_equal(msio_group_pattern_parse(NULL, &pattern), MSIO_OK);
    return msio_group_name_parse(&pattern, name, time, subband);
}

static void the_calendar_agrees_with_the_c_library(void **state) {
    (void)state;
    char name[128], text[MSIO_GROUP_TIME_BYTES];
    const time_t year_0 = -62167219200, year_10000 = 253402300800;
    int subband;
    for (time_t at = year_0; at < year_10000; at += 86400 * 3 + 11111) {
        struct tm parts;
        int64_t found = -1;
        gmtime_r(&at, &parts);
        snprintf(name, sizeof name, "%04d-%02d-%02dT%02d:%02d:%02d_sb07.hdf5", parts.tm_year + 1900, parts.tm_mon + 1,
                 parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        assert_int_equal(parse(name, &found, &subband), MSIO_NAME_SUBBAND);
        assert_int_equal(found, at);
        msio_group_time_text(found, text);
        assert_memory_equal(text, name, 19);
        assert_string_equal(text + 19, "Z");
    }
}

static void every_day_is_a_day_or_impossible(void **state) {
    (void)state;
    static const int years[] = {0,    1,    4,    100,  400,  1582, 1600, 1700, 1900,
                                1970, 1999, 2000, 2023, 2024, 2100, 2400, 9999};
    char name[128];
    for (size_t y = 0; y < sizeof years / sizeof *years; y++)
        for (int month = 0; month <= 13; month++)
            for (int day = 0; day <= 32; day++) {
                struct tm asked = {.tm_year = years[y] - 1900, .tm_mon = month - 1, .tm_mday = day}, meant = asked;
                time_t time = timegm(&meant); /* brings what is impossible to a date that is there */
                bool there = meant.tm_mon == asked.tm_mon && meant.tm_mday == day && meant.tm_year == asked.tm_year;
                int64_t found;
                int subband;
                snprintf(name, sizeof name, "%04d-%02d-%02dT00:00:00_sb00.hdf5", years[y], month, day);
                assert_int_equal(parse(name, &found, &subband), there ? MSIO_NAME_SUBBAND : MSIO_NAME_IMPOSSIBLE);
                if (there) assert_int_equal(found, time);
            }
}

static void impossible_times_are_told_from_other_names(void **state) {
    (void)state;
    static const char *const impossible[] = {
        "2025-10-05T24:00:00_sb00.hdf5", "2025-10-05T23:60:00_sb00.hdf5", "2025-10-05T23:59:60_sb00.hdf5",
        "2016-12-31T23:59:60_sb00.hdf5", "2025-02-29T00:00:00_sb00.hdf5", "2025-00-00T00:00:00_sb00.hdf5",
    };
    static const char *const others[] = {
        "",
        ".hdf5",
        "_sb00.hdf5",
        "2025-10-05T13:27:52",
        "2025-10-05T13:27:52_sb.hdf5",
        "2025-10-05T13:27:52_sbx.hdf5",
        "2025-10-05T13:27:52_sb00.hdf",
        "2025-10-05T13:27:52_sb00.hdf5~",
        "2025-10-05T13:27:52_sb00.HDF5",
        "2025-10-05 13:27:52_sb00.hdf5",
        "2025-10-05T13:27:5_sb00.hdf5",
        "2025-10-05T13:27:520_sb00.hdf5",
        "2025-1O-05T13:27:52_sb00.hdf5",
        "-025-10-05T13:27:52_sb00.hdf5",
        ".2025-10-05T13:27:52_sb00.hdf5.x7Gh2",
        "2025-10-05T13:27:52_sb-1.hdf5",
        "2025-10-05T13:27:52_sb+1.hdf5",
        "2025-10-05T13:27:52_sb00000.hdf5",
        "x2025-10-05T13:27:52_sb00.hdf5",
        "2025-10-05T13:27:52_sb99999999999999999999.hdf5",
    };
    int64_t time;
    int subband;
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++)
        assert_int_equal(parse(impossible[i], &time, &subband), MSIO_NAME_IMPOSSIBLE);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(parse(others[i], &time, &subband), MSIO_NAME_OTHER);
}

static void a_subband_has_one_to_four_digits(void **state) {
    (void)state;
    int64_t time;
    int subband = 0;
    assert_int_equal(parse("2025-10-05T13:27:52_sb7.hdf5", &time, &subband), MSIO_NAME_SUBBAND);
    assert_int_equal(subband, 7);
    assert_int_equal(parse("2025-10-05T13:27:52_sb0007.hdf5", &time, &subband), MSIO_NAME_SUBBAND);
    assert_int_equal(subband, 7);
    assert_int_equal(parse("2025-10-05T13:27:52_sb9999.hdf5", &time, &subband), MSIO_NAME_SUBBAND);
    assert_int_equal(subband, 9999);
    assert_int_equal(time, BASE);
}

static void the_time_zone_does_not_matter(void **state) {
    (void)state;
    int64_t time = 0;
    int subband;
    setenv("TZ", "America/Los_Angeles", 1);
    tzset();
    assert_int_equal(parse("2025-10-05T13:27:52_sb00.hdf5", &time, &subband), MSIO_NAME_SUBBAND);
    unsetenv("TZ");
    tzset();
    assert_int_equal(time, BASE);
}

static void incomplete_names_are_known(void **state) {
    (void)state;
    int64_t time = -1;
    int subband = -2;
    assert_int_equal(parse("2025-10-05T13:27:52_sb07_incomplete.hdf5", &time, &subband), MSIO_NAME_INCOMPLETE);
    assert_int_equal(time, BASE);
    assert_int_equal(subband, 7);
    assert_int_equal(parse("whatever_incomplete.hdf5", &time, &subband), MSIO_NAME_INCOMPLETE);
    assert_int_equal(subband, -1);
    assert_int_equal(time, 0);
    assert_int_equal(parse("2025-13-05T13:27:52_sb07_incomplete.hdf5", &time, &subband), MSIO_NAME_INCOMPLETE);
    assert_int_equal(subband, -1);
    assert_int_equal(parse("2025-10-05T13:27:52_sb07_incomplete.txt", &time, &subband), MSIO_NAME_OTHER);
    assert_int_equal(parse("2025-10-05T13:27:52_sb07.hdf5_incomplete", &time, &subband), MSIO_NAME_OTHER);
}

static void patterns_with_other_texts_and_orders(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name, *incomplete;
    } cases[] = {
        {"{time}_sb{subband}.uvh5", "2025-10-05T13:27:52_sb05.uvh5", "2025-10-05T13:27:52_sb05_incomplete.uvh5"},
        {"{time}_sb{subband}.h5", "2025-10-05T13:27:52_sb5.h5", "2025-10-05T13:27:52_sb5_incomplete.h5"},
        {"n-{subband}-{time}.h5", "n-005-2025-10-05T13:27:52.h5", "n-005-2025-10-05T13:27:52_incomplete.h5"},
        {"{time}{subband}", "2025-10-05T13:27:525", "2025-10-05T13:27:525_incomplete"},
        {"{subband}.{time}", "5.2025-10-05T13:27:52", "5.2025-10-05T13:27:52_incomplete"},
        {"a b%s{time}*{subband}?[x].b", "a b%s2025-10-05T13:27:52*5?[x].b",
         "a b%s2025-10-05T13:27:52*5?[x]_incomplete.b"},
        {"{time}_{subband}.1.h5", "2025-10-05T13:27:52_05.1.h5", "2025-10-05T13:27:52_05.1_incomplete.h5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t time = 0;
        int subband = 0;
        assert_int_equal(msio_group_pattern_parse(cases[i].pattern, &pattern), MSIO_OK);
        assert_int_equal(msio_group_name_parse(&pattern, cases[i].name, &time, &subband), MSIO_NAME_SUBBAND);
        assert_int_equal(time, BASE);
        assert_int_equal(subband, 5);
        assert_int_equal(msio_group_name_parse(&pattern, cases[i].incomplete, &time, &subband), MSIO_NAME_INCOMPLETE);
        assert_int_equal(time, BASE);
        assert_int_equal(subband, 5);
        assert_int_equal(msio_group_name_parse(&pattern, "2025-10-05T13:27:52_sb05.hdf5", &time, &subband),
                         MSIO_NAME_OTHER);
    }
}

static void stars_stand_for_any_text(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        msio_name_kind kind;
        int64_t time;
        int subband;
    } cases[] = {
        {"*", "anything", MSIO_NAME_SUBBAND, 0, -1},
        {"*.uvh5", ".uvh5", MSIO_NAME_SUBBAND, 0, -1},
        {"*.uvh5", "a.uvh5.uvh5", MSIO_NAME_SUBBAND, 0, -1},
        {"*.uvh5", "a.uvh5.", MSIO_NAME_OTHER, 0, -1},
        {"{time}_*.uvh5", "2025-10-05T13:27:52_.uvh5", MSIO_NAME_SUBBAND, BASE, -1},
        {"{time}_*.uvh5", "2025-10-05T13:27:52.uvh5", MSIO_NAME_OTHER, 0, -1},
        {"*{time}*", "a2025-2025-10-05T13:27:52", MSIO_NAME_SUBBAND, BASE, -1},
        {"*{time}*", "2025-13-05T13:27:52", MSIO_NAME_IMPOSSIBLE, 0, -1},
        {"*_{subband}_*.h5", "1_a_2_3_.h5", MSIO_NAME_SUBBAND, 0, 2},
        {"*_{subband}.h5", "1_2_34.h5", MSIO_NAME_SUBBAND, 0, 34},
        {"*_{subband}.h5", "1_2_345678.h5", MSIO_NAME_OTHER, 0, -1},
        {"*a*a*a*a*ab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", MSIO_NAME_OTHER, 0,
         -1},
        {"*", "a_incomplete.hdf5", MSIO_NAME_INCOMPLETE, 0, -1},
        {"*.hdf5", "a_incomplete.hdf5", MSIO_NAME_INCOMPLETE, 0, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t time = 0;
        int subband = 0;
        assert_int_equal(msio_group_pattern_parse(cases[i].pattern, &pattern), MSIO_OK);
        msio_name_kind kind = msio_group_name_parse(&pattern, cases[i].name, &time, &subband);
        if (kind != cases[i].kind) print_error("%s, %s\n", cases[i].pattern, cases[i].name);
        assert_int_equal(kind, cases[i].kind);
        if (kind != MSIO_NAME_SUBBAND) continue;
        assert_int_equal(time, cases[i].time);
        assert_int_equal(subband, cases[i].subband);
    }
}

static void patterns_that_cannot_be_are_refused(void **state) {
    (void)state;
    char wide[400] = "{time}{subband}";
    static const char *const bad[] = {
        "",
        "{time}",
        "{time}.hdf5",
        "{time}_{subband}*",
        "*a*b*c*d*e*f*g*h*i",
        "{subband}{time}",
        "{time}_{subband}7.hdf5",
        "{subband}0_{time}",
        "{time}{time}{subband}",
        "{time}_{subband}_{time}",
        "{time}_{subband}_{subband}",
        "{time}_{subband}.{ending}",
        "{time}_{subband}}",
        "{{time}_{subband}",
        "in/{time}_{subband}.h5",
        "{time}_sb{subband}_incomplete.hdf5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(msio_group_pattern_parse(bad[i], &pattern), MSIO_E_ARGUMENT);
        assert_non_null(strstr(msio_last_error()->message, "pattern"));
    }
    memset(wide + strlen(wide), 'x', sizeof wide - strlen(wide) - 1);
    assert_int_equal(msio_group_pattern_parse(wide, &pattern), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- groups */

static void a_complete_group(void **state) {
    (void)state;
    put_group(one, 0, -1);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    const msio_group *group = groups->group;
    assert_string_equal(group->time, "2025-10-05T13:27:52Z");
    assert_true(group->seconds == (double)BASE);
    assert_int_equal(group->complete, 1);
    assert_int_equal(group->subbands, 16);
    assert_int_equal(group->files, 16);
    for (int i = 0; i < 16; i++) {
        check_path(&group->file[i], one, i * 3 % 8, i);
        assert_int_equal(group->file[i].used, 1);
    }
    assert_string_equal(group->file[1].time, "2025-10-05T13:27:55Z");
    assert_int_equal(group->missing + group->duplicates + group->lates, 0);
    assert_int_equal(groups->incompletes + groups->unexpected + groups->ignored, 0);
    msio_groups_free(groups);
}

static void missing_subbands_are_listed(void **state) {
    (void)state;
    for (int subband = 0; subband < 16; subband++)
        if (subband != 0 && subband != 7 && subband != 15) put(one, subband, subband);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 0);
    assert_int_equal(groups->group->files, 13);
    assert_int_equal(groups->group->missing, 3);
    static const int32_t missing[] = {0, 7, 15};
    assert_memory_equal(groups->group->missing_subband, missing, sizeof missing);
    msio_groups_free(groups);
}

static void of_duplicates_the_one_nearest_to_the_median_is_used(void **state) {
    (void)state;
    put_group(one, 20, 5);
    put(one, 0, 5);
    put(one, 26, 5);
    put(one, 50, 5);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    const msio_group *group = groups->group;
    assert_int_equal(group->complete, 1);
    assert_int_equal(group->files, 16);
    check_path(&group->file[5], one, 26, 5);
    assert_int_equal(group->duplicates, 3);
    check_path(&group->duplicate[0], one, 0, 5);
    check_path(&group->duplicate[1], one, 26, 5);
    check_path(&group->duplicate[2], one, 50, 5);
    for (int i = 0; i < 3; i++) assert_int_equal(group->duplicate[i].used, i == 1);
    assert_true(group->seconds == (double)BASE); /* of the first file, used or not */
    msio_groups_free(groups);
}

/* Times 0, 4, 6, 10: the median is 5, between two files. */
static void of_two_equally_near_the_earlier_is_used(void **state) {
    (void)state;
    put(one, 4, 0);
    put(one, 6, 0);
    put(one, 0, 1);
    put(one, 10, 2);
    msio_groups *groups = find(one);
    assert_int_equal(groups->group->duplicates, 2);
    check_path(&groups->group->file[0], one, 4, 0);
    msio_groups_free(groups);
}

static void of_two_at_one_time_the_first_by_path_is_used(void **state) {
    (void)state;
    const char *const there[] = {two, one}, *const back[] = {one, two};
    put(two, 3, 4);
    put(one, 3, 4);
    for (int way = 0; way < 2; way++) {
        msio_groups *groups = find_with(2, way ? back : there, NULL);
        assert_int_equal(groups->groups, 1);
        assert_int_equal(groups->group->duplicates, 2);
        check_path(&groups->group->file[0], one, 3, 4);
        check_path(&groups->group->duplicate[1], two, 3, 4);
        msio_groups_free(groups);
    }
}

static void a_number_with_and_without_zeros_is_one_subband(void **state) {
    (void)state;
    touch(one, "2025-10-05T13:27:52_sb07.hdf5");
    touch(one, "2025-10-05T13:27:52_sb7.hdf5");
    msio_groups *groups = find(one);
    assert_int_equal(groups->group->files, 1);
    assert_int_equal(groups->group->duplicates, 2);
    msio_groups_free(groups);
}

static void both_ends_belong_to_the_window(void **state) {
    (void)state;
    put(one, 0, 0);
    put(one, 60, 1);
    put(one, 61, 2);
    put(one, 120, 3);
    put(one, 121, 4);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 2);
    assert_int_equal(groups->group[0].files, 2);
    assert_int_equal(groups->group[0].lates, 2);
    check_path(&groups->group[0].late[0], one, 61, 2);
    check_path(&groups->group[0].late[1], one, 120, 3);
    assert_int_equal(groups->group[1].files, 1);
    check_path(&groups->group[1].file[0], one, 121, 4);
    msio_groups_free(groups);
}

static void a_late_subband_is_missing(void **state) {
    (void)state;
    put_group(one, 0, 9);
    put(one, 75, 9);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 0);
    assert_int_equal(groups->group->missing, 1);
    assert_int_equal(groups->group->missing_subband[0], 9);
    assert_int_equal(groups->group->lates, 1);
    check_path(groups->group->late, one, 75, 9);
    assert_int_equal(groups->group->late->used, 0);
    msio_groups_free(groups);
}

static void a_late_file_beside_a_complete_group(void **state) {
    (void)state;
    put_group(one, 0, -1);
    put(one, 90, 3);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 1);
    assert_int_equal(groups->group->lates, 1);
    assert_int_equal(groups->group->duplicates, 0);
    msio_groups_free(groups);
}

/* The window and its double do not swallow observations that follow one another closely. */
static void a_group_may_begin_where_files_would_be_late(void **state) {
    (void)state;
    put_group(one, 0, 2);
    put(one, 70, 2); /* within the second group's window, counted from its own first file */
    put_group(one, 90, 5);
    put_group(one, 180, -1);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(groups->group[i].files, i == 2 ? 16 : 15);
        assert_int_equal(groups->group[i].lates, 0);
    }
    assert_true(groups->group[1].seconds == (double)BASE + 70);
    assert_int_equal(groups->group[1].duplicates, 2);
    check_path(&groups->group[1].file[2], one, 96, 2); /* the nearer to the median */
    msio_groups_free(groups);
}

static void the_rest_of_a_group_is_late_however_large(void **state) {
    (void)state;
    for (int subband = 0; subband < 16; subband++) put(one, subband < 4 ? 0 : 65, subband);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->files, 4);
    assert_int_equal(groups->group->lates, 12);
    assert_int_equal(groups->group->missing, 12);
    msio_groups_free(groups);
}

static void the_window_and_the_number_of_subbands_are_options(void **state) {
    (void)state;
    const char *folder = one;
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    put(one, 0, 0);
    put(one, 2, 1);
    put(one, 5, 0);
    put(one, 7, 1);
    opts.window = 2;
    opts.subbands = 2;
    msio_groups *groups = find_with(1, &folder, &opts);
    assert_int_equal(groups->groups, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(groups->group[i].complete, 1);
        assert_int_equal(groups->group[i].duplicates, 0);
    }
    msio_groups_free(groups);
    opts.window = 1.5;
    groups = find_with(1, &folder, &opts);
    assert_int_equal(groups->groups, 2);
    for (int i = 0; i < 2; i++) assert_int_equal(groups->group[i].lates, 1);
    msio_groups_free(groups);
    opts.window = 0;
    groups = find_with(1, &folder, &opts);
    assert_int_equal(groups->groups, 4);
    msio_groups_free(groups);
}

static void subbands_beyond_those_expected_stand_apart(void **state) {
    (void)state;
    put_group(one, 0, -1);
    put(one, 4, 16);
    put(one, 3, 77);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 1);
    assert_int_equal(groups->unexpected, 2);
    check_path(&groups->unexpected_file[0], one, 3, 77);
    check_path(&groups->unexpected_file[1], one, 4, 16);
    msio_groups_free(groups);
}

static void files_still_written_belong_to_no_group(void **state) {
    (void)state;
    put_group(one, 0, 4);
    touch(one, "2025-10-05T13:27:53_sb04_incomplete.hdf5");
    touch(one, "2025-10-05T13:33:00_sb00_incomplete.hdf5");
    touch(one, "2025-10-05T13:27:53_sb03_incomplete.hdf5");
    touch(one, "unnamed_incomplete.hdf5");
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->missing, 1);
    assert_int_equal(groups->incompletes, 4);
    assert_string_equal(groups->incomplete[0].path, path_of(one, "unnamed_incomplete.hdf5"));
    assert_string_equal(groups->incomplete[0].time, "");
    assert_int_equal(groups->incomplete[0].subband, -1);
    assert_string_equal(groups->incomplete[1].path, path_of(one, "2025-10-05T13:27:53_sb03_incomplete.hdf5"));
    assert_string_equal(groups->incomplete[2].path, path_of(one, "2025-10-05T13:27:53_sb04_incomplete.hdf5"));
    assert_string_equal(groups->incomplete[3].time, "2025-10-05T13:33:00Z");
    msio_groups_free(groups);
}

static void other_names_are_counted(void **state) {
    (void)state;
    put(one, 0, 0);
    touch(one, "notes.txt");
    touch(one, ".2025-10-05T13:27:52_sb01.hdf5.Xy12");
    touch(one, "2025-02-30T13:27:52_sb01.hdf5");
    touch(one, "\xff\x01\n");
    assert_int_equal(mkdir(path_of(one, name_of(0, 2)), 0777), 0);
    assert_int_equal(mkfifo(path_of(one, name_of(0, 3)), 0666), 0);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->files, 1);
    assert_int_equal(groups->ignored, 6);
    assert_int_equal(groups->impossible, 1);
    msio_groups_free(groups);
}

/* Links that lead nowhere can be neither opened nor looked at. */
static void no_file_is_touched(void **state) {
    (void)state;
    for (int subband = 0; subband < 16; subband++)
        assert_int_equal(symlink("/nowhere/at/all", path_of(one, name_of(0, subband))), 0);
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 1);
    msio_groups_free(groups);
}

static void a_group_goes_over_the_end_of_a_year(void **state) {
    (void)state;
    touch(one, "2024-12-31T23:59:58_sb00.hdf5");
    touch(one, "2025-01-01T00:00:03_sb01.hdf5");
    touch(one, "2024-02-28T23:59:59_sb00.hdf5");
    touch(one, "2024-02-29T00:00:10_sb01.hdf5");
    touch(one, "2023-02-28T23:59:59_sb00.hdf5");
    touch(one, "2023-03-01T00:00:10_sb01.hdf5");
    touch(one, "1969-12-31T23:59:59_sb00.hdf5");
    touch(one, "1970-01-01T00:00:00_sb01.hdf5");
    msio_groups *groups = find(one);
    static const char *const times[] = {"1969-12-31T23:59:59Z", "2023-02-28T23:59:59Z", "2024-02-28T23:59:59Z",
                                        "2024-12-31T23:59:58Z"};
    assert_int_equal(groups->groups, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(groups->group[i].files, 2);
        assert_string_equal(groups->group[i].time, times[i]);
    }
    assert_true(groups->group[0].seconds == -1.0);
    msio_groups_free(groups);
}

static void several_folders_are_one_pool(void **state) {
    (void)state;
    const char *const both[] = {two, one};
    for (int subband = 0; subband < 16; subband++) put(subband % 2 ? one : two, subband, subband);
    msio_groups *groups = find_with(2, both, NULL);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->complete, 1);
    check_path(&groups->group->file[0], two, 0, 0);
    check_path(&groups->group->file[1], one, 1, 1);
    msio_groups_free(groups);
}

static void a_folder_given_twice_counts_once(void **state) {
    (void)state;
    char again[128];
    snprintf(again, sizeof again, "%s/../one//", one);
    const char *const twice[] = {one, again, one};
    put_group(one, 0, -1);
    touch(one, "x");
    msio_groups *groups = find_with(3, twice, NULL);
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->duplicates, 0);
    assert_int_equal(groups->ignored, 1);
    msio_groups_free(groups);
    const char *const slashes = again;
    groups = find_with(1, &slashes, NULL);
    again[strlen(again) - 2] = '\0';
    assert_string_equal(groups->group->file[0].path, path_of(again, name_of(0, 0)));
    msio_groups_free(groups);
}

static void an_empty_folder_has_no_groups(void **state) {
    (void)state;
    msio_groups *groups = find(one);
    assert_int_equal(groups->groups, 0);
    assert_int_equal(groups->incompletes, 0);
    assert_int_equal(groups->ignored, 0);
    msio_groups_free(groups);
    msio_groups_free(NULL);
}

static void folders_in_folders_are_not_entered(void **state) {
    (void)state;
    put_group(one, 0, -1);
    msio_groups *groups = find(top);
    assert_int_equal(groups->groups, 0);
    assert_int_equal(groups->ignored, 2);
    msio_groups_free(groups);
}

static void a_pattern_of_ones_own(void **state) {
    (void)state;
    put_group(one, 0, -1);
    touch(one, "north-05-2025-10-05T13:27:52.uvh5");
    touch(one, "north-06-2025-10-05T13:27:59_incomplete.uvh5");
    touch(one, "south-06-2025-10-05T13:27:59_incomplete.uvh5");
    msio_groups *groups = find_named("north-{subband}-{time}.uvh5");
    assert_int_equal(groups->groups, 1);
    assert_int_equal(groups->group->files, 1);
    assert_int_equal(groups->group->file->subband, 5);
    assert_int_equal(groups->incompletes, 1);
    assert_int_equal(groups->ignored, 17);
    msio_groups_free(groups);
}

/* 5000 files, made in an order of their own: 312 groups, and one of 8. */
static void thousands_of_files(void **state) {
    (void)state;
    for (int i = 0; i < 5000; i++) {
        int at = i * 1237 % 5000; /* 1237 and 5000 have no common divisor */
        put(at % 3 ? one : two, at / 16 * 309 + at % 16 % 7, at % 16);
    }
    const char *const both[] = {one, two};
    msio_groups *groups = find_with(2, both, NULL);
    assert_int_equal(groups->groups, 313);
    for (int i = 0; i < 313; i++) {
        const msio_group *group = &groups->group[i];
        assert_true(group->seconds == (double)(BASE + i * 309));
        assert_int_equal(group->complete, i < 312);
        assert_int_equal(group->files, i < 312 ? 16 : 8);
        assert_int_equal(group->missing, i < 312 ? 0 : 8);
        assert_int_equal(group->duplicates + group->lates, 0);
        for (int k = 0; k < group->files; k++)
            check_path(&group->file[k], (i * 16 + k) % 3 ? one : two, i * 309 + k % 7, k);
    }
    msio_groups_free(groups);
}

/* ---------------------------------------------------------------- errors */

static void check_error(const char *folder, msio_status status) {
    msio_groups *groups = NULL;
    msio_group_watch *watch = NULL;
    assert_int_equal(msio_group_find(1, &folder, NULL, &groups), status);
    assert_null(groups);
    assert_string_equal(msio_last_error()->path, folder);
    assert_non_null(strstr(msio_last_error()->message, "folder"));
    assert_int_equal(msio_group_watch_open(1, &folder, NULL, &watch), status);
    assert_null(watch);
    assert_string_equal(msio_last_error()->path, folder);
}

static void folders_that_are_none(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/three", top);
    check_error(path, MSIO_E_NOT_FOUND);
    check_error("", MSIO_E_NOT_FOUND);
    touch(top, "file");
    snprintf(path, sizeof path, "%s/file", top);
    check_error(path, MSIO_E_NOT_FOUND);
    snprintf(path, sizeof path, "%s/file/below", top);
    check_error(path, MSIO_E_NOT_FOUND);
}

static void a_folder_that_may_not_be_read(void **state) {
    (void)state;
    bool root = geteuid() == 0; /* who may read all */
    assert_int_equal(chmod(top, 0755), 0);
    assert_int_equal(chmod(one, 0311), 0);
    if (root) assert_int_equal(seteuid(65534), 0);
    check_error(one, MSIO_E_IO);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(one, 0755), 0);
}

static void the_error_of_one_folder_is_the_calls(void **state) {
    (void)state;
    const char *const both[] = {one, "/nowhere/at/all"};
    msio_groups *groups = NULL;
    msio_group_watch *watch = NULL;
    put_group(one, 0, -1);
    assert_int_equal(msio_group_find(2, both, NULL, &groups), MSIO_E_NOT_FOUND);
    assert_int_equal(msio_group_watch_open(2, both, NULL, &watch), MSIO_E_NOT_FOUND);
}

static void options_that_cannot_be_are_refused(void **state) {
    (void)state;
    const char *folder = one;
    const msio_group_opts good = MSIO_GROUP_OPTS_INIT;
    msio_group_opts bad[10];
    msio_groups *groups = NULL;
    for (int i = 0; i < 10; i++) bad[i] = good;
    bad[0].struct_size = 8;
    bad[1].window = -1;
    bad[2].window = NAN;
    bad[3].window = INFINITY;
    bad[4].subbands = 0;
    bad[5].subbands = -16;
    bad[6].subbands = MSIO_GROUP_MAX_SUBBANDS + 1;
    bad[7].pattern = "{time}.hdf5";
    bad[8].frequency_step = 1;
    bad[9].first_frequency = -1;
    bad[9].frequency_step = 1;
    for (int i = 0; i < 10; i++) assert_int_equal(msio_group_find(1, &folder, &bad[i], &groups), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_find(0, &folder, NULL, &groups), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_find(1, NULL, NULL, &groups), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_find(1, &folder, NULL, NULL), MSIO_E_ARGUMENT);
    assert_null(groups);
}

/* ---------------------------------------------------------------- watching */

static msio_group_watch *watch_with(int n, const char *const *dirs, double window) {
    msio_group_watch *watch = NULL;
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    opts.window = window;
    assert_int_equal(msio_group_watch_open(n, dirs, &opts, &watch), MSIO_OK);
    return watch;
}

static msio_group_watch *watch_one(void) {
    const char *folder = one;
    return watch_with(1, &folder, 60);
}

/* The next group, which must begin so many seconds after the base. */
static const msio_group *next(msio_group_watch *watch, int64_t seconds) {
    const msio_group *group = NULL;
    assert_int_equal(msio_group_watch_next(watch, PATIENCE, &group), MSIO_OK);
    assert_true(group->seconds == (double)(BASE + seconds));
    return group;
}

/* Events of what this process did are there when its call returns: what does not come now does not come. */
static void nothing_comes(msio_group_watch *watch) {
    const msio_group *group = NULL;
    assert_int_equal(msio_group_watch_next(watch, 0, &group), MSIO_END);
    assert_null(group);
}

static void what_stands_there_comes_first_by_time(void **state) {
    (void)state;
    put_group(one, 600, -1);
    put_group(one, 0, 3);
    put_group(one, 300, -1);
    put_group(one, 900, 4);
    msio_group_watch *watch = watch_one();
    assert_int_equal(next(watch, 0)->complete, 0);
    assert_int_equal(next(watch, 300)->complete, 1);
    assert_int_equal(next(watch, 600)->complete, 1);
    nothing_comes(watch); /* the last may still become complete */
    move_in(one, 903, 4);
    assert_int_equal(next(watch, 900)->complete, 1);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

static void a_group_comes_with_its_last_file(void **state) {
    (void)state;
    const char *const both[] = {one, two};
    msio_group_watch *watch = watch_with(2, both, 60);
    for (int subband = 15; subband >= 0; subband--) {
        nothing_comes(watch);
        move_in(subband % 2 ? one : two, subband, subband);
    }
    const msio_group *group = next(watch, 0);
    assert_int_equal(group->complete, 1);
    check_path(&group->file[3], one, 3, 3);
    check_path(&group->file[4], two, 4, 4);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

static void a_file_counts_when_it_is_renamed(void **state) {
    (void)state;
    char from[512];
    put_group(one, 0, 7);
    msio_group_watch *watch = watch_one();
    touch(one, "2025-10-05T13:27:55_sb07_incomplete.hdf5");
    nothing_comes(watch);
    snprintf(from, sizeof from, "%s", path_of(one, "2025-10-05T13:27:55_sb07_incomplete.hdf5"));
    assert_int_equal(rename(from, path_of(one, name_of(3, 7))), 0);
    assert_int_equal(next(watch, 0)->complete, 1);
    msio_group_watch_close(watch);
}

static void a_file_counts_when_its_writer_closes_it(void **state) {
    (void)state;
    put_group(one, 0, 7);
    msio_group_watch *watch = watch_one();
    int fd = open(path_of(one, name_of(3, 7)), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    nothing_comes(watch);
    assert_int_equal(write(fd, "x", 1), 1);
    nothing_comes(watch);
    close(fd);
    assert_int_equal(next(watch, 0)->complete, 1);
    msio_group_watch_close(watch);
}

static void a_file_counts_when_it_is_linked(void **state) {
    (void)state;
    char from[512];
    put_group(one, 0, 7);
    put_group(one, 300, 7);
    touch(two, "x");
    snprintf(from, sizeof from, "%s", path_of(two, "x"));
    msio_group_watch *watch = watch_one();
    assert_int_equal(next(watch, 0)->complete, 0);
    assert_int_equal(link(from, path_of(one, name_of(303, 7))), 0);
    assert_int_equal(next(watch, 300)->complete, 1);
    put_group(one, 600, 7);
    assert_int_equal(symlink(from, path_of(one, name_of(603, 7))), 0);
    assert_int_equal(next(watch, 600)->complete, 1);
    msio_group_watch_close(watch);
}

static void an_incomplete_group_comes_when_a_later_file_does(void **state) {
    (void)state;
    msio_group_watch *watch = watch_one();
    put_group(one, 0, 7);
    put(one, 100, 7);
    nothing_comes(watch);
    put(one, 120, 0); /* two windows are not past yet */
    nothing_comes(watch);
    put(one, 309, 0);
    const msio_group *group = next(watch, 0);
    assert_int_equal(group->complete, 0);
    assert_int_equal(group->missing, 1);
    assert_int_equal(group->lates, 2);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

/* The clock is the watch's, not that of the names: those are long past. */
static void an_incomplete_group_comes_when_it_has_waited(void **state) {
    (void)state;
    const char *folder = one;
    for (int subband = 0; subband < 5; subband++) put(one, 0, subband);
    msio_group_watch *watch = watch_with(1, &folder, 0.05);
    assert_int_equal(next(watch, 0)->files, 5);
    nothing_comes(watch);
    for (int subband = 0; subband < 6; subband++) move_in(one, 30, subband);
    assert_int_equal(next(watch, 30)->files, 6);
    msio_group_watch_close(watch);
}

static void a_group_comes_once(void **state) {
    (void)state;
    const char *folder = one;
    msio_group_watch *watch = watch_with(1, &folder, 1);
    for (int subband = 0; subband < 16; subband++) move_in(one, 1, subband);
    assert_int_equal(next(watch, 1)->complete, 1);
    move_in(one, 0, 3); /* before its first */
    move_in(one, 2, 3); /* within its window */
    move_in(one, 3, 4); /* late */
    put(one, 1, 5);     /* written again */
    nothing_comes(watch);
    move_in(one, 300, 0); /* later: had any of those begun a group, it would come now */
    const msio_group *group = next(watch, 300);
    assert_int_equal(group->files, 1);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

static void a_group_that_follows_closely_is_one(void **state) {
    (void)state;
    msio_group_watch *watch = watch_one();
    put_group(one, 0, -1);
    assert_int_equal(next(watch, 0)->complete, 1);
    put_group(one, 90, 5);
    put_group(one, 180, -1);
    assert_int_equal(next(watch, 180)->complete, 1);
    nothing_comes(watch);
    put(one, 92, 5); /* where it might be an early file of the one that came */
    const msio_group *group = next(watch, 90);
    assert_int_equal(group->complete, 1);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

static void a_file_that_goes_is_forgotten(void **state) {
    (void)state;
    char from[512];
    msio_group_watch *watch = watch_one();
    put_group(one, 0, 15);
    nothing_comes(watch);
    assert_int_equal(unlink(path_of(one, name_of(0, 0))), 0);
    move_in(one, 5, 15);
    nothing_comes(watch);
    snprintf(from, sizeof from, "%s", path_of(one, name_of(5, 15)));
    assert_int_equal(rename(from, path_of(top, "aside")), 0);
    put(one, 1, 0);
    nothing_comes(watch);
    move_in(one, 5, 15);
    assert_int_equal(next(watch, 0)->complete, 1);
    msio_group_watch_close(watch);
}

/* A clock that is years ahead: its file is a group of its own, and hurries no other. */
static void a_date_far_ahead_does_not_spoil_the_day(void **state) {
    (void)state;
    msio_group_watch *watch = watch_one();
    touch(one, "2099-01-01T00:00:00_sb03.hdf5");
    nothing_comes(watch);
    put_group(one, 0, 7);
    nothing_comes(watch);
    move_in(one, 4, 7);
    assert_int_equal(next(watch, 0)->complete, 1);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

static void other_names_do_not_come(void **state) {
    (void)state;
    const char *folder = one;
    msio_group_watch *watch = watch_with(1, &folder, 0);
    touch(one, "notes.txt");
    touch(one, "2025-10-05T13:27:52_sb16.hdf5");
    touch(one, "2025-13-05T13:27:52_sb01.hdf5");
    touch(one, "2025-10-05T13:27:52_sb01_incomplete.hdf5");
    assert_int_equal(mkdir(path_of(one, name_of(0, 2)), 0777), 0);
    nothing_comes(watch);
    msio_group_watch_close(watch);
}

/* More events than the kernel keeps (16384 by default): then the folder is scanned again, and no group comes twice. */
static void lost_events_lose_no_group(void **state) {
    (void)state;
    put_group(one, 0, -1);
    msio_group_watch *watch = watch_one();
    assert_int_equal(next(watch, 0)->complete, 1);
    for (int i = 1; i <= 600; i++) put_group(one, i * 300, -1); /* two events a file */
    for (int i = 1; i <= 600; i++) assert_int_equal(next(watch, i * 300)->complete, 1);
    nothing_comes(watch);
    put_group(one, 601 * 300, -1);
    assert_int_equal(next(watch, 601 * 300)->complete, 1);
    msio_group_watch_close(watch);
}

static void a_folder_watched_twice_counts_once(void **state) {
    (void)state;
    const char *const twice[] = {one, one};
    put_group(one, 0, 1);
    msio_group_watch *watch = watch_with(2, twice, 60);
    put(one, 5, 1);
    assert_int_equal(next(watch, 0)->duplicates, 0);
    msio_group_watch_close(watch);
}

/* A folder goes; the group that another one has completed meanwhile comes first. */
static void check_vanishing(bool moved) {
    const msio_group *group = NULL;
    const char *const both[] = {one, two};
    put_group(two, 0, 3);
    msio_group_watch *watch = watch_with(2, both, 60);
    nothing_comes(watch);
    put(two, 0, 3);
    assert_int_equal(moved ? rename(one, path_of(top, "three")) : rmdir(one), 0);
    assert_int_equal(next(watch, 0)->complete, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(msio_group_watch_next(watch, PATIENCE, &group), MSIO_E_NOT_FOUND);
        assert_string_equal(msio_last_error()->path, one);
    }
    assert_null(group);
    msio_group_watch_close(watch);
}

static void a_folder_that_is_removed_is_an_error(void **state) {
    (void)state;
    check_vanishing(false);
}

static void a_folder_that_is_moved_is_an_error(void **state) {
    (void)state;
    check_vanishing(true);
}

static void a_watch_wants_its_arguments(void **state) {
    (void)state;
    const char *folder = one;
    const msio_group *group = NULL;
    msio_group_watch *watch = NULL;
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    opts.subbands = 0;
    assert_int_equal(msio_group_watch_open(0, &folder, NULL, &watch), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_watch_open(1, &folder, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_watch_open(1, &folder, &opts, &watch), MSIO_E_ARGUMENT);
    assert_int_equal(msio_group_watch_next(NULL, 0, &group), MSIO_E_ARGUMENT);
    msio_group_watch_close(NULL);
    assert_null(watch);
}

#define IN_FOLDERS(test) cmocka_unit_test_setup_teardown(test, make_folders, remove_folders)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_agrees_with_the_c_library),
        cmocka_unit_test(every_day_is_a_day_or_impossible),
        cmocka_unit_test(impossible_times_are_told_from_other_names),
        cmocka_unit_test(a_subband_has_one_to_four_digits),
        cmocka_unit_test(the_time_zone_does_not_matter),
        cmocka_unit_test(incomplete_names_are_known),
        cmocka_unit_test(patterns_with_other_texts_and_orders),
        cmocka_unit_test(stars_stand_for_any_text),
        cmocka_unit_test(patterns_that_cannot_be_are_refused),
        IN_FOLDERS(a_complete_group),
        IN_FOLDERS(missing_subbands_are_listed),
        IN_FOLDERS(of_duplicates_the_one_nearest_to_the_median_is_used),
        IN_FOLDERS(of_two_equally_near_the_earlier_is_used),
        IN_FOLDERS(of_two_at_one_time_the_first_by_path_is_used),
        IN_FOLDERS(a_number_with_and_without_zeros_is_one_subband),
        IN_FOLDERS(both_ends_belong_to_the_window),
        IN_FOLDERS(a_late_subband_is_missing),
        IN_FOLDERS(a_late_file_beside_a_complete_group),
        IN_FOLDERS(a_group_may_begin_where_files_would_be_late),
        IN_FOLDERS(the_rest_of_a_group_is_late_however_large),
        IN_FOLDERS(the_window_and_the_number_of_subbands_are_options),
        IN_FOLDERS(subbands_beyond_those_expected_stand_apart),
        IN_FOLDERS(files_still_written_belong_to_no_group),
        IN_FOLDERS(other_names_are_counted),
        IN_FOLDERS(no_file_is_touched),
        IN_FOLDERS(a_group_goes_over_the_end_of_a_year),
        IN_FOLDERS(several_folders_are_one_pool),
        IN_FOLDERS(a_folder_given_twice_counts_once),
        IN_FOLDERS(an_empty_folder_has_no_groups),
        IN_FOLDERS(folders_in_folders_are_not_entered),
        IN_FOLDERS(a_pattern_of_ones_own),
        IN_FOLDERS(thousands_of_files),
        IN_FOLDERS(folders_that_are_none),
        IN_FOLDERS(a_folder_that_may_not_be_read),
        IN_FOLDERS(the_error_of_one_folder_is_the_calls),
        IN_FOLDERS(options_that_cannot_be_are_refused),
        IN_FOLDERS(what_stands_there_comes_first_by_time),
        IN_FOLDERS(a_group_comes_with_its_last_file),
        IN_FOLDERS(a_file_counts_when_it_is_renamed),
        IN_FOLDERS(a_file_counts_when_its_writer_closes_it),
        IN_FOLDERS(a_file_counts_when_it_is_linked),
        IN_FOLDERS(an_incomplete_group_comes_when_a_later_file_does),
        IN_FOLDERS(an_incomplete_group_comes_when_it_has_waited),
        IN_FOLDERS(a_group_comes_once),
        IN_FOLDERS(a_group_that_follows_closely_is_one),
        IN_FOLDERS(a_file_that_goes_is_forgotten),
        IN_FOLDERS(a_date_far_ahead_does_not_spoil_the_day),
        IN_FOLDERS(other_names_do_not_come),
        IN_FOLDERS(lost_events_lose_no_group),
        IN_FOLDERS(a_folder_watched_twice_counts_once),
        IN_FOLDERS(a_folder_that_is_removed_is_an_error),
        IN_FOLDERS(a_folder_that_is_moved_is_an_error),
        IN_FOLDERS(a_watch_wants_its_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
