/* phasing_generic.c - the choice of an instruction set, and visibilities turned in plain C: two numbers at a time,
 * which every processor's compiler can do. */
#define MSIO_TARGET
#define MSIO_WIDTH 16
#include "io/convert/phasing_loops.h"

#include <stdatomic.h>
#include <stddef.h>

const msio_phasing_kernel msio_phasing_generic = {"generic", phase_row, phase_antenna};

/* Best first. */
static const msio_phasing_kernel *const kernels[] = {
#if defined(MSIO_PHASING_X86)
    &msio_phasing_avx512,
    &msio_phasing_avx2,
#endif
    &msio_phasing_generic,
};

static bool runs_here(const msio_phasing_kernel *k) {
#if defined(MSIO_PHASING_X86)
    if (k == &msio_phasing_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    if (k == &msio_phasing_avx2) return __builtin_cpu_supports("avx2");
#endif
    return k == &msio_phasing_generic;
}

const msio_phasing_kernel *msio_phasing_named(const char *name) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if ((!name || strcmp(name, kernels[i]->name) == 0) && runs_here(kernels[i])) return kernels[i];
    return NULL;
}

/* Threads that come at once choose the same. */
const msio_phasing_kernel *msio_phasing_best(void) {
    static const msio_phasing_kernel *_Atomic chosen;
    const msio_phasing_kernel *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!k) {
        k = msio_phasing_named(NULL);
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}
