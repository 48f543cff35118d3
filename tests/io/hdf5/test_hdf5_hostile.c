/* test_hdf5_hostile.c - damaged HDF5 files: whatever is flipped, cut or counted wrong, every call returns a status.
 *
 * make_hdf5.py writes the sound files; without h5py or the HDF5 module the test is skipped. Whole files are tried in a
 * child process, so that a crash, a hang or memory without bound fails this test by name. */
#include "io/hdf5/hdf5_file.h"
#include "io/hdf5/hdf5_object.h"
#include "io/hdf5_module/hdf5_module.h"

#include "core/checked.h"

#include "tests/fuzz/table_pack.h"
#include "tests/script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* What reading may take, beyond what the process has before it. */
#define MEMORY_MOST ((rlim_t)256 << 20)
/* Answers of more bytes than this are not asked for: a damaged shape may be honest about being huge. */
#define ANSWER_MOST ((size_t)16 << 20)
#define SECONDS_A_CASE 120

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:max_allocation_size_mb=256"; }

static char folder[64];

/* ---------------------------------------------------------------- sound files */

typedef enum stretch_kind { HEADER, LAYOUT, INDEX, STORED, SEALED } stretch_kind;

typedef struct stretch {
    stretch_kind kind;
    int64_t start, length;
} stretch;

/* A file, what is in it, and the values of its dataset. */
typedef struct sound {
    char path[256];
    bool guarded; /* by a checksum of what is stored */
    int stretches;
    stretch stretch[16];
    uint8_t *bytes;
    int64_t length;
    uint8_t values[8192];
    size_t value_bytes;
    msio_h5_info info;
    msio_decoding decoding;
} sound;

static void load_bytes(sound *s) {
    FILE *in = fopen(s->path, "rb");
    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    s->length = ftell(in);
    assert_true(s->length > 0);
    rewind(in);
    s->bytes = malloc((size_t)s->length);
    assert_non_null(s->bytes);
    assert_int_equal(fread(s->bytes, 1, (size_t)s->length, in), s->length);
    fclose(in);
}

static void load_values(sound *s) {
    msio_hdf5 *file = NULL;
    const msio_dataset *dataset;
    if (msio_hdf5_open(s->path, NULL, &file) != MSIO_OK) fail_msg("%s: %s", s->path, msio_last_error()->message);
    assert_int_equal(msio_hdf5_dataset(file, "data", &dataset), MSIO_OK);
    assert_int_equal(dataset->described.native, 1);
    assert_int_equal(
        msio_dataset_shape(dataset, NULL, dataset->info.type, &(int){0}, (int64_t[MSIO_MAX_NDIM]){0}, &s->value_bytes),
        MSIO_OK);
    assert_true(s->value_bytes <= sizeof s->values);
    assert_int_equal(msio_dataset_read(dataset, NULL, dataset->info.type, s->values, s->value_bytes, NULL), MSIO_OK);
    s->info = dataset->info;
    s->decoding = dataset->decoding;
    msio_hdf5_close(file);
}

static stretch_kind find_kind(const char *name) {
    static const char *const names[] = {"header", "layout", "index", "stored", "sealed"};
    int kind = HEADER;
    while (kind < SEALED && strcmp(name, names[kind]) != 0) kind++;
    return (stretch_kind)kind;
}

static bool next_sound(FILE *list, sound *s) {
    char line[2048], *at = line, *kind;
    memset(s, 0, sizeof *s);
    if (!fgets(line, sizeof line, list)) return false;
    snprintf(s->path, sizeof s->path, "%s", strsep(&at, "\t"));
    s->guarded = atoi(strsep(&at, "\t")) != 0;
    while ((kind = strsep(&at, "\t")) && s->stretches < 16) {
        stretch *part = &s->stretch[s->stretches++];
        part->kind = find_kind(kind);
        part->start = atoll(strsep(&at, "\t"));
        part->length = atoll(strsep(&at, "\t"));
    }
    load_bytes(s);
    load_values(s);
    return true;
}

static void each_sound(void (*check)(sound *s)) {
    char path[128];
    sound s;
    int files = 0;
    snprintf(path, sizeof path, "%s/small.list", folder);
    FILE *list = fopen(path, "r");
    assert_non_null(list);
    for (; next_sound(list, &s); files++) {
        check(&s);
        assert_true(pack_write_file(s.path, s.bytes, (size_t)s.length));
        free(s.bytes);
    }
    fclose(list);
    assert_true(files >= 8);
}

/* ---------------------------------------------------------------- damage */

