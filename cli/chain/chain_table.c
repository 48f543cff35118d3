/* chain_table.c - what is to be known of a Measurement Set before a copy of it is worked on. */
#include "cli/chain/chain.h"
#include "cli/input/opening.h"
#include "cli/output/progress.h"
#include "msio/cache.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)64 << 20)

/* A table whose rows, or whose subtables, lie elsewhere: a program that works on a copy would change what lies there.
 */
static void look_outside(msio_table *table, const char *what, chain_facts *facts) {
    msio_table_info info;
    msio_table_describe(table, &info);
    size_t length = strlen(info.path);
    if (info.kind != MSIO_PLAIN_TABLE) {
        snprintf(facts->unfit, sizeof facts->unfit,
                 "%s shows rows of other tables, which work on a copy would change: make a deep copy of it first",
                 what);
        return;
    }
    for (int i = 0; i < msio_table_subtables(table); i++) {
        const char *path = msio_table_subtable_path(table, i);
        if (strncmp(path, info.path, length) == 0 && path[length] == '/') continue;
        snprintf(facts->unfit, sizeof facts->unfit,
                 "the subtable %.40s of %s lies outside of it (%.200s), and work on a copy would change it",
                 msio_table_subtable_name(table, i), what, path);
        return;
    }
}

void chain_look_at_copy(const char *copy, chain_facts *facts) {
    msio_table *table = NULL;
    if (msio_table_open(copy, NULL, &table)) {
        snprintf(facts->unfit, sizeof facts->unfit, "the copy cannot be read: %.300s", msio_last_error()->message);
        return;
    }
    look_outside(table, "the copy", facts);
    msio_table_close(table);
}

/* The antenna of which least is flagged, and of several that one in the middle of the list. */
static void choose_antenna(const char *path, chain_facts *facts) {
    const msio_metadata *metadata = NULL;
    const msio_flags *flags = NULL;
    if (msio_metadata_get(path, MSIO_PER_CALL, &metadata) == MSIO_OK &&
        msio_flags_count(path, MSIO_FLAGS_BY_ANTENNA, NULL, &flags) == MSIO_OK && flags->breakdowns == 1) {
        const msio_flags_breakdown *by = &flags->breakdown[0];
        int64_t most = -1, best = -1;
        for (int64_t i = 0; i < by->entries; i++) {
            int64_t left = by->entry[i].total - by->entry[i].flagged;
            int64_t off = llabs(2 * i - by->entries), best_off = llabs(2 * best - by->entries);
            if (left > most || (left == most && off < best_off)) most = left, best = i;
        }
        int32_t antenna = best >= 0 ? by->entry[best].key[0] : -1;
        if (antenna >= 0 && antenna < metadata->antennas)
            snprintf(facts->antenna, sizeof facts->antenna, "%s", metadata->antenna[antenna].name);
    }
    msio_flags_release(flags);
    msio_metadata_release(metadata);
}

/* What applycal and a model will add. */
static int64_t bytes_to_come(msio_table *table) {
    static const char *const names[] = {"MODEL_DATA", "CORRECTED_DATA"};
    const msio_column *column;
    size_t bytes = 0;
    int64_t more = 0;
    if (msio_table_column(table, "DATA", &column) || msio_read_shape(column, NULL, NULL, NULL, &bytes)) return 0;
    for (int i = 0; i < 2; i++)
        if (msio_table_column(table, names[i], &column)) more += (int64_t)bytes;
    return more;
}

void chain_look(const cli_context *cli, const char *path, chain_facts *facts) {
    msio_open_opts opts = cli_open_opts(cli);
    msio_table *table = NULL;
    *facts = (chain_facts){.antenna = "0"};
    if (msio_table_open(path, &opts, &table)) {
        snprintf(facts->unfit, sizeof facts->unfit, "%.390s", msio_last_error()->message);
        return;
    }
    if (!cli_table_is_ms(table))
        snprintf(facts->unfit, sizeof facts->unfit, "it is no Measurement Set");
    else
        look_outside(table, "it", facts);
    facts->bytes = cli_folder_bytes(path);
    facts->more = bytes_to_come(table);
    msio_table_close(table);
    if (!*facts->unfit) choose_antenna(path, facts);
}

int chain_column_holds(const cli_context *cli, const char *path, const char *name) {
    msio_open_opts opts = cli_open_opts(cli);
    msio_stream_opts how = MSIO_STREAM_OPTS_INIT;
    msio_table *table = NULL;
    msio_stream *stream = NULL;
    const msio_column *column;
    const msio_batch *batch;
    int holds = 0;
    how.memory = BATCH_BYTES;
    if (msio_table_open(path, &opts, &table) == MSIO_OK && msio_table_column(table, name, &column) == MSIO_OK &&
        msio_stream_open(table, 1, &name, NULL, &how, &stream) == MSIO_OK)
        while (!holds && msio_stream_next(stream, &batch) == MSIO_OK) {
            const unsigned char *bytes = batch->arrays[0].data;
            size_t n = batch->arrays[0].bytes;
            holds = n && (bytes[0] || memcmp(bytes, bytes + 1, n - 1) != 0);
        }
    msio_stream_close(stream);
    msio_table_close(table);
    return holds;
}
