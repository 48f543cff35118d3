/* test_making.c - what is made appears whole; what killed processes left goes, and nothing else. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "msio/files.h"

#include "core/leftovers.h"

#include "tests/entries.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], target[128], notices[4096];

static void note(void *user, const char *sentence) {
    (void)user;
    strncat(notices, sentence, sizeof notices - strlen(notices) - 2);
    strcat(notices, "\n");
}

static int begin(void **state) {
    (void)state;
    strcpy(folder, "/tmp/msio-test-making-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(target, sizeof target, "%s/x.npy", folder);
    notices[0] = '\0';
    msio_notices_tell(note, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    msio_notices_tell(NULL, NULL);
    msio_tree_remove(folder);
    return 0;
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool holds(const char *path, const char *text) {
    char found[256] = "";
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(found, 1, sizeof found - 1, f);
    fclose(f);
    found[n] = '\0';
    return strcmp(found, text) == 0;
}

static bool stands(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0;
}

static msio_making *begun(void) {
    msio_making *m = NULL;
    assert_int_equal(msio_making_begin(target, &m), MSIO_OK);
    return m;
}

/* ---------------------------------------------------------------- making */

static void a_file_appears_when_it_is_whole(void **state) {
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        msio_making *m = begun();
        assert_false(stands(msio_making_place(m)));
        write_file(msio_making_place(m), replace ? "newer" : "new");
        assert_int_equal(stands(target), replace);
        assert_int_equal(msio_making_finish(m, replace), MSIO_OK);
        msio_making_free(m);
        assert_true(holds(target, replace ? "newer" : "new"));
        assert_int_equal(entries_of(folder), 1);
    }
    msio_making *m = begun();
    write_file(msio_making_place(m), "third");
    assert_int_equal(msio_making_finish(m, 0), MSIO_E_IO);
    assert_string_equal(msio_last_error()->path, target);
    msio_making_free(m);
    assert_true(holds(target, "newer"));
    assert_int_equal(entries_of(folder), 1);
    m = begun();
    write_file(msio_making_place(m), "dropped");
    msio_making_free(m);
    assert_int_equal(entries_of(folder), 1);
    assert_string_equal(notices, "");
}

static void make_folder_of(const char *path, const char *text) {
    char inside[256];
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(inside, sizeof inside, "%s/deep", path);
    assert_int_equal(mkdir(inside, 0777), 0);
    snprintf(inside, sizeof inside, "%s/deep/file", path);
    write_file(inside, text);
}

static void a_folder_takes_the_place_of_a_folder(void **state) {
    char inside[256];
    (void)state;
    snprintf(inside, sizeof inside, "%s/deep/file", target);
    for (int i = 0; i < 2; i++) {
        msio_making *m = begun();
        make_folder_of(msio_making_place(m), i ? "second" : "first");
        assert_int_equal(msio_making_finish(m, i), MSIO_OK);
        msio_making_free(m);
        assert_true(holds(inside, i ? "second" : "first"));
        assert_int_equal(entries_of(folder), 1);
    }
    msio_making *m = begun();
    make_folder_of(msio_making_place(m), "third");
    assert_int_equal(msio_making_finish(m, 0), MSIO_E_IO);
    msio_making_free(m);
    assert_true(holds(inside, "second"));
    m = begun();
    write_file(msio_making_place(m), "a file");
    assert_int_equal(msio_making_finish(m, 1), MSIO_E_IO); /* a file never replaces a folder */
    msio_making_free(m);
    assert_true(holds(inside, "second"));
    assert_int_equal(entries_of(folder), 1);
}

