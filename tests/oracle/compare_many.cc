// compare_many.cc - several columns in one call, and as a stream of batches.
#include "compare.h"

#include <algorithm>
#include <cstring>

namespace oracle {

namespace {

struct Wanted {
    const Named *column;
    Dense dense;
};

const size_t guard = 32;
const uint8_t untouched = 0x5a;

// Columns that are dense in the selection, at most `most` of them, from a random place on.
std::vector<Wanted> choose(const std::vector<Named> &columns, const Selection &selection, size_t most, Random &random) {
    std::vector<Wanted> chosen;
    size_t start = static_cast<size_t>(random.below(static_cast<int64_t>(columns.size())));
    for (size_t i = 0; i < columns.size() && chosen.size() < most; i++) {
        const Named &column = columns[(start + i * 7) % columns.size()];
        if (column.cells.size == 0 || column.cells.cell.empty()) continue;
        Selection own = selection.for_axes(column.name, column.cells.at(selection.rows[0]).ndim);
        if (!applies(column.cells, own)) continue;
        Dense dense = dense_of(column.cells, own, {});
        if (!dense.undefined && !dense.differ && !dense.no_axes) chosen.push_back({&column, std::move(dense)});
    }
    return chosen;
}

void read_many(Report &report, const std::vector<Wanted> &chosen, msio_table *table, const Selection &selection,
               int threads) {
    std::vector<const msio_column *> columns(chosen.size());
    std::vector<std::vector<uint8_t>> outs(chosen.size());
    std::vector<void *> pointers(chosen.size());
    std::vector<size_t> sizes(chosen.size());
    std::string names;
    for (size_t i = 0; i < chosen.size(); i++) {
        names += chosen[i].column->name + " ";
        if (msio_table_column(table, chosen[i].column->name.c_str(), &columns[i]) != MSIO_OK) return;
        outs[i].assign(chosen[i].dense.bytes.size() + guard, untouched);
        pointers[i] = outs[i].data();
        sizes[i] = chosen[i].dense.bytes.size();
    }
    msio_select select = selection.c();
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    opts.way = static_cast<msio_way>(report.reads % 4);
    report.reads++;
    if (msio_read_many(static_cast<int>(chosen.size()), columns.data(), &select, pointers.data(), sizes.data(),
                       &opts) != MSIO_OK) {
        report.mismatch("columns %s, %s: %s", names.c_str(), selection.name.c_str(), msio_last_error()->message);
        return;
    }
    for (size_t i = 0; i < chosen.size(); i++) {
        report.delivered(pointers[i], sizes[i]);
        bool same = std::memcmp(pointers[i], chosen[i].dense.bytes.data(), sizes[i]) == 0;
        for (size_t k = 0; k < guard; k++) same = same && outs[i][sizes[i] + k] == untouched;
        if (!same)
            report.mismatch("columns %s, %s: %s differs", names.c_str(), selection.name.c_str(),
                            chosen[i].column->name.c_str());
        report.compared += static_cast<int64_t>(selection.rows.size());
    }
}

// Adds a batch to what came before; false when it does not fit there.
bool collect(Report &report, const std::vector<Wanted> &chosen, const msio_batch *batch, int64_t at,
             std::vector<std::vector<uint8_t>> &got) {
    if (batch->row != at || batch->rows < 1 || batch->columns != static_cast<int>(chosen.size())) return false;
    for (size_t i = 0; i < chosen.size(); i++) {
        const msio_array &array = batch->arrays[i];
        const std::vector<int64_t> &shape = chosen[i].dense.shape;
        if (array.ndim != static_cast<int>(shape.size()) + 1 || array.shape[0] != batch->rows) return false;
        if (!std::equal(shape.begin(), shape.end(), array.shape + 1)) return false;
        report.delivered(array.data, array.bytes);
        const auto *bytes = static_cast<const uint8_t *>(array.data);
        got[i].insert(got[i].end(), bytes, bytes + array.bytes);
    }
    return true;
}

void stream(Report &report, const std::vector<Wanted> &chosen, msio_table *table, const Selection &selection,
            Random &random) {
    size_t total = 0, rows = selection.rows.size();
    std::vector<const char *> names;
    for (const Wanted &wanted : chosen) {
        total += wanted.dense.bytes.size();
        names.push_back(wanted.column->name.c_str());
    }
    msio_select select = selection.c();
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    opts.memory = std::max(total / rows * 2, total / static_cast<size_t>(1 + random.below(4)));
    opts.rows_per_batch = random.below(3) ? 0 : 1 + random.below(static_cast<int64_t>(rows));
    if (opts.rows_per_batch) opts.memory = (size_t)16 << 20;
    opts.read.threads = static_cast<int>(1 + random.below(3));
    msio_stream *stream = nullptr;
    report.reads++;
    if (msio_stream_open(table, static_cast<int>(names.size()), names.data(), &select, &opts, &stream) != MSIO_OK) {
        report.mismatch("stream of %s ..., %s, %zu bytes: %s", names[0], selection.name.c_str(), opts.memory,
                        msio_last_error()->message);
        return;
    }
    std::vector<std::vector<uint8_t>> got(chosen.size());
    const msio_batch *batch = nullptr;
    int64_t at = 0;
    msio_status status;
    while ((status = msio_stream_next(stream, &batch)) == MSIO_OK) {
        if (!collect(report, chosen, batch, at, got)) {
            report.mismatch("stream of %s ..., %s: the batch at row %lld has another place or shape", names[0],
                            selection.name.c_str(), static_cast<long long>(at));
            break;
        }
        at += batch->rows;
    }
    if (status != MSIO_END && status != MSIO_OK)
        report.mismatch("stream of %s ...: %s", names[0], msio_last_error()->message);
    for (size_t i = 0; i < chosen.size() && status == MSIO_END; i++)
        if (got[i] != chosen[i].dense.bytes)
            report.mismatch("stream of %s, %s: %s differs (%zu bytes, not %zu)", names[0], selection.name.c_str(),
                            names[i], got[i].size(), chosen[i].dense.bytes.size());
    msio_stream_close(stream);
}

// A stream that is left early, and one whose memory holds not even a row.
void cut_short(Report &report, const std::vector<Wanted> &chosen, msio_table *table) {
    const char *name = chosen[0].column->name.c_str();
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    opts.rows_per_batch = 1;
    msio_stream *stream = nullptr;
    const msio_batch *batch = nullptr;
    if (msio_stream_open(table, 1, &name, nullptr, &opts, &stream) == MSIO_OK) msio_stream_next(stream, &batch);
    msio_stream_close(stream);
    if (chosen[0].dense.bytes.size() < 2 * chosen[0].dense.bytes.size() / chosen[0].column->cells.size) return;
    opts.memory = 0;
    opts.rows_per_batch = 0;
    stream = nullptr;
    msio_status status = msio_stream_open(table, 1, &name, nullptr, &opts, &stream);
    if (status == MSIO_OK) status = msio_stream_next(stream, &batch);
    if (status != MSIO_E_SIZE && status != MSIO_E_ARGUMENT && status != MSIO_OK)
        report.mismatch("stream of %s without memory: %s", name, msio_status_name(status));
    msio_stream_close(stream);
}

} // namespace

void compare_many(Report &report, const std::vector<Named> &columns, msio_table *table, int64_t rows, Random &random) {
    if (columns.empty()) return;
    std::vector<Selection> selections = row_selections(rows, {}, random);
    const Axis axes[] = {{}, {1, -1, 1}, {0, -1, 2}, {0, 1, 1}};
    for (Selection &selection : selections) {
        if (selection.rows.empty()) continue;
        selection.corr = axes[random.below(4)];
        selection.chan = axes[random.below(4)];
        std::vector<Wanted> chosen = choose(columns, selection, static_cast<size_t>(1 + random.below(6)), random);
        if (chosen.empty()) continue;
        read_many(report, chosen, table, selection, static_cast<int>(1 + report.reads % 3 * 3));
        bool row_axes = selection.corr.whole() && selection.chan.whole();
        stream(report, chosen, table, selection, random);
        if (row_axes && selection.rows.size() == static_cast<size_t>(rows)) cut_short(report, chosen, table);
    }
}

} // namespace oracle
