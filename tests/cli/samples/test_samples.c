/* test_samples.c - stacks of native code: where code stands, against a list of pages; unwinding, against the C
 * library's own backtrace; files that were damaged.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/samples/samples_code.h"
#include "cli/samples/samples_names.h"
#include "cli/samples/samples_unwind.h"
#include "tests/sanitized.h"

#include <alloca.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define PID 77
#define MOST 64

/* ---------------------------------------------------------------- where code stands */

#define PAGES 60
#define PROCESSES 4
#define PAGE 4096u

static void test_code_against_pages(void **state) {
    static struct {
        int file;
        uint64_t offset;
    } page[PROCESSES][PAGES];
    (void)state;
    code *all = code_new();
    srand(5);
    memset(page, -1, sizeof page);
    for (int turn = 0; turn < 20000; turn++) {
        uint32_t pid = (uint32_t)(rand() % PROCESSES), other = (uint32_t)(rand() % PROCESSES);
        if (turn % 50 == 0 && pid != other) {
            code_forked(all, pid, other);
            memcpy(page[pid], page[other], sizeof page[pid]);
        } else if (turn % 77 == 0) {
            code_gone(all, pid);
            memset(page[pid], -1, sizeof page[pid]);
        } else {
            int from = rand() % PAGES, n = 1 + rand() % (PAGES - from), file = rand() % 5;
            uint64_t offset = (uint64_t)(rand() % 100) * PAGE;
            char path[32];
            snprintf(path, sizeof path, "/lib/%c.so", 'a' + file);
            code_mapped(all, pid, (code_map){(uint64_t)from * PAGE, (uint64_t)(from + n) * PAGE, offset, 0}, path);
            for (int i = 0; i < n; i++)
                page[pid][from + i].file = file, page[pid][from + i].offset = offset + (uint64_t)i * PAGE;
        }
        if (turn % 19 == 0) code_ended(all, other); /* its other threads go on */
        int at = rand() % PAGES;
        uint64_t within = (uint64_t)rand() % PAGE;
        code_place place = code_at(all, pid, (uint64_t)at * PAGE + within);
        if (page[pid][at].file < 0) {
            assert_int_equal(place.file, -1);
            assert_int_equal(place.offset, (uint64_t)at * PAGE + within);
        } else {
            const char path[] = {'/', 'l', 'i', 'b', '/', (char)('a' + page[pid][at].file), '.', 's', 'o', 0};
            assert_string_equal(code_file_at(all, place.file)->path, path);
            assert_int_equal(place.offset, page[pid][at].offset + within);
        }
    }
    code_free(all);
}

/* ---------------------------------------------------------------- unwinding */

static uint64_t stack_end;

/* This process's code, as the kernel would have told of it. */
static code *own_code(void) {
    char line[4096];
    code *all = code_new();
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        code_map map = {0};
        char rights[8], path[3000] = "";
        int fields = sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %2999[^\n]", &map.from, &map.to,
                            rights, &map.offset, path);
        if (strcmp(path, "[stack]") == 0) stack_end = map.to;
        if (fields == 5 && rights[2] == 'x') code_mapped(all, PID, map, path);
    }
    fclose(maps);
    return all;
}

/* Filled where a stack is looked at. */
static struct {
    code_place place[MOST];
    int n;
    unwind_end end;
    void *frame[MOST];
    int frames;
    size_t stack_bytes;
} seen;

static code *all;
static unwinder *walker;

/* Bytes of the stack are read as they are, guarded or not. */
__attribute__((no_sanitize("address"))) static void copy_stack(uint8_t *to, const uint8_t *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) to[i] = from[i];
}

