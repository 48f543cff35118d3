/* test_setup.c - MSIO_PROF in the environment, and msio_prof_setup: this program runs itself as the child. */
#define _DEFAULT_SOURCE /* usleep */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "msio/prof.h"
#include "prof/span.h"

#define OUTPUT_SIZE 16384

static char folder[] = "/tmp/msio_test_setup_XXXXXX";
static char output[OUTPUT_SIZE]; /* standard error of the last child */

static int folder_make(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state) {
    (void)state;
    return rmdir(folder);
}

/* ---------------------------------------------------------------- the child */

static void spans(int count) {
    for (int i = 0; i < count; i++) {
        prof_span span;
        prof_begin(&span, PROF_PATH_READ);
        prof_end(&span, NULL);
    }
}

/* Does what `act` says, and returns what the process exits with. */
static int child_main(const char *act) {
    spans(5);
    if (strcmp(act, "running") == 0) return msio_prof_running();
    if (strcmp(act, "chdir") == 0) return chdir("/");
    if (strcmp(act, "setup-off") == 0) return msio_prof_setup("off") == MSIO_OK ? 0 : 1;
    if (strcmp(act, "setup-report") == 0) {
        if (msio_prof_setup("report") != MSIO_OK) return 1;
        spans(2);
    }
    if (strcmp(act, "killed") == 0) { /* as a call ends once the file is due, whatever comes after */
        for (int i = 0; i < 300 && access("metrics.prom", F_OK) != 0; i++) {
            usleep(20000);
            spans(1);
        }
        _exit(access("metrics.prom", F_OK) == 0 ? 0 : 1);
    }
    if (strcmp(act, "setup-bad") == 0) return msio_prof_setup("loud") == MSIO_E_ARGUMENT ? 0 : 1;
    if (strcmp(act, "fork") == 0 || strcmp(act, "fork-idle") == 0) {
        pid_t child = fork();
        if (child == 0 && strcmp(act, "fork") == 0) spans(3);
        if (child == 0) exit(0);
        fprintf(stdout, "%ld\n", (long)child);
        fflush(stdout);
        return waitpid(child, NULL, 0) == child ? 0 : 1;
    }
    return 0;
}

/* ---------------------------------------------------------------- running it */

static long forked_pid;

static void drain(int pipe_end, char *text, size_t size) {
    size_t got = 0;
    ssize_t more;
    while (got < size - 1 && (more = read(pipe_end, text + got, size - 1 - got)) > 0) got += (size_t)more;
    text[got] = 0;
    close(pipe_end);
}

/* Runs this program with MSIO_PROF=mode (NULL: unset) in the test's folder; its exit status. Its standard error goes to
 * output, the process id that it printed to forked_pid. */
static int run(const char *mode, const char *act) {
    int err[2], out[2], status = 0;
    char text[64];
    assert_int_equal(pipe(err), 0);
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (mode == NULL)
            unsetenv("MSIO_PROF");
        else
            setenv("MSIO_PROF", mode, 1);
        if (chdir(folder) != 0 || dup2(err[1], 2) < 0 || dup2(out[1], 1) < 0) _exit(98);
        close(err[0]);
        close(err[1]);
        close(out[0]);
        close(out[1]);
        execl("/proc/self/exe", "test_setup", act, (char *)NULL);
        _exit(99);
    }
    close(err[1]);
    close(out[1]);
    drain(out[0], text, sizeof text);
    drain(err[0], output, sizeof output);
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    forked_pid = strtol(text, NULL, 10);
    return WEXITSTATUS(status);
}

/* ncalls of "read" in a JSON report in the folder, which is removed; -1 when there is none. */
static long long calls_in_file(const char *name) {
    char path[256];
    long long calls = -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *report = json_load_file(path, 0, NULL);
    if (report == NULL) return -1;
    json_t *read_path = json_array_get(json_object_get(report, "paths"), PROF_PATH_READ);
    calls = json_integer_value(json_object_get(read_path, "ncalls"));
    json_decref(report);
    assert_int_equal(unlink(path), 0);
    return calls;
}

/* The profiles of an automatic folder, which is removed; of how many the name has `part` in it. */
static int profiles(const char *name, const char *part, int *with_part) {
    char path[256], file[600];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    DIR *names = opendir(path);
    assert_non_null(names);
    *with_part = 0;
    for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        count++;
        *with_part += strstr(entry->d_name, part) != NULL;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        json_t *profile = json_load_file(file, 0, NULL);
        assert_non_null(profile);
        json_decref(profile);
        assert_int_equal(unlink(file), 0);
    }
    closedir(names);
    assert_int_equal(rmdir(path), 0);
    return count;
}

/* The number behind `key` in metrics.prom of the folder, which is removed with its sums. */
static long long metric(const char *key) {
    char path[256], text[32768];
    snprintf(path, sizeof path, "%s/metrics.prom", folder);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/.metrics.prom.state", folder);
    assert_int_equal(unlink(path), 0);
    const char *found = strstr(text, key);
    return found == NULL ? -1 : strtoll(found + strlen(key), NULL, 10);
}

static int lines(const char *text) {
    int count = 0;
    for (; *text != 0; text++) count += *text == '\n';
    return count;
}

/* ---------------------------------------------------------------- tests */