/* Each bit, all bits clear, all set, the smallest numbers; false: the byte is so already. */
enum { DAMAGES = 12 };

static bool damage(uint8_t *byte, int kind) {
    uint8_t was = *byte;
    if (kind < 8) *byte ^= (uint8_t)(1 << kind);
    if (kind == 8) *byte = 0;
    if (kind == 9) *byte = 255;
    if (kind >= 10) *byte = (uint8_t)(kind - 9);
    return *byte != was;
}

/* Fewer of them, of each byte others, unless MSIO_TEST_LONG asks for all. */
static bool is_tried(stretch_kind part, int64_t at, int kind) {
    return kind == 8 || kind == 9 || kind == (int)(at % 8) || part == LAYOUT || getenv("MSIO_TEST_LONG");
}

/* ---------------------------------------------------------------- by our parsers alone */

/* Every failure has its code and a message. */
static void check_refusal(msio_status status) {
    assert_int_equal(msio_last_error()->code, status);
    assert_true(strlen(msio_last_error()->message) > 10);
}

static void check_chunks(const sound *s, msio_file *file, const msio_chunk_list *list, msio_decode_scratch *scratch) {
    uint8_t stored[8192];
    const uint8_t *out;
    int64_t all = 1;
    for (int k = 0; k < s->info.ndim; k++) all *= list->grid[k];
    assert_true(list->n <= all);
    for (int64_t i = 0; i < list->n; i++) {
        const msio_chunk *c = &list->chunk[i];
        assert_true(c->index >= (i ? list->chunk[i - 1].index + 1 : 0) && c->index < all);
        assert_true(c->address >= 0 && c->bytes >= 0 && c->address + c->bytes <= file->stamp.size);
        if (c->bytes > (int64_t)sizeof stored) continue;
        assert_int_equal(msio_file_read(file, stored, c->bytes, c->address, NULL), MSIO_OK);
        msio_status status = msio_decode(&s->decoding, c->mask, stored, c->bytes, scratch, &out);
        if (status) check_refusal(status);
    }
}

static void parse_damaged(const sound *s) {
    msio_file *file = NULL;
    msio_chunk_list list;
    msio_decode_scratch scratch = {.bytes = 0};
    int64_t address = -1;
    assert_int_equal(msio_file_open(s->path, &file), MSIO_OK);
    msio_status status = s->info.storage == MSIO_H5_CHUNKED ? msio_chunks_load(file, &s->info, NULL, &list)
                                                            : msio_chunks_address(file, &s->info, &address);
    if (status)
        check_refusal(status);
    else if (s->info.storage == MSIO_H5_CHUNKED)
        check_chunks(s, file, &list, &scratch);
    if (s->info.storage == MSIO_H5_CHUNKED) msio_chunks_free(&list);
    msio_decode_scratch_free(&scratch);
    msio_file_close(file);
}

static void parse_every_damage(sound *s) {
    if (s->info.storage == MSIO_H5_CHUNKED && s->info.index != MSIO_H5_BTREE1) return; /* the library's to parse */
    int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int i = 0; i < s->stretches; i++) {
        const stretch *part = &s->stretch[i];
        for (int64_t at = part->start; part->kind != STORED && part->kind != SEALED && at < part->start + part->length;
             at++)
            for (int kind = 0; kind < DAMAGES; kind++) {
                uint8_t byte = s->bytes[at];
                if (!is_tried(part->kind, at, kind) || !damage(&byte, kind)) continue;
                assert_int_equal(pwrite(fd, &byte, 1, at), 1);
                parse_damaged(s);
                assert_int_equal(pwrite(fd, &s->bytes[at], 1, at), 1);
            }
    }
    for (int64_t length = s->length; length > 0; length -= msio_min(length, 13)) {
        assert_int_equal(ftruncate(fd, length), 0);
        parse_damaged(s);
    }
    close(fd);
}

static void damaged_headers_and_indices_are_refused_or_read(void **state) {
    (void)state;
    alarm(600);
    each_sound(parse_every_damage);
    alarm(0);
}

/* ---------------------------------------------------------------- whole files, in children */

/* Where a child is, for the parent to tell. */
typedef struct progress {
    int64_t at;
    int kind;
    char words[200];
} progress;

static progress *child;

#define DEMAND(what)                                                                                                   \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            snprintf(child->words, sizeof child->words, "line %d: %s", __LINE__, #what);                               \
            _exit(8);                                                                                                  \
        }                                                                                                              \
    } while (0)

