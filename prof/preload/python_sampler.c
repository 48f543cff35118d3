/* python_sampler.c - one thread of ours looks at all of Python's threads, a hundred times a second: at their stacks,
 * the processor time that each took since, and the process's memory. No signal is sent and nothing is interrupted: each
 * look waits for Python's lock as any thread does, and stands for the time since the one before.
 *
 * It begins with the first table that is opened, and ends when Python does: it is asked to by Python's own atexit, and
 * a look under way is waited for.
 */
#include "prof/preload/preload.h"
#include "prof/preload/python.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 1024 /* Python's threads whose processor time is followed */
#define FRAMES_UP 400
#define FEW_PAGES 4        /* that came between looks: not worth asking what the process has */
#define STACK_BYTES 262144 /* of our own thread */

enum { NONE, BEGINNING, RUNNING, ENDED };
static _Atomic int state;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int looking; /* 1: in a look, from before Python's lock is asked for until after it was given back */

/* ---------------------------------------------------------------- processor time and memory */

/* What each thread had taken at the last look. Only this thread of ours touches it, but in the child of a fork. */
static struct {
    unsigned long thread; /* pthread_self of it; 0: free */
    uint64_t cpu;
    uint64_t look;
} followed[THREADS];

static uint64_t this_look;

static uint64_t in_ns(struct timespec t) { return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }

/* Since the last look; a thread that was not there then begins from now. Threads with a stack of Python's are alive as
 * long as Python's lock is held by somebody else. number: the kernel's of the thread, which is in the name of the clock
 * of its processor time (linux/posix-timers.h: ~number << 3, and a kind); 0: it has none. */
static uint64_t cpu_since(unsigned long thread, uint32_t *number) {
    clockid_t clock;
    struct timespec now;
    *number = 0;
    if (pthread_getcpuclockid((pthread_t)thread, &clock) || clock_gettime(clock, &now)) return 0;
    *number = (uint32_t) ~(clock >> 3);
    for (unsigned i = 0, at = (unsigned)(thread >> 12) % THREADS; i < 32; i++, at = (at + 1) % THREADS) {
        bool known = followed[at].thread == thread && followed[at].look + 1 == this_look;
        if (followed[at].thread != thread && followed[at].thread && followed[at].look + 1 >= this_look) continue;
        uint64_t before = known ? followed[at].cpu : in_ns(now);
        followed[at].thread = thread;
        followed[at].cpu = in_ns(now);
        followed[at].look = this_look;
        return in_ns(now) - before;
    }
    return 0;
}

/* Resident bytes of the process as the kernel lists them; -1: unknown. */
static int64_t read_resident(void) {
    char text[128];
    int64_t pages = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    long n = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (n <= 0) return -1;
    text[n] = '\0';
    const char *at = strchr(text, ' ');
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++) pages = pages * 10 + (*at - '0');
    return pages * sysconf(_SC_PAGESIZE);
}

/* The same, asked for only where pages came since: that is told for much less. What only went away is seen with the
 * next that come. */
static int64_t resident(void) {
    static int64_t last = -1;
    static long faults_then;
    struct rusage used;
    long faults = getrusage(RUSAGE_SELF, &used) ? -1 : used.ru_minflt + used.ru_majflt;
    if (last < 0 || faults < 0 || faults - faults_then >= FEW_PAGES || faults < faults_then) {
        last = read_resident();
        faults_then = faults;
    }
    return last;
}

/* ---------------------------------------------------------------- looks */

/* What a look sees of a thread. */
typedef struct seen {
    profile_stack *stack;
    python_object *task; /* the outermost frame by which a task of CASA is called, held; NULL: none */
    uint32_t caller;     /* site of the user's own line, entry + 1; 0: none */
} seen;

/* Of a stack that is too deep the innermost frames are kept, and as the last one the user's own, wherever it is. */
static seen see(python_object *frame) {
    uint32_t site[PROFILE_DEPTH], depth = 0, user = UINT32_MAX;
    seen s = {0};
    python.take(frame);
    for (int up = 0; frame && up < FRAMES_UP && (depth < PROFILE_DEPTH || user == UINT32_MAX); up++) {
        python_owner owner;
        uint32_t found = python_frame_site(frame, &owner);
        bool own = owner == PYTHON_OWN && user == UINT32_MAX;
        if (found && own && depth == PROFILE_DEPTH) depth--;
        if (found && own) user = depth, s.caller = found;
        if (found && depth < PROFILE_DEPTH) site[depth++] = found - 1;
        if (owner == PYTHON_TASK) {
            if (s.task) python.give(s.task);
            python.take(s.task = frame);
        }
        python_object *outer = python.back(frame);
        python.give(frame);
        frame = outer;
    }
    if (frame) python.give(frame);
    if (depth) s.stack = preload_stack(site, depth, user == UINT32_MAX ? depth : user);
    return s;
}

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

/* Looks at all threads; the memory that came is the one's that took the most processor time meanwhile. */
static void look_at_all(python_object *stacks, uint64_t wall, int64_t growth) {
    python_object *key, *frame;
    profile_stack *busiest = NULL;
    uint64_t most = 0, now = preload_now();
    uint32_t process = (uint32_t)getpid(), number;
    ssize_t at = 0;
    while (python.next(stacks, &at, &key, &frame)) {
        unsigned long thread = python.number(key);
        uint64_t cpu = cpu_since(thread, &number);
        seen of_thread = see(frame);
        profile_stack *stack = of_thread.stack;
        if (of_thread.task) {
            python_tasks_seen(thread, of_thread.task, of_thread.caller, cpu);
            python.give(of_thread.task);
        }
        if (number) preload_thread_seen(process, number, stack, now);
        if (!stack) continue;
        add(&stack->samples, 1);
        add(&stack->wall_ns, wall);
        add(&stack->cpu_ns, cpu);
        if (!busiest || cpu > most) busiest = stack, most = cpu;
    }
    if (busiest && growth) atomic_fetch_add_explicit(&busiest->growth, growth, memory_order_relaxed);
}