static void unset_off_and_empty_leave_it_off_and_silent(void **state) {
    (void)state;
    static const char *const modes[] = {NULL, "off", ""};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(modes[i], "running"), 0);
        assert_string_equal(output, "");
    }
}

static void report_goes_to_standard_error_at_exit(void **state) {
    (void)state;
    assert_int_equal(run("report", "nothing"), 0);
    assert_non_null(strstr(output, "msio profile:"));
    assert_non_null(strstr(output, "profiler: 5 spans"));
    assert_non_null(strstr(output, "  read\n"));
}

static void report_turns_the_profiler_on_at_load(void **state) {
    (void)state;
    assert_int_equal(run("report", "running"), 1);
}

static void json_goes_to_the_file_at_exit(void **state) {
    (void)state;
    assert_int_equal(run("json:profile.json", "nothing"), 0);
    assert_string_equal(output, "");
    assert_true(calls_in_file("profile.json") == 5);
}

static void the_file_is_where_the_program_started(void **state) {
    (void)state;
    assert_int_equal(run("json:profile.json", "chdir"), 0);
    assert_true(calls_in_file("profile.json") == 5);
}

static void a_file_that_cannot_be_written_is_told_in_one_line(void **state) {
    (void)state;
    assert_int_equal(run("json:no/such/profile.json", "nothing"), 0);
    assert_int_equal(lines(output), 1);
    assert_non_null(strstr(output, "no/such/profile.json"));
}

static void an_unknown_value_gets_one_line_and_nothing_else(void **state) {
    (void)state;
    static const char *const modes[] = {"loud", "json:", "json", "REPORT", "report "};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(run(modes[i], "running"), 0);
        assert_int_equal(lines(output), 1);
        assert_non_null(strstr(output, "MSIO_PROF="));
        assert_non_null(strstr(output, "use report, json:FILE, auto[+keep=N][+slow=X]:FOLDER, metrics"));
    }
}

static void setup_does_the_same_from_the_program(void **state) {
    (void)state;
    assert_int_equal(run(NULL, "setup-report"), 0);
    assert_non_null(strstr(output, "profiler: 2 spans"));
}

static void setup_overrides_the_environment(void **state) {
    (void)state;
    assert_int_equal(run("report", "setup-off"), 0);
    assert_string_equal(output, "");
}

static void setup_refuses_what_it_does_not_know(void **state) {
    (void)state;
    assert_int_equal(run(NULL, "setup-bad"), 0);
    assert_string_equal(output, "");
}

static void a_forked_child_reports_its_own_work_beside_its_parent(void **state) {
    (void)state;
    char name[64];
    assert_int_equal(run("json:profile.json", "fork"), 0);
    snprintf(name, sizeof name, "profile.json.%ld", forked_pid);
    assert_true(calls_in_file("profile.json") == 5);
    assert_true(calls_in_file(name) == 3);
}

static void a_forked_child_that_did_nothing_is_silent(void **state) {
    (void)state;
    assert_int_equal(run("report", "fork-idle"), 0);
    char *first = strstr(output, "msio profile:");
    assert_non_null(first);
    assert_null(strstr(first + 1, "msio profile:"));
}

static void automatic_profiles_of_a_process_and_its_child_stand_side_by_side(void **state) {
    (void)state;
    int children;
    assert_int_equal(run("auto:kept", "fork"), 0);
    assert_string_equal(output, "");
    assert_int_equal(profiles("kept", "_fork.", &children), 2);
    assert_int_equal(children, 1);
}

static void metrics_count_a_process_and_its_child_once_each(void **state) {
    (void)state;
    assert_int_equal(run("metrics:metrics.prom", "fork"), 0);
    assert_string_equal(output, "");
    assert_true(metric("msio_span_seconds_count{path=\"read\"} ") == 8);
    assert_int_equal(run("metrics:metrics.prom", "fork"), 0);
    assert_true(metric("msio_processes_total ") == 2);
}

static void metrics_are_written_while_the_program_runs(void **state) {
    (void)state;
    assert_int_equal(run("metrics+every=1:metrics.prom", "killed"), 0);
    assert_true(metric("msio_span_seconds_count{path=\"read\"} ") > 5);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_off_and_empty_leave_it_off_and_silent),
        cmocka_unit_test(report_goes_to_standard_error_at_exit),
        cmocka_unit_test(report_turns_the_profiler_on_at_load),
        cmocka_unit_test(json_goes_to_the_file_at_exit),
        cmocka_unit_test(the_file_is_where_the_program_started),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told_in_one_line),
        cmocka_unit_test(an_unknown_value_gets_one_line_and_nothing_else),
        cmocka_unit_test(setup_does_the_same_from_the_program),
        cmocka_unit_test(setup_overrides_the_environment),
        cmocka_unit_test(setup_refuses_what_it_does_not_know),
        cmocka_unit_test(a_forked_child_reports_its_own_work_beside_its_parent),
        cmocka_unit_test(a_forked_child_that_did_nothing_is_silent),
        cmocka_unit_test(automatic_profiles_of_a_process_and_its_child_stand_side_by_side),
        cmocka_unit_test(metrics_count_a_process_and_its_child_once_each),
        cmocka_unit_test(metrics_are_written_while_the_program_runs),
    };
    if (argc > 1) return child_main(argv[1]);
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