/* Both ways of walking up from here. */
__attribute__((noinline)) static void look_at_stack(void) {
    static const int number[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                 REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    static uint8_t copy[1 << 16];
    ucontext_t here;
    unwind_thread thread = {.pid = PID, .stack = copy};
    seen.frames = backtrace(seen.frame, MOST);
    const int own = code_at(all, PID, (uint64_t)&code_at).file;
    while (seen.frames && code_at(all, PID, (uint64_t)seen.frame[0]).file != own) /* a sanitizer's, in between */
        memmove(seen.frame, seen.frame + 1, (size_t)--seen.frames * sizeof *seen.frame);
    assert_int_equal(getcontext(&here), 0);
    for (size_t i = 0; i < UNWIND_REGISTERS; i++) thread.reg[i] = (uint64_t)here.uc_mcontext.gregs[number[i]];
    thread.bytes = seen.stack_bytes;
    if (thread.bytes > stack_end - thread.reg[UNWIND_RSP]) thread.bytes = stack_end - thread.reg[UNWIND_RSP];
    copy_stack(copy, (const uint8_t *)thread.reg[UNWIND_RSP], thread.bytes); // NOLINT
    seen.n = unwind(walker, &thread, seen.place, MOST, &seen.end);
}

/* All frames but the innermost, whose place has moved on since. A place that a signal interrupted is told as it is. */
static void check_same(int least) {
    assert_true(seen.n >= least);
    assert_int_equal(seen.n, seen.frames);
    for (int i = 1; i < seen.n; i++) {
        code_place call = code_at(all, PID, (uint64_t)seen.frame[i] - 1),
                   itself = code_at(all, PID, (uint64_t)seen.frame[i]);
        assert_int_equal(seen.place[i].file, call.file);
        assert_true(seen.place[i].offset == call.offset || seen.place[i].offset == itself.offset);
    }
}

static volatile int kept;

__attribute__((noinline)) static void go_deeper(int depth, size_t room) {
    volatile char *large = alloca(room + 1); /* its frame is found by RBP */
    large[room] = (char)depth;
    if (depth)
        go_deeper(depth - 1, room);
    else
        look_at_stack();
    kept += large[room]; /* no call in place of a return */
}

static int compare(const void *one, const void *other) {
    if (!seen.n) look_at_stack();
    return *(const int *)one - *(const int *)other;
}

static void handle(int number) {
    (void)number;
    look_at_stack();
    kept++;
}

static int set_up(void **state) {
    (void)state;
    memset(&seen, 0, sizeof seen);
    seen.stack_bytes = 1 << 16;
    all = own_code();
    walker = unwinder_new(all);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unwinder_free(walker);
    code_free(all);
    return 0;
}

static void test_unwind_functions(void **state) {
    (void)state;
    if (!walker) skip();
    go_deeper(5, 33);
    check_same(8);
    assert_int_equal(seen.end, UNWIND_WHOLE);
}

static void test_unwind_library(void **state) {
    int list[] = {3, 1, 2};
    (void)state;
    if (!walker) skip();
    qsort(list, 3, sizeof *list, compare);
    check_same(5);
    assert_int_equal(seen.end, UNWIND_WHOLE);
}

static void test_unwind_signal(void **state) {
    (void)state;
    if (!walker) skip();
    signal(SIGUSR1, handle);
    raise(SIGUSR1);
    kept++;
    check_same(6);
    assert_int_equal(seen.end, UNWIND_WHOLE);
}

/* A stack of which too little is copied: what is known is right, and that it is cut is told. */
static void test_unwind_cut(void **state) {
    (void)state;
    if (!walker) skip();
    seen.stack_bytes = 3000;
    go_deeper(20, 200);
    assert_int_equal(seen.end, UNWIND_CUT);
    assert_in_range(seen.n, 2, 20);
    for (int i = 1; i < seen.n; i++)
        assert_int_equal(seen.place[i].offset, code_at(all, PID, (uint64_t)seen.frame[i] - 1).offset);
}

/* More frames than are wanted. */
static void test_unwind_most(void **state) {
    (void)state;
    if (!walker) skip();
    go_deeper(100, 1);
    assert_int_equal(seen.n, MOST);
    assert_int_equal(seen.end, UNWIND_CUT);
}

/* ---------------------------------------------------------------- names */

static void test_names(void **state) {
    (void)state;
    if (!walker) skip();
    names *n = names_new();
    code_place here = code_at(all, PID, (uint64_t)&test_names), elsewhere = code_at(all, PID, (uint64_t)&qsort);
    code_name name = names_find(n, code_file_at(all, here.file)->path, here.offset);
    assert_string_equal(name.function, "test_names");
    assert_non_null(name.source);
    assert_true(*name.source == '/');
    assert_null(strstr(name.source, "/.."));
    assert_non_null(strstr(name.source, "/tests/cli/samples/test_samples.c"));
    assert_in_range(name.line, 200, 400);
    free(name.function);
    free(name.source);
    name = names_find(n, code_file_at(all, elsewhere.file)->path, elsewhere.offset);
    assert_non_null(strstr(name.function, "qsort"));
    free(name.function);
    free(name.source);
    name = names_find(n, "/nowhere/at/all.so", 0x1a2b);
    assert_string_equal(name.function, "+0x1a2b");
    assert_null(name.source);
    free(name.function);
    names_free(n);
}

/* ---------------------------------------------------------------- damaged files */

/* What libelf unpacked of a damaged file's section names it does not free. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libelf.so\n"; }

static size_t read_all(const char *path, uint8_t **bytes) {
    struct stat about;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    *bytes = malloc((size_t)about.st_size);
    assert_non_null(*bytes);
    assert_int_equal(read(fd, *bytes, (size_t)about.st_size), about.st_size);
    close(fd);
    return (size_t)about.st_size;
}

static void damage(uint8_t *bytes, size_t size) {
    switch (rand() % 4) {
    case 0: /* headers */
        for (int i = 0; i < 6; i++) bytes[rand() % 1024] = (uint8_t)rand();
        break;
    case 1: /* tables at the end */
        for (int i = 0; i < 200; i++) bytes[size - 1 - (size_t)rand() % 4096] = (uint8_t)rand();
        break;
    case 2: /* anywhere */
        for (int i = 0; i < 20000; i++) bytes[(size_t)rand() % size] = (uint8_t)rand();
        break;
    default: /* a stretch */ memset(bytes + (size_t)rand() % (size / 2), rand(), (size_t)rand() % (size / 2));
    }
}