static void demand_refusal(msio_status status) {
    DEMAND(msio_last_error()->code == status);
    DEMAND(strlen(msio_last_error()->message) > 10);
}

static msio_status visited(void *user, const msio_h5_value *value) {
    DEMAND(value->name[0]);
    (*(int *)user)++;
    return MSIO_OK;
}

/* The other way to a dataset, as headers are read: it is opened, and told of. */
static void visit_damaged(msio_hdf5 *file) {
    int told = 0;
    msio_status status = msio_h5_visit(msio_hdf5_library(file), file->path, "/", 65536, visited, &told);
    if (status) demand_refusal(status);
    DEMAND(told <= 1);
}

/* same: the values must be the sound ones, if there are any. */
static msio_status read_damaged(const sound *s, bool same) {
    msio_hdf5 *file = NULL;
    const msio_dataset *dataset = NULL;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM], elements = 1;
    size_t bytes = 0;
    msio_status status = msio_hdf5_open(s->path, NULL, &file);
    if (!status) visit_damaged(file);
    if (!status) status = msio_hdf5_dataset(file, "data", &dataset);
    msio_type type = status ? MSIO_RECORD : dataset->info.type;
    /* what only the library reads is not on trial, nor are texts */
    bool ours = !status && dataset->described.native;
    if (ours) status = msio_dataset_shape(dataset, NULL, type, &ndim, shape, &bytes);
    if (ours && !status) {
        for (int k = 0; k < ndim; k++) DEMAND(msio_mul_checked(elements, shape[k], &elements));
        DEMAND((size_t)elements * msio_type_size(type) == bytes);
    }
    if (ours && !status && bytes <= ANSWER_MOST) {
        msio_read_opts opts = MSIO_READ_OPTS_INIT;
        opts.threads = 1;
        uint8_t *out = malloc(bytes + 1);
        DEMAND(out);
        status = msio_dataset_read(dataset, NULL, type, out, bytes, &opts);
        if (!status && same) DEMAND(bytes == s->value_bytes && memcmp(out, s->values, bytes) == 0);
        free(out);
    }
    if (status) demand_refusal(status);
    msio_hdf5_close(file);
    return status;
}

static void limit_memory(void) {
#if !defined(__SANITIZE_ADDRESS__)
    unsigned long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in || fscanf(in, "%lu", &pages) != 1) _exit(9);
    fclose(in);
    rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_MOST;
    setrlimit(RLIMIT_AS, &(struct rlimit){most, most});
#endif
}

static void in_child(sound *s, void (*work)(sound *s)) {
    memset(child, 0, sizeof *child);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}; /* cmocka's handlers would go on */
        for (int i = 0; i < 5; i++) signal(signals[i], SIG_DFL);
        limit_memory();
        work(s);
        _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: damage %d of byte %lld: child ended with status 0x%x %s", s->path, child->kind,
                 (long long)child->at, status, child->words);
}

#define ROTATED(x, by) ((x) << (by) | (x) >> (32 - (by)))

/* The format's checksum: Bob Jenkins's lookup3, hashlittle. */
static uint32_t checksum(const uint8_t *bytes, int64_t length) {
    uint32_t a = UINT32_C(0xdeadbeef) + (uint32_t)length, b = a, c = a;
    uint8_t word[12];
    for (; length > 0; bytes += 12, length -= 12) {
        memset(word, 0, sizeof word);
        memcpy(word, bytes, (size_t)msio_min(length, 12));
        a += (uint32_t)msio_h5_number(word, 4);
        b += (uint32_t)msio_h5_number(word + 4, 4);
        c += (uint32_t)msio_h5_number(word + 8, 4);
        if (length <= 12) break;
        a = (a - c) ^ ROTATED(c, 4), c += b;
        b = (b - a) ^ ROTATED(a, 6), a += c;
        c = (c - b) ^ ROTATED(b, 8), b += a;
        a = (a - c) ^ ROTATED(c, 16), c += b;
        b = (b - a) ^ ROTATED(a, 19), a += c;
        c = (c - b) ^ ROTATED(b, 4), b += a;
    }
    c = (c ^ b) - ROTATED(b, 14);
    a = (a ^ c) - ROTATED(c, 11);
    b = (b ^ a) - ROTATED(a, 25);
    c = (c ^ b) - ROTATED(b, 16);
    a = (a ^ c) - ROTATED(c, 4);
    b = (b ^ a) - ROTATED(a, 14);
    return (c ^ b) - ROTATED(b, 24);
}

