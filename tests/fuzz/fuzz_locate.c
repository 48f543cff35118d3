/* fuzz_locate.c - what bytes of a table's files belong to, of a pack as fuzz_table's: whatever its headers say, any
 * stretch ends in a status, or in parts that lie within it, and of a byte asked for alone something is told, too. What
 * is told where headers let hypercubes overlap has no order; tests/oracle/test_locate.c holds true tables to theirs. */
#include "fuzz_target.h"
#include "msio/locate.h"
#include "unpacked_table.h"

#define PARTS_MOST 4096
#define FILES_MOST 32

typedef struct answer {
    int64_t offset, length; /* asked for */
    int parts;
    msio_located part[PARTS_MOST];
} answer;

static uint64_t state;

static uint64_t next(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 16;
}

static bool is_bucket(const msio_located *part) { return strcmp(part->what, "bucket") == 0; }

static int take(void *user, const msio_located *part) {
    answer *a = user;
    if (!part->what || part->length <= 0 || part->offset < a->offset) abort();
    if (part->length > a->length - (part->offset - a->offset)) abort();
    if (part->unit < -1 || part->cube < -1 || part->row < -1 || part->rows < 0) abort();
    if (part->row >= 0 && part->rows > INT64_MAX - part->row) abort();
    if (part->unit_bytes < 0 || part->unit_at < 0) abort();
    a->part[a->parts++] = *part;
    return a->parts == PARTS_MOST;
}

static bool ask(msio_locator *locator, const char *file, int64_t offset, int64_t length, answer *a) {
    a->offset = offset;
    a->length = length;
    a->parts = 0;
    bool negative = offset < 0 || length < 0 || length > INT64_MAX - offset;
    msio_status status = msio_locator_find(locator, file, offset, length, take, a);
    if (negative && (status != MSIO_E_ARGUMENT || a->parts)) abort();
    return !status && a->parts > 0;
}

/* A byte of a part is told of when it is asked for alone, but where a bucket's values leave it out. */
static void check_byte(msio_locator *locator, const char *file, const msio_located *part) {
    static answer one;
    int64_t at = part->offset + (int64_t)(next() % (uint64_t)part->length);
    if (!ask(locator, file, at, 1, &one) && !is_bucket(part)) abort();
}

static void ask_much(msio_locator *locator, const char *file, int64_t size) {
    static answer all;
    const int64_t far = INT64_MAX;
    const int64_t questions[][2] = {{0, size + 100}, {size, 1},    {0, 0},   {-1, 5},        {5, -1},
                                    {far, 1},        {far - 5, 5}, {1, far}, {far / 2, 100}, {0, 1}};
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        (void)ask(locator, file, questions[i][0], questions[i][1], &all);
    for (int i = 0; i < 6; i++) {
        int64_t from = (int64_t)(next() % (uint64_t)(size + 10)),
                length = 1 + (int64_t)(next() % (uint64_t)(size + 10));
        if (!ask(locator, file, from, length, &all)) continue;
        for (int k = 0; k < 3; k++) check_byte(locator, file, &all.part[next() % (uint64_t)all.parts]);
    }
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[80];
    msio_locator *locator = NULL;
    pack_entry entry;
    size_t at = 0;
    if (!unpack_table(data, size, path, sizeof path)) return 0;
    state = size;
    for (size_t i = 0; i < size; i += 1 + size / 64) state = state * 31 + data[i];
    if (msio_locator_open(path, &locator) == MSIO_OK) {
        for (int i = 0; i < FILES_MOST && pack_next(data, size, &at, &entry); i++)
            ask_much(locator, base_name(entry.name), (int64_t)entry.length);
        ask_much(locator, "table.f99", 1000);
        msio_locator_close(locator);
    }
    pack_remove(folder);
    return 0;
}
