/* events.c - the log of single events, where the run asked for it (--trace). */
#include "prof/preload/preload.h"

#include <sys/syscall.h>
#include <unistd.h>

profile_events *preload_events;

static uint32_t own_thread(void) {
    static __thread uint32_t thread __attribute__((tls_model("initial-exec")));
    static __thread unsigned epoch __attribute__((tls_model("initial-exec")));
    if (!thread || epoch != preload_epoch) {
        thread = (uint32_t)syscall(SYS_gettid);
        epoch = preload_epoch;
    }
    return thread;
}

void preload_log(uint32_t kind, uint32_t of, uint64_t amount, uint64_t start, uint64_t ns) {
    uint64_t number = atomic_fetch_add_explicit(&preload_events->taken, 1, memory_order_relaxed);
    profile_event *event = &preload_events->event[number % PROFILE_EVENTS];
    atomic_store_explicit(&event->number, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    event->start = start > preload_segment->started ? start - preload_segment->started : 0;
    event->amount = amount;
    event->duration = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
    event->kind = kind;
    event->of = of;
    event->thread = own_thread();
    atomic_store_explicit(&event->number, number + 1, memory_order_release);
}
