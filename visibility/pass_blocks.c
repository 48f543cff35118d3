/* pass_blocks.c - the blocks of a pass: where they are, kernels run on them, what failed, how far it is. */
#include "visibility/pass_blocks.h"

#include "core/checked.h"

void msio_pass_note(msio_passing *r, int64_t number) {
#ifdef _OPENMP
#pragma omp critical(msio_pass_note)
#endif
    if (r->failed < 0 || number < r->failed) {
        msio_error_save(&r->error);
        atomic_store(&r->failed, number);
    }
}

void msio_pass_place(const msio_passing *r, int64_t number, int64_t *from, int64_t *to) {
    const int64_t chunk = number / r->per_chunk, start = chunk * r->chunk + number % r->per_chunk * r->block;
    *from = msio_min(start, r->rows);
    *to = msio_min(msio_min(start + r->block, (chunk + 1) * r->chunk), r->rows);
}

void msio_pass_block(msio_passing *r, int64_t number, const msio_block *block) {
    for (int k = 0; k < r->pass->kernels; k++) {
        const msio_kernel *kernel = &r->pass->kernel[k];
        if (kernel->run(kernel->user, block, r->state + (size_t)block->lane * r->state_bytes + r->state_at[k])) {
            msio_pass_note(r, number);
            return;
        }
    }
}

msio_status msio_pass_tell(const msio_passing *r, int64_t done) {
    if (!r->opts->progress || !r->opts->progress(r->opts->user, done * r->row_bytes, r->rows * r->row_bytes))
        return MSIO_OK;
    return msio_error_set(MSIO_E_CANCELLED, r->path, "stopped on request after %lld of %lld rows", (long long)done,
                          (long long)r->rows);
}
