/* test_store.c - the memory of answers: kept while they hold, made once for many, dropped when there are too many. */
#include "cache/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct thing {
    msio_answer answer;
    int number;
} thing;

static atomic_int made, freed;
static atomic_bool they_hold;

static msio_status thing_holds(msio_answer *answer, bool *holds) {
    (void)answer;
    *holds = atomic_load(&they_hold);
    return MSIO_OK;
}

static void free_thing(msio_answer *answer) {
    atomic_fetch_add(&freed, 1);
    free(answer);
}

static msio_status make_thing(void *user, msio_answer **answer) {
    thing *t = calloc(1, sizeof *t);
    assert_non_null(t);
    usleep((useconds_t) * (int *)user);
    t->number = atomic_fetch_add(&made, 1);
    t->answer.holds = thing_holds;
    t->answer.free = free_thing;
    atomic_store(&t->answer.bytes, 1000);
    *answer = &t->answer;
    return MSIO_OK;
}

static msio_status fail_to_make(void *user, msio_answer **answer) {
    (void)user;
    (void)answer;
    return MSIO_E_IO;
}

static int start(void **state) {
    (void)state;
    atomic_store(&they_hold, true);
    msio_cache_set_limit(1 << 20);
    msio_store_clear(NULL);
    atomic_store(&made, 0);
    atomic_store(&freed, 0);
    return 0;
}

/* The number of the thing that is got under the key. */
static int get(const char *key, bool unchecked, bool *found) {
    msio_answer *answer;
    bool ignored;
    int pause = 0;
    assert_int_equal(msio_store_get(key, unchecked, make_thing, &pause, &answer, found ? found : &ignored), MSIO_OK);
    int number = ((thing *)answer)->number;
    msio_store_give(answer);
    return number;
}

static int64_t kept(void) {
    msio_cache_stats stats;
    msio_cache_describe(&stats);
    return stats.entries;
}

/* ---------------------------------------------------------------- kept, and dropped */

static void an_answer_is_kept_while_it_holds(void **state) {
    (void)state;
    bool found;
    int first = get("/", false, &found);
    assert_false(found);
    assert_int_equal(get("/", false, &found), first);
    assert_true(found);
    assert_int_equal(atomic_load(&made), 1);
    assert_int_not_equal(get("/tmp", false, NULL), first);
}

static void a_stale_answer_is_made_anew(void **state) {
    (void)state;
    msio_cache_stats before, after;
    int first = get("/", false, NULL);
    msio_cache_describe(&before);
    atomic_store(&they_hold, false);
    int second = get("/", false, NULL);
    msio_cache_describe(&after);
    assert_int_not_equal(second, first);
    assert_int_equal(after.stale - before.stale, 1);
    assert_int_equal(atomic_load(&freed), 1);
    assert_int_equal(get("/", true, NULL), second); /* unchecked: whatever it is */
}

static void an_answer_in_use_outlives_the_store(void **state) {
    (void)state;
    msio_answer *answer;
    bool found;
    int pause = 0;
    assert_int_equal(msio_store_get("/", false, make_thing, &pause, &answer, &found), MSIO_OK);
    msio_store_clear(NULL);
    assert_int_equal(atomic_load(&freed), 0);
    assert_int_equal(((thing *)answer)->number, 0);
    msio_store_give(answer);
    assert_int_equal(atomic_load(&freed), 1);
}

static void what_was_used_longest_ago_goes_first(void **state) {
    (void)state;
    char key[8][16];
    msio_cache_set_limit(4000);
    for (int i = 0; i < 4; i++) {
        snprintf(key[i], sizeof key[i], "/\n%d", i);
        get(key[i], false, NULL);
    }
    int first = get(key[0], false, NULL);
    get("/\nmore", false, NULL); /* key 1 goes */
    assert_int_equal(kept(), 4);
    assert_int_equal(get(key[0], false, NULL), first);
    bool found;
    get(key[1], false, &found);
    assert_false(found);
    msio_cache_set_limit(0);
    assert_int_equal(kept(), 0);
}

