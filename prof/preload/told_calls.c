/* told_calls.c - calls of msio's own library by the program, and what msio holds: msio itself tells of both, wherever
 * it is in the process, and here it is counted by the place that the calls come from.
 */
#include "prof/preload/preload.h"
#include "prof/preload/profile_listener.h"
#include "prof/preload/python.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOTHING UINT32_MAX
#define WAYS 64u
#define TIME_EACH 8 /* what counting costs is measured at each so many calls */
#define LONGEST_PATH 4096u

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

/* ---------------------------------------------------------------- names */

/* Texts that a thread told of last, by what they hash to. A relative path is what it was when it was told of first: a
 * table stays the same when the program goes to another folder. */
typedef struct known_text {
    uint64_t hash;
    size_t length;
    uint32_t string; /* entry + 1 */
    bool path;
} known_text;

static __thread known_text texts[WAYS] __attribute__((tls_model("initial-exec")));

static __attribute__((noinline)) uint32_t absolute_path(const char *path, size_t length) {
    char whole[2 * LONGEST_PATH];
    long folder = syscall(SYS_getcwd, whole, (size_t)LONGEST_PATH); /* with its NUL */
    if (folder <= 1 || length >= LONGEST_PATH) return preload_string(path, length);
    size_t at = (size_t)folder - 1;
    if (at > 1) whole[at++] = '/';
    while (length > 2 && path[0] == '.' && path[1] == '/') path += 2, length -= 2;
    memcpy(whole + at, path, length);
    return preload_string(whole, at + length);
}

static uint32_t text_entry(const char *text, bool path) {
    if (!text) text = "";
    size_t length = strlen(text);
    while (path && length > 1 && text[length - 1] == '/') length--;
    uint64_t hash = hash_of(text, length);
    known_text *way = &texts[(hash >> 8) % WAYS];
    if (way->string && way->hash == hash && way->length == length && way->path == path) return way->string - 1;
    uint32_t string = path && length && *text != '/' ? absolute_path(text, length) : preload_string(text, length);
    if (string != NOTHING) *way = (known_text){hash, length, string + 1, path};
    return string;
}

/* ---------------------------------------------------------------- places */

static __thread uint64_t told_place __attribute__((tls_model("initial-exec"))); /* site * 4 + sureness; 0: none */

/* Sites of return addresses in code that is not msio's: an address stands for its place. */
static __thread struct {
    const void *address;
    uint32_t site;
} natives[WAYS] __attribute__((tls_model("initial-exec")));

static bool is_msio(const void *address) {
    Dl_info about;
    if (!dladdr(address, &about) || !about.dli_fname) return true;
    const char *slash = strrchr(about.dli_fname, '/'), *name = slash ? slash + 1 : about.dli_fname;
    return strncmp(name, "libmsio", 7) == 0 || strncmp(name, "_msio.", 6) == 0;
}

static uint32_t native_site(const void *from) {
    size_t at = ((uintptr_t)from * 0x9e3779b97f4a7c15u >> 50) % WAYS;
    if (natives[at].address == from) return natives[at].site;
    if (is_msio(from)) return 0; /* Python's extension, of which Python told no line */
    uint32_t site = preload_native_site();
    if (site) {
        natives[at].address = from;
        natives[at].site = site;
    }
    return site;
}

static uint32_t site_of(const void *from, uint32_t *sure) {
    *sure = PROFILE_SITE_EXACT;
    if (told_place) {
        *sure = (uint32_t)(told_place & 3);
        return (uint32_t)(told_place >> 2);
    }
    uint32_t site = preload_python_site(sure);
    if (!site) site = preload_left_site();
    if (!site) site = native_site(from);
    if (!site) *sure = PROFILE_SITE_UNKNOWN;
    return site;
}

static uint64_t place(const void *from) {
    uint32_t sure;
    int kept = errno;
    uint64_t site = site_of(from, &sure);
    errno = kept;
    return site ? site << 2 | sure : 0;
}

static void at_place(uint64_t given) { told_place = given; }

/* ---------------------------------------------------------------- calls */

static profile_told *find_call(const profile_told_call *told) {
    profile_told key = {.function = text_entry(told->function, false),
                        .path = text_entry(told->path, true),
                        .column = text_entry(told->column, false)};
    if (key.function == NOTHING || key.path == NOTHING || key.column == NOTHING) return NULL;
    key.site = site_of(told->from, &key.sure);
    uint32_t entry = preload_told(&key);
    return entry == NOTHING ? NULL : &preload_segment->told[entry];
}

static void *begin(const profile_told_call *told) {
    static __thread unsigned turn __attribute__((tls_model("initial-exec")));
    int kept = errno;
    uint64_t start = turn++ % TIME_EACH == TIME_EACH / 2 ? preload_now() : 0;
    profile_told *call = find_call(told);
    if (call) add(&call->calls, 1);
    if (start) {
        add(&preload_segment->timed_told, 1);
        add(&preload_segment->timed_told_ns, preload_now() - start);
    }
    errno = kept;
    return call;
}

static void end(void *begun, uint64_t ns, int64_t bytes, int64_t rows) {
    profile_told *call = begun;
    add(&call->ended, 1);
    add(&call->ns, ns);
    if (bytes > 0) add(&call->bytes, (uint64_t)bytes);
    if (rows > 0) add(&call->rows, (uint64_t)rows);
    uint64_t longest = atomic_load_explicit(&call->longest_ns, memory_order_relaxed);
    while (ns > longest && !atomic_compare_exchange_weak(&call->longest_ns, &longest, ns)) {}
}

/* ---------------------------------------------------------------- what is held */

static void change(uint32_t path, uint32_t kind, int64_t grew) {
    uint32_t entry = preload_held(path, kind);
    if (entry == NOTHING) return;
    profile_held *held = &preload_segment->held[entry];
    int64_t bytes = atomic_fetch_add_explicit(&held->bytes, grew, memory_order_relaxed) + grew;
    int64_t most = atomic_load_explicit(&held->most, memory_order_relaxed);
    while (bytes > most && !atomic_compare_exchange_weak(&held->most, &most, bytes)) {}
}

static void held(const char *path, const char *kind, int64_t grew) {
    int kept = errno;
    uint32_t of = text_entry(path, true), what = text_entry(kind, false), none = text_entry("", false);
    if (of != NOTHING && what != NOTHING) change(of, what, grew);
    if (none != NOTHING) change(none, none, grew);
    errno = kept;
}

/* ---------------------------------------------------------------- begin */

/* The folder of Python's package, of the extension in it. */
static void pass_over_package(const char *extension) {
    char folder[1024];
    const char *slash = strrchr(extension, '/');
    size_t length = slash ? (size_t)(slash - extension) + 1 : 0;
    if (length == 0 || length >= sizeof folder) return;
    memcpy(folder, extension, length);
    folder[length] = '\0';
    python_pass_over(folder);
}

PRELOAD_EXPORT const profile_listener *msio_profile_listener_1(const void *of);

/* An msio that is part of the program itself has no name to be passed over by: it is not listened to. */
const profile_listener *msio_profile_listener_1(const void *of) {
    static const profile_listener listener = {begin, end, held, place, at_place};
    Dl_info about;
    preload_begin();
    if (!is_msio(of) || !dladdr(of, &about) || !about.dli_fname || !preload_attach()) return NULL;
    const char *slash = strrchr(about.dli_fname, '/');
    if (strncmp(slash ? slash + 1 : about.dli_fname, "_msio.", 6) == 0) pass_over_package(about.dli_fname);
    preload_watch_modules(); /* its calls leave Python's lock from the first one on */
    return &listener;
}