static void look(python_object *stacks_of_all, uint64_t wall) {
    static int64_t before = -1;
    this_look++;
    int collector = python_collector_off();
    python_object *stacks = python.call(stacks_of_all, NULL);
    if (stacks) {
        int64_t now = resident();
        python_tasks_begin(wall, preload_now());
        look_at_all(stacks, wall, before < 0 || now < 0 ? 0 : now - before);
        python_tasks_end();
        if (this_look % preload_segment->sample_hz == 0) python_lines_write();
        before = now;
        python.give(stacks);
        add(&preload_segment->looks, 1);
    } else {
        python.clear_error();
    }
    python_collector_back(collector);
}

/* ---------------------------------------------------------------- the thread */

/* Called by Python's atexit, which holds its lock. */
static python_object *end(python_object *self, python_object *arguments) {
    (void)arguments;
    atomic_store(&state, ENDED);
    if (atomic_load(&looking)) { /* it waits for the lock that we hold */
        python_object *thread = python.leave();
        while (atomic_load(&looking)) nanosleep(&(struct timespec){0, 100000}, NULL);
        python.enter(thread);
    }
    return python.attribute(self, "__name__"); /* nobody looks at what it is */
}

static python_definition end_definition = {"end_of_samples", end, PYTHON_NO_ARGUMENTS, NULL};

/* sys._current_frames, once the end is cared for; NULL: Python would not. */
static python_object *begin_looks(void) {
    python_object *list = python.of_sys("_current_frames"), *atexit = python.import("atexit"), *told = NULL;
    python_object *function = atexit ? python.function(&end_definition, atexit, NULL) : NULL;
    if (function) told = python.call_method(atexit, "register", "O", function);
    if (!told) python.clear_error();
    bool well = list && told;
    if (told) python.give(told);
    if (function) python.give(function);
    if (atexit) python.give(atexit);
    if (well) python.take(list);
    return well ? list : NULL;
}

static uint64_t own_cpu(void) {
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? 0 : in_ns(t);
}

/* Python's state of this thread, made once: while it is made Python's list of threads is locked, and a child of a fork
 * at that moment would wait for it for ever. So forks wait meanwhile (preload_sampler_fork). */
static python_object *make_state(void) {
    pthread_mutex_lock(&making);
    python_object *made =
        atomic_load(&state) == RUNNING && python.is_initialized() ? python.new_thread(python.interpreter()) : NULL;
    pthread_mutex_unlock(&making);
    return made;
}

/* One look, with Python's lock. False: Python is ending. */
static bool one_look(python_object *own, python_object **stacks_of_all, uint64_t *last) {
    atomic_store(&looking, 1);
    bool goes_on = atomic_load(&state) == RUNNING && python.is_initialized();
    if (goes_on) {
        python.enter(own);
        uint64_t now = preload_now();
        if (!*stacks_of_all) *stacks_of_all = begin_looks();
        if (*stacks_of_all && atomic_load(&state) == RUNNING) look(*stacks_of_all, now - *last);
        goes_on = *stacks_of_all != NULL;
        *last = now;
        python.leave();
    }
    atomic_store(&looking, 0);
    return goes_on;
}

static void *sample(void *unused) {
    uint64_t step = 1000000000u / preload_segment->sample_hz, last = preload_now(), next = last, took = 0;
    python_object *stacks_of_all = NULL, *own = make_state();
    (void)unused;
    pthread_setname_np(pthread_self(), "msio-profile");
    while (own && one_look(own, &stacks_of_all, &last)) {
        uint64_t cpu = own_cpu(), now = preload_now();
        add(&preload_segment->look_ns, cpu - took);
        took = cpu;
        next = next + step > now ? next + step : now + step;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
                        &(struct timespec){(time_t)(next / 1000000000u), (long)(next % 1000000000u)}, NULL);
    }
    return NULL;
}

/* The program's signals are for its own threads. */
static bool begin_thread(void) {
    pthread_attr_t how;
    pthread_t thread;
    sigset_t all, kept;
    if (pthread_attr_init(&how)) return false;
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&how, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &kept);
    bool begun = pthread_create(&thread, &how, sample, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    pthread_attr_destroy(&how);
    return begun;
}

void preload_sampler_begin(void) {
    int none = NONE;
    if (atomic_load_explicit(&state, memory_order_relaxed) != NONE) return;
    if (preload_segment->sample_hz == 0 || preload_segment->sample_hz > 1000) return;
    if (!python_is_there() || !python.is_initialized() || !preload_is_own_memory()) return;
    if (!atomic_compare_exchange_strong(&state, &none, BEGINNING)) return;
    int kept = errno;
    atomic_store(&state, RUNNING);
    if (!begin_thread()) atomic_store(&state, ENDED);
    errno = kept;
}

void preload_sampler_fork(void) { pthread_mutex_lock(&making); }

void preload_sampler_parent(void) { pthread_mutex_unlock(&making); }

void preload_sampler_child(void) {
    pthread_mutex_unlock(&making);
    atomic_store(&state, NONE);
    atomic_store(&looking, 0);
    memset(followed, 0, sizeof followed);
    python_tasks_forget();
}
