/* test_error.c - the error record of a thread. */
#include "core/error.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* In a thread of its own, that never failed. */
static void *first_record(void *unused) {
    static int yes = 1;
    (void)unused;
    const msio_error *e = msio_last_error();
    int sound = e && e->code == MSIO_OK && e->sys_errno == 0 && e->path[0] == '\0' && e->message[0] == '\0';
    msio_error_set(MSIO_E_RANGE, "other", "of the other thread");
    return sound ? &yes : NULL;
}

static void nothing_failed_yet(void **state) {
    (void)state;
    pthread_t thread;
    void *sound = NULL;
    assert_int_equal(pthread_create(&thread, NULL, first_record, NULL), 0);
    assert_int_equal(pthread_join(thread, &sound), 0);
    assert_non_null(sound);
}

static void set_keeps_code_path_and_message(void **state) {
    (void)state;
    assert_int_equal(msio_error_set(MSIO_E_RANGE, "obs.ms", "rows %d..%d of column %s", 3, 5, "DATA"), MSIO_E_RANGE);
    const msio_error *e = msio_last_error();
    assert_int_equal(e->code, MSIO_E_RANGE);
    assert_int_equal(e->sys_errno, 0);
    assert_string_equal(e->path, "obs.ms");
    assert_string_equal(e->message, "rows 3..5 of column DATA");
}

static void set_takes_no_path(void **state) {
    (void)state;
    msio_error_set(MSIO_E_MEMORY, NULL, "none");
    assert_string_equal(msio_last_error()->path, "");
}

static void each_thread_has_its_own_record(void **state) {
    (void)state;
    pthread_t thread;
    msio_error_set(MSIO_E_FORMAT, "mine", "of this thread");
    assert_int_equal(pthread_create(&thread, NULL, first_record, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(msio_last_error()->code, MSIO_E_FORMAT);
    assert_string_equal(msio_last_error()->message, "of this thread");
}

static void system_adds_errno_and_its_words(void **state) {
    (void)state;
    errno = ENOENT;
    assert_int_equal(msio_error_system(MSIO_E_NOT_FOUND, "x", "cannot open %s", "it"), MSIO_E_NOT_FOUND);
    char should[256];
    snprintf(should, sizeof should, "cannot open it: %s", strerror(ENOENT));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(msio_last_error()->sys_errno, ENOENT);
    assert_string_equal(msio_last_error()->message, should);
    msio_error_set(MSIO_E_RANGE, NULL, "later");
    assert_int_equal(msio_last_error()->sys_errno, 0);
}

static void long_texts_are_cut_and_say_so(void **state) {
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    msio_error_set(MSIO_E_RANGE, text, "%s", text);
    const msio_error *e = msio_last_error();
    assert_int_equal(strlen(e->message), 1023);
    assert_string_equal(e->message + 1019, "x...");
    assert_int_equal(strlen(e->path), 1023);
    assert_string_equal(e->path + 1019, "x...");
}

static void a_long_message_keeps_the_words_of_the_system(void **state) {
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    errno = EIO;
    msio_error_system(MSIO_E_IO, "p", "%s", text);
    assert_non_null(strstr(msio_last_error()->message, strerror(EIO)));
}

static void control_characters_do_not_reach_the_record(void **state) {
    (void)state;
    msio_error_set(MSIO_E_FORMAT, "a\nb", "column \x1b[2J\x7f of \xc3\xa9");
    assert_string_equal(msio_last_error()->path, "a?b");
    assert_string_equal(msio_last_error()->message, "column ?[2J? of \xc3\xa9");
}

static void a_record_can_be_made_from_itself(void **state) {
    (void)state;
    msio_error_set(MSIO_E_IO, "p", "inner");
    const msio_error *e = msio_last_error();
    msio_error_set(e->code, e->path, "outer: %s", e->message);
    assert_string_equal(msio_last_error()->path, "p");
    assert_string_equal(msio_last_error()->message, "outer: inner");
}

static void *fail_and_save(void *copy) {
    errno = EACCES;
    msio_error_system(MSIO_E_IO, "file", "in the worker");
    msio_error_save(copy);
    return NULL;
}

static void a_saved_record_is_restored_in_another_thread(void **state) {
    (void)state;
    pthread_t thread;
    msio_error_copy copy;
    assert_int_equal(pthread_create(&thread, NULL, fail_and_save, &copy), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(msio_error_restore(&copy), MSIO_E_IO);
    const msio_error *e = msio_last_error();
    assert_int_equal(e->code, MSIO_E_IO);
    assert_int_equal(e->sys_errno, EACCES);
    assert_string_equal(e->path, "file");
    assert_memory_equal(e->message, "in the worker: ", 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_failed_yet),
        cmocka_unit_test(set_keeps_code_path_and_message),
        cmocka_unit_test(set_takes_no_path),
        cmocka_unit_test(each_thread_has_its_own_record),
        cmocka_unit_test(system_adds_errno_and_its_words),
        cmocka_unit_test(long_texts_are_cut_and_say_so),
        cmocka_unit_test(a_long_message_keeps_the_words_of_the_system),
        cmocka_unit_test(control_characters_do_not_reach_the_record),
        cmocka_unit_test(a_record_can_be_made_from_itself),
        cmocka_unit_test(a_saved_record_is_restored_in_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
