/* fuzz_journal.c - table.msio_write: whatever it says, only bytes of the table's own data files are put back, and no
 * file gets longer. */
#include "fuzz_target.h"
#include "io/lock/journal.h"
#include "table_pack.h"

#include <errno.h>

#define FILE_BYTES 20000
#define NAME "table.f0_TSM1"
/* docs/formats.md, "table.msio_write" */
#define FIRST_SLOT 8192

static char folder[64], data_path[96], other_path[96], journal_path[96];
static uint8_t content[FILE_BYTES];

static void remove_folder(void) { pack_remove(folder); }

static void start(void) {
    if (!pack_make_folder(folder)) abort();
    (void)atexit(remove_folder);
    snprintf(data_path, sizeof data_path, "%s/" NAME, folder);
    snprintf(other_path, sizeof other_path, "%s/other", folder);
    snprintf(journal_path, sizeof journal_path, "%s/" MSIO_JOURNAL_NAME, folder);
    for (int i = 0; i < FILE_BYTES; i++) content[i] = (uint8_t)(i * 31);
    if (!pack_write_file(data_path, content, FILE_BYTES) || !pack_write_file(other_path, content, FILE_BYTES)) abort();
}

/* A slot that names no file's inode gets the data file's, which no fuzzer could guess. */
static void name_the_file(uint8_t *journal, size_t size) {
    struct stat st;
    int64_t slot_bytes;
    if (size < FIRST_SLOT || stat(data_path, &st)) return;
    memcpy(&slot_bytes, journal + 24, sizeof slot_bytes);
    if (slot_bytes < 0 || slot_bytes > (int64_t)size) return;
    size_t stride = 4096 + (size_t)((slot_bytes + 4095) / 4096 * 4096);
    for (size_t at = FIRST_SLOT; at + 24 <= size; at += stride) {
        uint64_t device = st.st_dev, inode = st.st_ino, there;
        memcpy(&there, journal + at + 16, sizeof there);
        if (there) continue;
        memcpy(journal + at + 8, &device, sizeof device);
        memcpy(journal + at + 16, &inode, sizeof inode);
    }
}

static void check(const char *path, bool same) {
    static uint8_t now[FILE_BYTES + 1];
    int fd = open(path, O_RDONLY);
    if (fd < 0) abort();
    ssize_t n = read(fd, now, sizeof now);
    close(fd);
    if (n != FILE_BYTES || (same && memcmp(now, content, FILE_BYTES) != 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_leftover left;
    msio_journal_facts facts;
    msio_left_block *blocks = NULL;
    int n, restored = 0;
    if (!folder[0]) start();
    uint8_t *journal = malloc(size + 1);
    if (!journal) return 0;
    memcpy(journal, data, size);
    name_the_file(journal, size);
    bool written = pack_write_file(journal_path, journal, size);
    free(journal);
    if (!written) return 0;
    if (msio_journal_look(folder, (const uint8_t *)"", 0, &left, &facts, &blocks, &n) == MSIO_OK) free(blocks);
    (void)msio_journal_restore(folder, (const uint8_t *)"", 0, &restored);
    check(data_path, restored == 0);
    check(other_path, true);
    if (restored && !pack_write_file(data_path, content, FILE_BYTES)) abort();
    unlink(journal_path);
    return 0;
}