/* Whatever stands in a file, walks end and names are texts. */
static void test_damaged(void **state) {
    char path[] = "/tmp/msio-samples-XXXXXX";
    uint8_t *whole, *copy;
    (void)state;
    if (!walker) skip();
    code_place in = code_at(all, PID, (uint64_t)&free);
    const char *library = code_file_at(all, code_at(all, PID, (uint64_t)&test_damaged).file)->path;
    if (in.file >= 0) library = code_file_at(all, in.file)->path;
    size_t size = read_all(library, &whole);
    copy = malloc(size);
    assert_non_null(copy);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    srand(11);
    for (int turn = 0; turn < 60; turn++) {
        memcpy(copy, whole, size);
        damage(copy, size);
        size_t length = turn % 10 == 9 ? (size_t)rand() % size : size;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, copy, length, 0), (ssize_t)length);
        code *of = code_new();
        unwinder *u = unwinder_new(of);
        names *n = names_new();
        code_mapped(of, PID, (code_map){0x10000, 0x10000 + size, 0, 0}, path);
        for (int i = 0; i < 50; i++) {
            uint64_t stack[64];
            code_place list[MOST];
            unwind_end end;
            unwind_thread thread = {.pid = PID, .stack = (const uint8_t *)stack, .bytes = sizeof stack};
            for (int k = 0; k < 64; k++) stack[k] = 0x10000 + (uint64_t)rand() % size;
            for (int k = 0; k < UNWIND_REGISTERS; k++) thread.reg[k] = 0x7000000 + 8 * (uint64_t)(rand() % 64);
            thread.reg[UNWIND_RSP] = 0x7000000;
            thread.reg[UNWIND_PLACE] = 0x10000 + (uint64_t)rand() % size;
            assert_in_range(unwind(u, &thread, list, MOST, &end), 1, MOST);
            if (i % 10) continue;
            code_name name = names_find(n, path, list[0].offset);
            assert_true(strlen(name.function) > 0);
            free(name.function);
            free(name.source);
        }
        names_free(n);
        unwinder_free(u);
        code_free(of);
    }
    close(fd);
    unlink(path);
    free(whole);
    free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_against_pages),
        cmocka_unit_test_setup_teardown(test_unwind_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwind_library, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwind_signal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwind_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwind_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