static void names_of_every_kind(void **state) {
    char longest[256 + 64];
    msio_making *m = NULL;
    (void)state;
    assert_int_equal(msio_making_begin("/", &m), MSIO_E_ARGUMENT);
    assert_int_equal(msio_making_begin("", &m), MSIO_E_ARGUMENT);
    assert_int_equal(msio_making_begin(NULL, &m), MSIO_E_ARGUMENT);
    snprintf(longest, sizeof longest, "%s/no/folder", folder);
    assert_int_equal(msio_making_begin(longest, &m), MSIO_E_IO);
    assert_int_equal(msio_last_error()->sys_errno, ENOENT);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(msio_making_begin("plain", &m), MSIO_OK);
    write_file(msio_making_place(m), "here");
    assert_int_equal(msio_making_finish(m, 0), MSIO_OK);
    msio_making_free(m);
    assert_true(holds("plain", "here"));
    int at = snprintf(longest, sizeof longest, "%s/", folder);
    memset(longest + at, 'n', 255);
    longest[at + 255] = '\0';
    assert_int_equal(msio_making_begin(longest, &m), MSIO_OK);
    write_file(msio_making_place(m), "long");
    assert_int_equal(msio_making_finish(m, 0), MSIO_OK);
    msio_making_free(m);
    assert_true(holds(longest, "long"));
    assert_int_equal(chdir("/"), 0);
}

/* ---------------------------------------------------------------- leftovers */

