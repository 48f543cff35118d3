/* in_threads.h - for tests: the same question from eight threads at once. */
#ifndef MSIO_TESTS_IN_THREADS_H
#define MSIO_TESTS_IN_THREADS_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ask returns NULL, or what failed. */
static inline void ask_in_threads(void *(*ask)(void *)) {
    pthread_t thread[8];
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&thread[i], NULL, ask, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
}

#endif
