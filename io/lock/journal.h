/* journal.h - old bytes kept beside a table while they are overwritten, so that a write that was cut short can be
 * undone: `table.msio_write` in the table's folder (docs/formats.md, "table.msio_write").
 *
 * A file of one header and of slots; a slot holds the old bytes of one block. Slots are written through a mapping: what
 * a killed process stored stays in the page cache, in order. casacore ignores the file, and deletes it with the table.
 *
 * Two modes. BLOCKS: one slot a thread, valid from before its block is stored until after; undoing the valid ones
 * leaves every block old or new. WHOLE: a slot for every block of the write, all filled before the first one is stored,
 * then sealed; undoing all of them leaves everything old. New headers and files that belong to the write are named when
 * it is decided; new files before they are made, so that until then they are removed with the journal.
 */
#ifndef MSIO_IO_JOURNAL_H
#define MSIO_IO_JOURNAL_H

#include "core/file.h"

#define MSIO_JOURNAL_NAME "table.msio_write"

typedef enum msio_journal_mode { MSIO_JOURNAL_BLOCKS = 1, MSIO_JOURNAL_WHOLE = 2 } msio_journal_mode;

/* What is told of an interrupted write. */
typedef struct msio_journal_facts {
    char columns[256]; /* "DATA", "DATA, FLAG" */
    int64_t first_row, last_row;
    int64_t pid;
} msio_journal_facts;

typedef struct msio_journal msio_journal;

/* A slot has no more bytes than this. */
#define MSIO_JOURNAL_SLOT_MOST ((int64_t)64 << 20)

/* Makes the journal of a write with its room reserved: slots of slot_bytes each. directory: the table's.
 * record: the sync record as this write has just set it, which later tells whether another writer came between.
 * Errors: MSIO_E_IO (no room, read-only folder; nothing is left), MSIO_E_LOCKED (another live write's is there),
 * MSIO_E_MEMORY. */
msio_status msio_journal_make(const char *directory, msio_journal_mode mode, int slots, int64_t slot_bytes,
                              const msio_journal_facts *facts, const uint8_t *record, int64_t record_bytes,
                              msio_journal **journal);

/* Memory of slot `index` for the old bytes. */
uint8_t *msio_journal_slot(const msio_journal *journal, int index);
/* Fills a slot by a write: cheaper than its memory where many slots are filled once, whose pages would each be made by
 * a fault. MSIO_E_IO. */
msio_status msio_journal_fill(msio_journal *journal, int index, const uint8_t *bytes, int64_t length);
/* The slot's bytes are those of [offset, offset + length) of the file, and are to be put back if this process ends now.
 * A slot belongs to one thread at a time. */
void msio_journal_keep(msio_journal *journal, int index, const msio_file *file, int64_t offset, int64_t length);
/* The same of n equal runs, one behind the other in the slot, that lie `step` bytes apart in the file: what is between
 * them is not kept, nor put back. step > length where there are several. */
typedef struct msio_journal_runs {
    int64_t offset; /* of the first run in the file */
    int64_t length; /* of each */
    int64_t step;   /* from one run's first byte to the next one's */
    int64_t n;
} msio_journal_runs;
void msio_journal_keep_runs(msio_journal *journal, int index, const msio_file *file, const msio_journal_runs *runs);
/* The block was stored whole. */
void msio_journal_drop(msio_journal *journal, int index);
/* WHOLE: every slot is filled; from now on all are put back. */
void msio_journal_seal(msio_journal *journal);
/* WHOLE: NAME_tmp, a new file beside NAME (a path in the table's folder), is about to be made; undoing removes it.
 * false: there is no place for more than MSIO_JOURNAL_RENAMES of them. */
bool msio_journal_intend(msio_journal *journal, const char *name);
/* WHOLE, sealed: from now on nothing is put back. The write is done when NAME_tmp has become NAME for each of the n <=
 * MSIO_JOURNAL_RENAMES names (paths of files in the table's folder), which msio_journal_restore sees to if this process
 * ends before. */
#define MSIO_JOURNAL_RENAMES 48
void msio_journal_commit(msio_journal *journal, int n, const char *const *names);

/* The write is done: the file goes. Takes NULL. */
void msio_journal_end(msio_journal *journal);
/* The write failed: valid slots are put back; when that succeeds the file goes, else it stays for msio_repair. After
 * msio_journal_commit what was decided is done in place of that. Takes NULL. Keeps this thread's error. */
void msio_journal_undo(msio_journal *journal);

/* ---------------------------------------------------------------- what a killed process left */

typedef enum msio_leftover {
    MSIO_LEFT_NOTHING, /* no journal, or that of a write that goes on */
    MSIO_LEFT_BLOCKS,  /* an interrupted write whose blocks can be put back */
    MSIO_LEFT_STRANGE /* it speaks of other files (a copied table), or another writer came since: nothing to put back */
} msio_leftover;

typedef struct msio_left_block {
    uint64_t device, inode;
    int64_t offset, length;
} msio_left_block;

/* Looks for a journal without changing anything. record: the table's sync record now. *blocks (to be freed) are the
 * *n valid ones. Errors: MSIO_E_FORMAT (a damaged journal), MSIO_E_IO, MSIO_E_MEMORY, MSIO_E_UNSUPPORTED (of a newer
 * version). */
msio_status msio_journal_look(const char *directory, const uint8_t *record, int64_t record_bytes, msio_leftover *left,
                              msio_journal_facts *facts, msio_left_block **blocks, int *n);

/* Puts valid blocks back and removes the file; for a STRANGE one only removes it. Under the table's write lock.
 * *restored: blocks put back. Errors as msio_journal_look. */
msio_status msio_journal_restore(const char *directory, const uint8_t *record, int64_t record_bytes, int *restored);

#endif
