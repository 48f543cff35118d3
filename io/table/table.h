/* table.h - an open table, and access to one state of it for the length of a call. */
#ifndef MSIO_IO_TABLE_H
#define MSIO_IO_TABLE_H

#include "core/lock.h"
#include "io/lock/interrupted.h"
#include "io/table/snapshot.h"

/* A column handle: found again by name in every state of its table. */
struct msio_column {
    msio_column *next;
    msio_table *table;
    char *name;
    struct msio_column_facts *facts; /* newest first; older ones stay for whoever holds them */
};

typedef struct msio_dat_list {
    struct msio_dat_list *next;
    msio_table_dat *dat;
    msio_stamp stamp;
} msio_dat_list;

struct msio_table {
    char *path; /* absolute */
    msio_open_opts opts;
    msio_lengthy reading; /* held while the description or the lock file is found anew */
    int guard;            /* the brief lock of what follows: see msio_table_lock */
    msio_lock *lock;      /* NULL: no table.lock, or nolock */
    bool lock_looked_up;  /* just now, while the table is opened and nobody else has it */
    msio_signature seen;  /* of `snapshot` */
    msio_snapshot *snapshot;
    bool stale;          /* a manager's files changed: the next access takes a new snapshot */
    msio_dat_list *dats; /* every table.dat that was parsed: keywords and names live there */
    prof_holding told;   /* what these take */
    int holds;
    uint64_t hold_number; /* of the hold that goes on: counts all that began */
    msio_lock *hold_lock; /* what the hold locked, or NULL */
    bool hold_writes;     /* the hold is one for writing */
    unsigned hold_forks;  /* msio_forks() when it was: a hold of the parent's locks nothing for a child of fork */
    pthread_t hold_thread;
    msio_arena words; /* names that were handed out: see msio_table_keep */
    void *kept;       /* the list of them */
    msio_column *columns;
    int children; /* root of a reference table, parts of a concatenated one */
    msio_table **child;
    int subtables;
    char **subtable_name, **subtable_path;
    char *_Atomic info_type; /* NULL: not yet read */
    char *info_subtype;
};

static inline void msio_table_lock(msio_table *table) { msio_lock_brief(table->guard); }
static inline void msio_table_unlock(msio_table *table) { msio_unlock_brief(table->guard); }

/* Whether the table is held, by this process. With the table locked. */
static inline bool msio_table_is_held(const msio_table *table) {
    return table->holds > 0 && table->hold_forks == msio_forks();
}

/* The description as last seen; lives as long as the table. */
const msio_table_dat *msio_table_dat_now(const msio_table *table);

/* Closes casacore's handles of the table and of those behind it, whose descriptors nobody else can give back: for a
 * table that is kept, but seldom read. They are opened again when they are needed. Nobody may be reading. */
void msio_table_rest(msio_table *table);

/* A copy of the text that lives as long as the table; equal texts share one. "" without memory. */
const char *msio_table_keep(msio_table *table, const char *text);

/* One state of a table and of those it refers to, held for a call. */
typedef struct msio_access {
    msio_table *table;
    msio_snapshot *snapshot;
    msio_signature signature; /* to compare at the end, when verify */
    msio_lock *lock;          /* shared with the table for the length of the access */
    bool locked, verify, check_files;
    bool writing;           /* begun by msio_access_begin_writing */
    bool write_locked;      /* and the lock is to be given back with it */
    bool in_hold;           /* the table's hold for writing has the lock */
    uint64_t files_checked; /* of managers 0 to 63, in this access */
    uint64_t hold_number;   /* of the table's hold that it began in */
    unsigned forks;         /* msio_forks() when it began */
    bool casa_fresh;        /* casacore's handle sees this state */
    int children;
    struct msio_access *child;
    int64_t rows;
} msio_access;

/* Takes the lock where one is due, checks the signature, takes the snapshot that holds now.
 * MSIO_E_LOCKED, MSIO_E_CHANGED, MSIO_E_IO, and those of opening. Nothing is held after a failure. */
msio_status msio_access_begin(msio_table *table, msio_access *access);
/* The same under the write lock, for tables that were opened writable; those behind a reference or concatenated table
 * too. What an interrupted write left in their folders is put back first. MSIO_E_ARGUMENT (not opened writable, or held
 * for reading by this handle), MSIO_E_LOCKED, MSIO_E_IO (read-only), MSIO_E_CANCELLED, and those of
 * msio_access_begin. */
msio_status msio_access_begin_writing(msio_table *table, msio_access *access);
/* Only puts back what an interrupted write left in the folder of a plain table. */
msio_status msio_table_repair(msio_table *table, msio_interrupted *found);
/* Gives everything back; returns MSIO_E_CHANGED when the state changed meanwhile, else `status`. */
msio_status msio_access_end(msio_access *access, msio_status status);
/* Of a table that is held for writing, after its holder changed headers: later calls of the hold see the state that
 * there is now. MSIO_E_IO, MSIO_E_FORMAT, MSIO_E_MEMORY. */
msio_status msio_access_see_again(msio_table *table, msio_lock *lock);

/* Runs work(user, access) in an access, and again (three times at most) when the table changed meanwhile. */
msio_status msio_access_run(msio_table *table, msio_status (*work)(void *user, msio_access *access), void *user);

/* A column of a plain table within an access. */
typedef struct msio_leaf {
    msio_access *access;
    const msio_column_dat *column;
    msio_slot *slot;
    bool native;
    const char *why_not; /* when not native; static, or of the snapshot */
} msio_leaf;

/* Finds a column of a plain table and loads its manager. */
msio_status msio_leaf_find(msio_access *access, const char *column, msio_leaf *leaf);

/* MSIO_E_UNSUPPORTED when the column is not read natively and the table was opened MSIO_NATIVE_YES. */
msio_status msio_leaf_check_native(const msio_leaf *leaf);

/* Why cells of the leaf that have a place are not written natively (then casacore must), or NULL. */
const char *msio_leaf_keeps(const msio_leaf *leaf);
/* Why it depends on the rows and values whether they are, or NULL. */
const char *msio_leaf_shares(const msio_leaf *leaf);

/* Whether no cell of the column can be undefined, so that nobody need ask for shapes: scalars, but for those of
 * hypercubes. */
bool msio_leaf_all_defined(const msio_leaf *leaf);

/* As msio_column_describe, but scalars of StandardStMan and IncrementalStMan are described from table.dat alone: their
 * managers' headers, which grow with the rows, are not read. */
msio_status msio_column_sketch(const msio_column *column, msio_column_info *info);

/* Calls work for every plain table that holds rows of the column, with the part of the rows that it holds (numbered as
 * there; places as given). A column without rows is visited once, with none. */
typedef msio_status (*msio_leaf_work)(void *user, const msio_leaf *leaf, const msio_rows *rows);
msio_status msio_leaves_visit(msio_access *access, const char *column, const msio_rows *rows, msio_leaf_work work,
                              void *user);

/* The first plain table's leaf of a column: for describing it. */
msio_status msio_leaf_first(msio_access *access, const char *column, msio_leaf *leaf);

#endif