static void put_checksum(const uint8_t *bytes, int64_t length, uint8_t *sum) {
    uint32_t value = checksum(bytes, length);
    for (int i = 0; i < 4; i++) sum[i] = (uint8_t)(value >> 8 * i);
}

/* With the checksum that belongs to it, where there is one: the damage is to be found by what it says. */
static void write_byte(int fd, const sound *s, int64_t at, uint8_t byte) {
    DEMAND(pwrite(fd, &byte, 1, at) == 1);
    for (int i = 0; i < s->stretches; i++) {
        const stretch *part = &s->stretch[i];
        if (part->kind != SEALED || at < part->start || at >= part->start + part->length) continue;
        uint8_t copy[1024], sum[4];
        DEMAND(part->length <= (int64_t)sizeof copy);
        memcpy(copy, s->bytes + part->start, (size_t)part->length);
        put_checksum(copy, part->length, sum);
        DEMAND(memcmp(s->bytes + part->start + part->length, sum, 4) == 0);
        copy[at - part->start] = byte;
        put_checksum(copy, part->length, sum);
        DEMAND(pwrite(fd, sum, 4, part->start + part->length) == 4);
    }
}

static void damage_stretches(const sound *s, bool (*wanted)(stretch_kind kind)) {
    int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    DEMAND(fd >= 0);
    for (int i = 0; i < s->stretches; i++) {
        const stretch *part = &s->stretch[i];
        if (!wanted(part->kind)) continue;
        for (int64_t at = part->start; at < part->start + part->length; at++)
            for (int kind = 0; kind < DAMAGES; kind++) {
                uint8_t byte = s->bytes[at];
                if (!is_tried(part->kind, at, kind) || !damage(&byte, kind)) continue;
                child->at = at;
                child->kind = kind;
                alarm(SECONDS_A_CASE);
                write_byte(fd, s, at, byte);
                read_damaged(s, part->kind == STORED && s->guarded);
                write_byte(fd, s, at, s->bytes[at]);
            }
    }
    close(fd);
}

static bool is_index(stretch_kind kind) { return kind == INDEX; }
static bool is_stored(stretch_kind kind) { return kind == STORED; }
static bool is_layout(stretch_kind kind) { return kind == LAYOUT; }
static bool is_header(stretch_kind kind) { return kind == HEADER; }

static void damage_index(sound *s) { damage_stretches(s, is_index); }
static void damage_stored(sound *s) { damage_stretches(s, is_stored); }
static void damage_layout(sound *s) { damage_stretches(s, is_layout); }
static void damage_header(sound *s) { damage_stretches(s, is_header); }

static void in_child_index(sound *s) { in_child(s, damage_index); }
static void in_child_stored(sound *s) { in_child(s, damage_stored); }
static void in_child_layout(sound *s) { in_child(s, damage_layout); }
static void in_child_header(sound *s) { in_child(s, damage_header); }

static void a_damaged_index_is_refused_or_read(void **state) {
    (void)state;
    each_sound(in_child_index);
}

static void damaged_chunks_are_refused_or_read(void **state) {
    (void)state;
    each_sound(in_child_stored);
}

static void a_damaged_layout_is_refused_or_read(void **state) {
    (void)state;
    each_sound(in_child_layout);
}

static void a_damaged_header_is_refused_or_read(void **state) {
    (void)state;
    each_sound(in_child_header);
}

static void cut(sound *s) {
    for (int64_t length = s->length; length > 0; length -= msio_min(length, 13)) {
        child->at = length;
        alarm(SECONDS_A_CASE);
        DEMAND(truncate(s->path, length) == 0);
        msio_status status = read_damaged(s, true);
        DEMAND(length == s->length ? status == MSIO_OK : status != MSIO_E_MEMORY);
    }
}

static void in_child_cut(sound *s) { in_child(s, cut); }

static void a_cut_file_is_refused(void **state) {
    (void)state;
    each_sound(in_child_cut);
}

/* ---------------------------------------------------------------- lies */

typedef struct lie {
    const char *name;
    msio_status status;
    const char *words;
    int64_t row, corr; /* the one element that is read; corr -1: there is one axis */
} lie;

