// bench_write_casacore.cc - a worker of the benchmarks of writing: casacore's C++ classes, one repetition a request.
//
// Reads lines "WORK VARIANT THREADS CHECK" as bench_write does. The table is opened and write-locked before the clock
// starts; what is timed is the put and the flush. Besides, for all workers: "read" of what a column holds, "add" of a
// column whose cells are not written (as DATA's), "remove" of a column.
#include "bench_raw.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/Slicer.h>
#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/DataMan/TiledStManAccessor.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/Table.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

using namespace casacore;

static std::string path;

struct Result {
    double seconds = -1;
    size_t bytes = 0;
    unsigned long long sum = 0;
};

static Slicer channels(const IPosition &cell) { return Slicer(IPosition(2, 0, 12), IPosition(2, cell[0], 12)); }

// Values of this worker's own.
static void fill(void *to, size_t bytes, bool truths) {
    uint64_t *word = static_cast<uint64_t *>(to);
    for (size_t i = 0; i < bytes / 8; i++) {
        const uint64_t value = (i + 7) * 0xC2B2AE3D27D4EB4Fu;
        word[i] = truths ? (value >> 9) & 0x0101010101010101u : value;
    }
}

template <typename T> static Result timed(Table &t, double start, const Array<T> &a, bool check) {
    t.flush();
    Result r;
    r.seconds = bench_now() - start;
    r.bytes = a.nelements() * sizeof(T);
    if (check) r.sum = bench_checksum(reinterpret_cast<const uint8_t *>(a.data()), r.bytes);
    return r;
}

// The values of a work, kept for the next try of it.
template <typename T> static Array<T> &values(const std::string &work, const IPosition &shape, bool zeros) {
    static Array<T> kept;
    static std::string of;
    if (of != work) {
        kept.resize(shape);
        if (zeros)
            kept.set(T(0));
        else
            fill(kept.data(), kept.nelements() * sizeof(T), sizeof(T) == 1);
    }
    of = work;
    return kept;
}

template <typename T>
static Result put(Table &t, const std::string &work, const std::string &variant, const char *name, bool check) {
    ArrayColumn<T> column(t, name);
    const IPosition cell = ArrayColumn<T>(t, std::strcmp(name, "MODEL_DATA") ? name : "DATA").shape(0);
    const bool part = work.find("-channels") != std::string::npos;
    IPosition shape = variant == "fill" ? cell : cell.concatenate(IPosition(1, static_cast<ssize_t>(t.nrow())));
    if (part) shape[1] = 12;
    const Array<T> &a = values<T>(work + variant + name, shape, work.find("-zeros") != std::string::npos);
    const double start = bench_now();
    if (part)
        column.putColumn(channels(cell), a);
    else if (variant == "fill")
        column.fillColumn(a);
    else
        column.putColumn(a);
    Result r = timed(t, start, a, check);
    if (variant == "fill") r.bytes *= t.nrow();
    return r;
}

static Result put_scalars(Table &t, bool check) {
    ScalarColumn<Int> column(t, "ANTENNA1");
    const Vector<Int> a(values<Int>("antenna1", IPosition(1, static_cast<ssize_t>(t.nrow())), false));
    const double start = bench_now();
    column.putColumn(a);
    return timed(t, start, a, check);
}

static Result put_cell(Table &t, bool check) {
    static Int value = 1000000;
    ScalarColumn<Int> column(t, "ANTENNA1");
    const Vector<Int> one(1, ++value);
    const double start = bench_now();
    column.put(t.nrow() / 2, one[0]);
    return timed(t, start, one, check);
}

static Result copy(Table &t) {
    ArrayColumn<Complex> from(t, "DATA"), to(t, "CORRECTED_DATA");
    const double start = bench_now();
    const Array<Complex> all = from.getColumn();
    to.putColumn(all);
    return timed(t, start, all, false);
}

static Result put_three(Table &t, bool check) {
    Result r = put<Complex>(t, "three", "", "DATA", check);
    for (const Result &m :
         {put<Bool>(t, "three", "", "FLAG", check), put<Float>(t, "three", "", "WEIGHT_SPECTRUM", check)})
        r.seconds += m.seconds, r.bytes += m.bytes, r.sum += m.sum;
    return r;
}

template <typename T> static Result read_array(Table &t, const std::string &name, bool part) {
    static Array<T> a;
    ArrayColumn<T> column(t, name);
    if (part)
        column.getColumn(channels(column.shape(0)), a, true);
    else
        column.getColumn(a, true);
    Result r;
    r.seconds = 0;
    r.bytes = a.nelements() * sizeof(T);
    r.sum = bench_checksum(reinterpret_cast<const uint8_t *>(a.data()), r.bytes);
    return r;
}

// COLUMN, COLUMN:channels or COLUMN:row.
static Result read_back(const std::string &what) {
    Table t(path, TableLock(TableLock::UserNoReadLocking), Table::Old);
    const std::string name = what.substr(0, what.find(':')), part = what.substr(name.size());
    if (name == "FLAG") return read_array<Bool>(t, name, part == ":channels");
    if (name == "WEIGHT_SPECTRUM") return read_array<Float>(t, name, false);
    if (name != "ANTENNA1") return read_array<Complex>(t, name, part == ":channels");
    ScalarColumn<Int> column(t, name);
    const Vector<Int> a = part == ":row" ? Vector<Int>(1, column(t.nrow() / 2)) : column.getColumn();
    Result r;
    r.seconds = 0;
    r.bytes = a.nelements() * sizeof(Int);
    r.sum = bench_checksum(reinterpret_cast<const uint8_t *>(a.data()), r.bytes);
    return r;
}

// As addImagingColumns adds them: without a shape, tiles as DATA's; no cell is written.
static Result change(Table &t, const std::string &work, const std::string &name) {
    const bool there = t.tableDesc().isColumn(name);
    if (work == "remove" && there) t.removeColumn(name);
    if (work == "add" && !there) {
        const IPosition tile = ROTiledStManAccessor(t, "DATA", true).tileShape(0);
        t.addColumn(ArrayColumnDesc<Complex>(name, "", 2), TiledShapeStMan(name, tile));
    }
    t.flush();
    Result r;
    r.seconds = 0;
    return r;
}

static Result run(const std::string &work, const std::string &variant, bool check) {
    if (work == "read") return read_back(variant);
    Table t(path, TableLock(TableLock::UserLocking), Table::Update);
    t.lock(FileLocker::Write, 1);
    Result r;
    if (work == "add" || work == "remove") r = change(t, work, variant);
    if (work == "write-data" || work == "write-channels" || work == "write-zeros")
        r = put<Complex>(t, work, variant, "DATA", check);
    if (work == "write-model" || work == "write-zeros-new") r = put<Complex>(t, work, variant, "MODEL_DATA", check);
    if (work == "write-flag" || work == "write-flag-channels") r = put<Bool>(t, work, variant, "FLAG", check);
    if (work == "write-antenna1") r = put_scalars(t, check);
    if (work == "write-antenna1-cell") r = put_cell(t, check);
    if (work == "write-copy") r = copy(t);
    if (work == "write-three") r = put_three(t, check);
    t.unlock();
    return r;
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads, check;
    if (argc < 2) return 2;
    path = argv[1];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %63s %d %d", name, variant, &threads, &check) != 4) continue;
        Result r;
        try {
            r = run(name, variant, check);
        } catch (const std::exception &e) {
            fprintf(stderr, "bench_write_casacore: %s: %s\n", name, e.what());
        }
        printf("{\"seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu}\n", r.seconds, r.bytes, r.sum);
        fflush(stdout);
    }
    return 0;
}