static void an_answer_may_grow(void **state) {
    (void)state;
    msio_cache_stats stats;
    msio_answer *answer;
    bool found;
    int pause = 0;
    assert_int_equal(msio_store_get("/", false, make_thing, &pause, &answer, &found), MSIO_OK);
    msio_store_grown(answer, 500);
    msio_cache_describe(&stats);
    assert_int_equal(stats.bytes, 1500);
    msio_store_clear(NULL);
    msio_store_grown(answer, 500); /* it is no longer kept */
    msio_cache_describe(&stats);
    assert_int_equal(stats.bytes, 0);
    msio_store_give(answer);
}

static void clearing_one_leaves_the_others(void **state) {
    (void)state;
    get("/", false, NULL);
    get("/\nflags", false, NULL);
    get("/tmp", false, NULL);
    msio_store_clear("/");
    assert_int_equal(kept(), 1);
    assert_int_equal(get("/tmp", false, NULL), 2);
}

static void answers_of_vanished_tables_leave(void **state) {
    (void)state;
    get("/no/such/folder", false, NULL);
    for (int i = 0; i < 16; i++) { /* as many answers are made as there are shards */
        char key[32];
        snprintf(key, sizeof key, "/\n%d", i);
        get(key, false, NULL);
    }
    assert_int_equal(kept(), 16);
}

static void answers_of_subtables_by_keyword_stay(void **state) {
    (void)state;
    get("/::ANTENNA", false, NULL);
    for (int i = 0; i < 16; i++) {
        char key[32];
        snprintf(key, sizeof key, "/\n%d", i);
        get(key, false, NULL);
    }
    assert_int_equal(kept(), 17);
}

static void a_failure_is_not_kept(void **state) {
    (void)state;
    msio_answer *answer;
    bool found;
    assert_int_equal(msio_store_get("/", false, fail_to_make, NULL, &answer, &found), MSIO_E_IO);
    assert_int_equal(kept(), 0);
    get("/", false, NULL);
    assert_int_equal(kept(), 1);
}

/* ---------------------------------------------------------------- threads */

#define THREADS 8

static void *get_slowly(void *user) {
    msio_answer *answer;
    bool found;
    int pause = 20000;
    msio_status status = msio_store_get(user, false, make_thing, &pause, &answer, &found);
    if (!status) msio_store_give(answer);
    return status ? user : NULL;
}

static void run_threads(void *(*work)(void *), void *user) {
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, user), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
}

static void one_thread_makes_it_for_all(void **state) {
    (void)state;
    run_threads(get_slowly, "/");
    assert_int_equal(atomic_load(&made), 1);
}

static void *ask_at_random(void *user) {
    unsigned seed = (unsigned)(uintptr_t)&seed;
    (void)user;
    for (int i = 0; i < 3000; i++) {
        char key[16];
        msio_answer *answer;
        bool found;
        int pause = 0;
        snprintf(key, sizeof key, "/\n%d", rand_r(&seed) % 20);
        if (msio_store_get(key, rand_r(&seed) % 2, make_thing, &pause, &answer, &found)) return "failed";
        if (rand_r(&seed) % 50 == 0) msio_store_grown(answer, 10);
        msio_store_give(answer);
        if (rand_r(&seed) % 200 == 0) atomic_store(&they_hold, !atomic_load(&they_hold));
        if (rand_r(&seed) % 500 == 0) msio_store_clear(NULL);
    }
    return NULL;
}

static void threads_at_random_leave_nothing_behind(void **state) {
    (void)state;
    msio_cache_stats stats;
    msio_cache_set_limit(8000);
    run_threads(ask_at_random, NULL);
    msio_store_clear(NULL);
    msio_cache_describe(&stats);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(atomic_load(&made), atomic_load(&freed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_is_kept_while_it_holds, start),
        cmocka_unit_test_setup(a_stale_answer_is_made_anew, start),
        cmocka_unit_test_setup(an_answer_in_use_outlives_the_store, start),
        cmocka_unit_test_setup(what_was_used_longest_ago_goes_first, start),
        cmocka_unit_test_setup(an_answer_may_grow, start),
        cmocka_unit_test_setup(clearing_one_leaves_the_others, start),
        cmocka_unit_test_setup(answers_of_vanished_tables_leave, start),
        cmocka_unit_test_setup(answers_of_subtables_by_keyword_stay, start),
        cmocka_unit_test_setup(a_failure_is_not_kept, start),
        cmocka_unit_test_setup(one_thread_makes_it_for_all, start),
        cmocka_unit_test_setup(threads_at_random_leave_nothing_behind, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
