/* locating.h - what the parts of a locator share: one question, and the storage managers' answers. */
#ifndef MSIO_IO_LOCATING_H
#define MSIO_IO_LOCATING_H

#include "io/hdf5/hdf5_file.h"
#include "io/layout/layout.h"
#include "msio/locate.h"

/* One question: bytes [from, to) of a file, and who is told. */
typedef struct msio_question {
    int64_t from, to;
    msio_locate_visit visit;
    void *user;
    bool stop; /* the visitor has heard enough */
} msio_question;

/* Tells of a part, cut to what was asked; nothing where it lies outside. offset and length are the whole's. */
void msio_locate_tell(msio_question *question, const msio_located *part);
/* Tells that [from, to) is of no column. */
void msio_locate_tell_plain(msio_question *question, const char *what, int64_t from, int64_t to);

/* What an answer about one file is looked up in; made at the first question about it. */
typedef struct msio_locate_index {
    struct msio_locate_index *next;
    const char *name; /* of the file */
    const msio_manager *manager;
    void (*find)(const struct msio_locate_index *index, msio_question *question, msio_status *status);
    void (*free_state)(void *state);
    void *state;
} msio_locate_index;

/* Makes the index of a file of the manager, whose suffix ("", "i", "_TSM0") follows table.f<N>; of a manager that was
 * loaded. find stays NULL where the manager has no such file. MSIO_E_MEMORY, and what reading indices returns. */
msio_status msio_locate_tiled(const msio_manager *manager, const char *suffix, msio_locate_index *index);
msio_status msio_locate_ssm(const msio_manager *manager, const char *suffix, msio_locate_index *index);
msio_status msio_locate_ism(const msio_manager *manager, const char *suffix, msio_locate_index *index);
/* Of an HDF5 file. */
msio_status msio_locate_hdf5(msio_hdf5 *file, msio_locate_index *index);

/* Arrays of a file of indirect arrays, by their offset. */
typedef struct msio_array_place {
    int64_t offset;
    int64_t row;
    int32_t rows;
    int32_t column; /* in the table's description */
} msio_array_place;

#define MSIO_ARRAY_PLACES ((int64_t)1 << 22)

typedef struct msio_array_places {
    int64_t n, capacity;
    msio_array_place *place;
    bool too_many;
    int32_t column; /* of those that are being added */
    const msio_rows *rows;
} msio_array_places;

/* Adds one; an msio_array_visit. */
msio_status msio_array_places_add(void *places, int64_t from, int64_t count, int64_t offset);
/* Sorts them, and makes an index of them that owns them. */
msio_status msio_array_places_index(msio_array_places *places, msio_locate_index *index);

/* All rows of a manager's table that an index covers. */
msio_rows msio_locate_rows(const msio_manager *manager, int64_t covered);

#endif