/* A process that begins, makes something, tells, and then waits to be killed. Its number. */
static pid_t start_maker(bool a_folder) {
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        msio_making *m = NULL;
        if (msio_making_begin(target, &m) != MSIO_OK) _exit(1);
        if (a_folder) {
            if (mkdir(msio_making_place(m), 0777)) _exit(1);
        } else {
            FILE *f = fopen(msio_making_place(m), "w");
            if (!f || fputs("half", f) < 0 || fclose(f)) _exit(1);
        }
        if (write(told[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
    return child;
}

static void end_maker(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void make_whole(void) {
    msio_making *m = begun();
    write_file(msio_making_place(m), "whole");
    assert_int_equal(msio_making_finish(m, 1), MSIO_OK);
    msio_making_free(m);
    assert_true(holds(target, "whole"));
}

static void what_a_killed_process_left_goes(void **state) {
    (void)state;
    for (int a_folder = 0; a_folder < 2; a_folder++) {
        pid_t child = start_maker(a_folder != 0);
        end_maker(child);
        assert_true(entries_of(folder) >= 2);
        make_whole();
        assert_int_equal(entries_of(folder), 1);
        assert_string_equal(notices, "");
    }
}

static void what_a_living_process_makes_stays_and_is_named(void **state) {
    char number[32];
    (void)state;
    pid_t child = start_maker(false);
    make_whole();
    assert_int_equal(entries_of(folder), 3);
    snprintf(number, sizeof number, "process %ld", (long)child);
    assert_non_null(strstr(notices, number));
    assert_non_null(strstr(notices, ".x.npy.msio-"));
    end_maker(child);
    make_whole();
    assert_int_equal(entries_of(folder), 1);
}

/* Two at once, in one process: neither takes the other's. */
static void makings_side_by_side(void **state) {
    (void)state;
    msio_making *first = begun(), *second = begun();
    assert_string_not_equal(msio_making_place(first), msio_making_place(second));
    write_file(msio_making_place(first), "first");
    write_file(msio_making_place(second), "second");
    msio_making *third = begun();
    assert_true(holds(msio_making_place(first), "first"));
    assert_true(holds(msio_making_place(second), "second"));
    assert_int_equal(msio_making_finish(second, 1), MSIO_OK);
    assert_int_equal(msio_making_finish(first, 1), MSIO_OK);
    msio_making_free(first);
    msio_making_free(second);
    msio_making_free(third);
    assert_true(holds(target, "first"));
    assert_int_equal(entries_of(folder), 1);
}

/* Files of other hands, however much their names look like ours. */
static void what_is_not_ours_stays(void **state) {
    static const char *const names[] = {
        ".x.npy.msio-ABCDEF", ".x.npy.msio-ABCDE",       ".x.npy.msio-ABCDEFG",     "x.npy.ABCDEF",
        ".y.npy.msio-ABCDEF", ".x.npy.msio-AB.DEF.lock", ".x.npy.msio-abcdef.lock", ".x.npy.msio-abcdef.lock~"};
    char path[160];
    const int n = (int)(sizeof names / sizeof *names);
    (void)state;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        write_file(path, "somebody's");
    }
    snprintf(path, sizeof path, "%s/.x.npy.msio-abcdef", folder);
    write_file(path, "somebody's");
    make_whole();
    assert_int_equal(entries_of(folder), n + 2);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_true(holds(path, "somebody's"));
    }
    assert_non_null(strstr(notices, ".x.npy.msio-ABCDEF looks unfinished"));
    assert_null(strstr(notices, "abcdef"));
    assert_null(strstr(notices, "ABCDEFG"));
}

static void leave(const char *chance, const char *lock, const char *made) {
    char path[160];
    snprintf(path, sizeof path, "%s/.x.npy.msio-%s.lock", folder, chance);
    write_file(path, lock);
    snprintf(path, sizeof path, "%s/.x.npy.msio-%s", folder, chance);
    if (made) write_file(path, made);
}

static void machines_and_file_systems(void **state) {
    char here[128] = "", text[256];
    (void)state;
    gethostname(here, sizeof here - 1);
    leave("aaaaaa", "msio making 1\nprocess 1\nhost elsewhere.example\nlocked yes\n", "other machine's");
    snprintf(text, sizeof text, "msio making 1\nprocess 1\nhost %s\nlocked no\n", here);
    leave("bbbbbb", text, "without locks");
    leave("cccccc", "", "an empty lock file");
    assert_int_equal(entries_of(folder), 6);
    make_whole();
    assert_int_equal(entries_of(folder), 7);
    assert_non_null(strstr(notices, "elsewhere.example"));
    assert_non_null(strstr(notices, "msio-bbbbbb is unfinished"));
    assert_non_null(strstr(notices, "msio-cccccc is unfinished"));
    snprintf(text, sizeof text, "msio making 1\nprocess 1\nhost %s\nlocked yes\n", here);
    leave("dddddd", text, "ours");
    leave("eeeeee", text, NULL); /* killed between the renaming and the end, or before the begin */
    leave("ffffff", "", NULL);
    make_whole();
    assert_int_equal(entries_of(folder), 7);
}

/* Killed between the two steps of a renaming by a link: the name that stays has its bytes. */
static void a_file_of_two_names_keeps_its_bytes(void **state) {
    char here[128] = "", text[256], path[256];
    (void)state;
    gethostname(here, sizeof here - 1);
    snprintf(text, sizeof text, "msio making 1\nprocess 1\nhost %s\nlocked yes\n", here);
    leave("aaaaaa", text, "whole");
    snprintf(path, sizeof path, "%s/.x.npy.msio-aaaaaa", folder);
    assert_int_equal(link(path, target), 0);
    msio_making_free(begun());
    assert_true(holds(target, "whole"));
    assert_int_equal(entries_of(folder), 1);
}

/* A link in the place of what was made goes; what it leads to does not. */
static void links_are_not_followed(void **state) {
    char here[128] = "", text[256], path[256], outside[160];
    (void)state;
    gethostname(here, sizeof here - 1);
    snprintf(text, sizeof text, "msio making 1\nprocess 1\nhost %s\nlocked yes\n", here);
    leave("aaaaaa", text, NULL);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    make_folder_of(outside, "mine");
    snprintf(path, sizeof path, "%s/.x.npy.msio-aaaaaa", folder);
    assert_int_equal(symlink(outside, path), 0);
    make_whole();
    assert_false(stands(path));
    snprintf(path, sizeof path, "%s/deep/file", outside);
    assert_true(holds(path, "mine"));
    snprintf(path, sizeof path, "%s/.x.npy.msio-gggggg.lock", folder);
    assert_int_equal(mkfifo(path, 0600), 0); /* no lock file, and not waited for */
    make_whole();
    assert_true(stands(path));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_appears_when_it_is_whole),
        TEST(a_folder_takes_the_place_of_a_folder),
        TEST(names_of_every_kind),
        TEST(what_a_killed_process_left_goes),
        TEST(what_a_living_process_makes_stays_and_is_named),
        TEST(makings_side_by_side),
        TEST(what_is_not_ours_stays),
        TEST(machines_and_file_systems),
        TEST(a_file_of_two_names_keeps_its_bytes),
        TEST(links_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