static void read_lie(msio_hdf5 *file, const lie *l) {
    const msio_dataset *dataset;
    uint64_t out = 1;
    msio_select one = MSIO_SELECT_ALL;
    one.row = l->row;
    one.rows = 1;
    if (l->corr >= 0) {
        one.corr = l->corr;
        one.corrs = 1;
    }
    snprintf(child->words, sizeof child->words, "%s", l->name);
    DEMAND(msio_hdf5_dataset(file, l->name, &dataset) == MSIO_OK);
    msio_status status = msio_dataset_read(dataset, &one, dataset->info.type, &out, sizeof out, NULL);
    if (status != l->status || (status && !strstr(msio_last_error()->message, l->words))) {
        snprintf(child->words, sizeof child->words, "%s: %d, %.150s", l->name, (int)status,
                 status ? msio_last_error()->message : "");
        _exit(8);
    }
    if (status) return;
    uint64_t mask = msio_type_size(dataset->info.type) == 8 ? UINT64_MAX : 0xff;
    DEMAND((out & mask) == 0);
}

static void read_lies(sound *s) {
    static const lie lies[] = {
        {"bomb", MSIO_E_FORMAT, "give more than the 1000", 0, -1},
        {"shuffled_bomb", MSIO_E_FORMAT, "give more than the 1000", 0, -1},
        {"huge_gzip", MSIO_E_FORMAT, "too few for the 1073741824", 0, -1},
        {"huge_lzf", MSIO_E_FORMAT, "too few for the 1073741824", 0, -1},
        {"huge_plain", MSIO_E_FORMAT, "too few for the 1073741824", 0, -1},
        {"huge_shuffle", MSIO_E_FORMAT, "too few for the 1073741824", 0, -1},
        {"long", MSIO_OK, "", ((int64_t)1 << 60) - 1, -1},
        {"wide", MSIO_OK, "", 1, ((int64_t)1 << 59) - 1},
        {"longest", MSIO_OK, "", INT64_MAX - 1, -1},
        {"long_chunks", MSIO_OK, "", ((int64_t)1 << 62) - 1, -1},
    };
    msio_hdf5 *file = NULL;
    alarm(SECONDS_A_CASE);
    DEMAND(msio_hdf5_open(s->path, NULL, &file) == MSIO_OK);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) read_lie(file, &lies[i]);
    msio_hdf5_close(file);
}

static void sizes_that_lie_are_refused_before_memory_is_taken(void **state) {
    (void)state;
    sound s = {.guarded = false};
    snprintf(s.path, sizeof s.path, "%s/lies.h5", folder);
    in_child(&s, read_lies);
}

/* Addresses are those of the other file. */
static void a_dataset_in_another_file_is_read_from_there(void **state) {
    (void)state;
    static const char *const names[] = {"here/flat", "here/chunked"};
    msio_hdf5 *file = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/linked.h5", folder);
    assert_int_equal(msio_hdf5_open(path, NULL, &file), MSIO_OK);
    for (int i = 0; i < 2; i++) {
        const msio_dataset *dataset;
        double values[100];
        assert_int_equal(msio_hdf5_dataset(file, names[i], &dataset), MSIO_OK);
        assert_int_equal(dataset->described.native, 0);
        assert_string_equal(dataset->described.storage, "external");
        assert_int_equal(msio_dataset_read(dataset, NULL, MSIO_DOUBLE, values, sizeof values, NULL), MSIO_OK);
        for (int k = 0; k < 100; k++) assert_true(values[k] == 1000 + k);
    }
    msio_hdf5_close(file);
}

/* ---------------------------------------------------------------- the run */

static int make_files(void **state) {
    (void)state;
    char probe[128];
    msio_hdf5 *file = NULL;
    if (!pack_make_folder(folder)) return -1;
    child = mmap(NULL, sizeof *child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if ((void *)child == MAP_FAILED) return -1;
    snprintf(probe, sizeof probe, "%.80s -c 'import h5py, numpy'", test_python());
    if (system(probe) != 0) {
        print_message("skipped: %s has no h5py\n", test_python());
    } else if (msio_hdf5_open(MSIO_TESTS "/script.h", NULL, &file) == MSIO_E_UNSUPPORTED) {
        print_message("skipped: %s\n", msio_last_error()->message);
    } else {
        msio_hdf5_close(file);
        return test_script("io/hdf5/make_hdf5.py", "--small %s", folder);
    }
    pack_remove(folder);
    exit(77);
}

static int remove_files(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataset_in_another_file_is_read_from_there),
        cmocka_unit_test(sizes_that_lie_are_refused_before_memory_is_taken),
        cmocka_unit_test(damaged_headers_and_indices_are_refused_or_read),
        cmocka_unit_test(a_damaged_index_is_refused_or_read),
        cmocka_unit_test(damaged_chunks_are_refused_or_read),
        cmocka_unit_test(a_cut_file_is_refused),
        cmocka_unit_test(a_damaged_header_is_refused_or_read),
        cmocka_unit_test(a_damaged_layout_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
