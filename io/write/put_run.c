/* put_run.c - one batch's sources, files, scratch and journals. */
#include "io/write/put_run.h"

#include "core/pool.h"

#define PAGE ((int64_t)4096)

const msio_source *msio_batch_source(const msio_batch_run *run, const msio_block *block) {
    return &run->batch->source[run->batch->pieces[block->first].source];
}

const msio_put_file *msio_put_opened(const msio_put *store, const msio_file *file) {
    int i = 0;
    while (store->file[i].as != file) i++;
    return &store->file[i];
}

msio_status msio_put_get(msio_put *store, const msio_file *file, uint8_t *bytes, int64_t length, int64_t offset) {
    atomic_fetch_add_explicit(&store->read, length, memory_order_relaxed);
    const msio_file *made = msio_put_opened(store, file)->made;
    return msio_file_read(made ? made : file, bytes, length, offset, NULL);
}

msio_status msio_put_scratch(msio_put_thread *mine, int64_t bytes) {
    if (mine->scratch_bytes >= bytes) return MSIO_OK;
    msio_pool_give(mine->scratch);
    mine->filled = -1;
    mine->scratch = msio_pool_take((size_t)bytes);
    mine->scratch_bytes = mine->scratch ? bytes : 0;
    return mine->scratch ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a write's scratch");
}

msio_status msio_put_journal(msio_put_place *place, msio_journal_mode mode, int slots, int64_t slot_bytes) {
    if (place->journal) {
        if (mode == MSIO_JOURNAL_BLOCKS && slot_bytes <= place->slot_bytes) return MSIO_OK;
        msio_journal_end(place->journal);
        place->journal = NULL;
    }
    place->slot_bytes = slot_bytes;
    place->slots = slots;
    return msio_journal_make(place->directory, mode, slots, slot_bytes, &place->facts, place->record,
                             place->record_bytes, &place->journal);
}

bool msio_put_needs_slot(const msio_batch_run *run, const msio_block *block) {
    if (!run->keeps || msio_batch_source(run, block)->fresh) return false;
    return block->of_unit || block->offset / PAGE != (block->offset + block->length - 1) / PAGE;
}
