/* ahead.c - two batches that take turns: one is the caller's, the other is filled meanwhile by a thread. */
#include "io/engine/ahead.h"

#include "core/lock.h"
#include "core/threads.h"
#include "prof/call.h"
#include "prof/span.h"

/* The half holds the next batch, the end, or an error afterwards. */
static void fill_half(msio_ahead *a, int half) {
    a->half[half].status = a->fill(a->user, half);
    if (a->half[half].status && a->half[half].status != MSIO_END) msio_error_save(&a->half[half].error);
}

static void *reader(void *user) {
    PROF_WITHIN;
    msio_ahead *a = user;
    int turn = 0;
    pthread_mutex_lock(&a->mutex);
    while (!a->stop) {
        if (a->half[turn].filled) {
            pthread_cond_wait(&a->changed, &a->mutex);
            continue;
        }
        pthread_mutex_unlock(&a->mutex);
        fill_half(a, turn);
        pthread_mutex_lock(&a->mutex);
        a->half[turn].filled = true;
        pthread_cond_broadcast(&a->changed);
        if (a->half[turn].status) break; /* the end, or an error: told once, and again */
        turn ^= 1;
    }
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

void msio_ahead_prepare(msio_ahead *ahead, msio_ahead_fill fill, void *user) {
    *ahead = (msio_ahead){.fill = fill, .user = user, .forks = msio_forks()};
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->changed, NULL);
}

static void begin(msio_ahead *a) {
    if (a->begun) return;
    a->begun = true;
    a->threaded = !msio_threads_forked() && pthread_create(&a->thread, NULL, reader, a) == 0;
}

static bool is_parents(const msio_ahead *a) { return a->forks != msio_forks(); }

static void wait_for(msio_ahead *a, int half) {
    if (!a->threaded) {
        if (a->half[half].filled) return;
        fill_half(a, half);
        a->half[half].filled = true;
        return;
    }
    prof_span span;
    prof_begin(&span, PROF_PATH_STREAM_WAIT);
    pthread_mutex_lock(&a->mutex);
    while (!a->half[half].filled) pthread_cond_wait(&a->changed, &a->mutex);
    pthread_mutex_unlock(&a->mutex);
    prof_end(&span, &(prof_work){.pieces = 1});
}

/* The caller is done with the half it got last: it may be filled again. */
static void take_back(msio_ahead *a, int half) {
    if (!a->half[half].filled || a->half[half].status) return;
    if (!a->threaded) {
        a->half[half].filled = false;
        return;
    }
    pthread_mutex_lock(&a->mutex);
    a->half[half].filled = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

msio_status msio_ahead_begin(msio_ahead *ahead) {
    if (is_parents(ahead))
        return msio_error_set(MSIO_E_UNSUPPORTED, NULL,
                              "this stream was begun before the process was forked, and the thread that reads ahead is "
                              "the parent's: begin it in the child");
    begin(ahead);
    return MSIO_OK;
}

void msio_ahead_start(msio_ahead *ahead, msio_ahead_fill fill, void *user) {
    msio_ahead_prepare(ahead, fill, user);
    begin(ahead);
}

msio_status msio_ahead_next(msio_ahead *ahead, int *half) {
    int turn = ahead->turn;
    msio_status status = msio_ahead_begin(ahead);
    if (status) return status;
    if (ahead->given) take_back(ahead, turn ^ 1);
    ahead->given = false;
    wait_for(ahead, turn);
    status = ahead->half[turn].status;
    if (status) return status == MSIO_END ? status : msio_error_restore(&ahead->half[turn].error);
    *half = turn;
    ahead->given = true;
    ahead->turn ^= 1;
    return MSIO_OK;
}

bool msio_ahead_stop(msio_ahead *ahead) {
    if (!ahead->fill) return true;
    if (is_parents(ahead)) return false;
    if (ahead->threaded) {
        pthread_mutex_lock(&ahead->mutex);
        ahead->stop = true;
        pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->mutex);
        pthread_join(ahead->thread, NULL);
    }
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->mutex);
    return true;
}
