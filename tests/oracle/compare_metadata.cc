// compare_metadata.cc - msio's metadata of Measurement Sets against casacore's tables: a fresh answer, and a kept one.
// usage: compare_metadata MS...
#include "oracle_check.h"
#include "oracle_metadata.h"

using oracle::check;
using oracle::well;

static void compare(const char *path) {
    const casacore::Table main(path);
    const msio_metadata *first = nullptr, *again = nullptr;
    if (!well(msio_metadata_get(path, MSIO_PER_CALL, &first), path)) return;
    oracle::check_metadata(*first, main);
    if (first->is_ms) oracle::check_row_index(*first, main);
    if (well(msio_metadata_get(path, MSIO_PER_CALL, &again), path))
        check(again == first, "the second answer was not the kept one");
    msio_metadata_release(again);
    msio_metadata_release(first);
}

int main(int argc, char **argv) {
    int sets = 0;
    for (int i = 1; i < argc; i++) {
        std::printf("%s\n", argv[i]);
        compare(argv[i]);
        sets++;
    }
    msio_cache_stats stats;
    msio_cache_describe(&stats);
    check(sets > 0 && stats.hits == sets && stats.misses == sets, "%lld hits, %lld misses for %d sets",
          (long long)stats.hits, (long long)stats.misses, sets);
    msio_cache_clear(nullptr);
    msio_cache_describe(&stats);
    check(stats.entries == 0 && stats.bytes == 0, "%lld bytes are kept after all was cleared", (long long)stats.bytes);
    std::printf("%d sets, %d differences\n", sets, oracle::failures);
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
