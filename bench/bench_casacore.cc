// bench_casacore.cc - a worker of the benchmarks: casacore's C++ classes, one repetition a request.
//
// Reads lines "WORK VARIANT THREADS CHECK" as bench_msio does; variants: warm (into the same memory each time), new
// (into a new array), mmap (warm, with casacore's memory-mapped tiles), kept (warm, and the tiles that the try before
// left in casacore's cache).
#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/Slicer.h>
#include <casacore/tables/DataMan/TSMOption.h>
#include <casacore/tables/DataMan/TiledStManAccessor.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/RefRows.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

using namespace casacore;

static std::string path;
static int check; // 1: this try is for the checksum, not for its time
static std::unique_ptr<Table> open_table;

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static Table &table(bool mmap) {
    // casacore shares what is open already, whatever options come with it: a process has one kind.
    if (!open_table)
        open_table.reset(new Table(path, TableLock(TableLock::UserNoReadLocking), Table::Old,
                                   TSMOption(mmap ? TSMOption::MMap : TSMOption::Cache, 0, 0)));
    return *open_table;
}

// As bench_msio's.
static unsigned long long checksum(const void *data, size_t bytes) {
    const unsigned char *at = static_cast<const unsigned char *>(data);
    uint64_t sum = 0, word, factor = 1;
    for (; bytes >= sizeof word; bytes -= sizeof word, at += sizeof word, factor += 2) {
        memcpy(&word, at, sizeof word);
        sum += word * factor;
    }
    word = 0;
    memcpy(&word, at, bytes);
    return sum + word * factor;
}

struct Result {
    double seconds = -1;
    size_t bytes = 0;
    unsigned long long sum = 0;
};

template <typename T> static Result finish(double start, const Array<T> &a) {
    Result r;
    r.seconds = now() - start;
    r.bytes = a.nelements() * sizeof(T);
    if (check) r.sum = checksum(a.data(), r.bytes);
    return r;
}

static std::string work;

template <typename T> static Result read_array(const char *name, Array<T> &warm, const std::string &variant) {
    Table &t = table(variant == "mmap");
    // Tiles that the try before left in casacore's own memory are not what "warm" means; "kept" shows what they do.
    if (variant != "kept") ROTiledStManAccessor(t, name, true).clearCaches();
    ArrayColumn<T> column(t, name);
    Array<T> fresh, &a = variant == "new" ? fresh : warm;
    const rownr_t rows = t.nrow();
    IPosition cell = column.shape(0);
    double start = now();
    if (work == "channels" || work == "wide-channels") {
        Slicer part(IPosition(2, 0, work == "channels" ? 12 : 96), IPosition(2, cell[0], work == "channels" ? 12 : 48));
        column.getColumn(part, a, true);
    } else if (work == "spw-rows") {
        rownr_t n = rows / 16;
        column.getColumnRange(Slicer(IPosition(1, n * 8), IPosition(1, n)), a, true);
    } else if (work == "stride") {
        column.getColumnRange(Slicer(IPosition(1, 0), IPosition(1, (rows + 177) / 178), IPosition(1, 178)), a, true);
    } else if (work == "random") {
        Vector<rownr_t> list(10000);
        unsigned long long x = 12345;
        for (int i = 0; i < 10000; i++) {
            x = x * 6364136223846793005ull + 1442695040888963407ull;
            list[i] = (x >> 33) % rows;
        }
        start = now();
        column.getColumnCells(RefRows(list), a, true);
    } else {
        column.getColumn(a, true);
    }
    return finish(start, a);
}

template <typename T> static Result read_scalar(const char *name, Vector<T> &warm, const std::string &variant) {
    ScalarColumn<T> column(table(false), name);
    Vector<T> fresh;
    double start = now();
    column.getColumn(variant == "new" ? fresh : warm, true);
    return finish(start, variant == "new" ? fresh : warm);
}

static Result open_tables(bool all) {
    Result r;
    double start = now();
    Table t(path);
    for (uInt i = 0; all && i < t.keywordSet().nfields(); i++)
        if (t.keywordSet().type(static_cast<Int>(i)) == TpTable) Table sub(t.keywordSet().asTable(static_cast<Int>(i)));
    r.seconds = now() - start;
    return r;
}

// Seconds a row of a loop of get into memory that is there already.
static Result cells() {
    Result r;
    Table &t = table(false);
    ArrayColumn<Complex> data(t, "DATA");
    ArrayColumn<Bool> flag(t, "FLAG");
    ArrayColumn<Float> weight(t, "WEIGHT_SPECTRUM");
    Array<Complex> a(data.shape(0));
    Array<Bool> b(data.shape(0));
    Array<Float> c(data.shape(0));
    const bool random = work == "cell-random", three = work == "cell-three";
    const rownr_t rows = std::min<rownr_t>(t.nrow(), random ? 1000 : 200000);
    unsigned long long x = 12345;
    double start = now();
    for (rownr_t i = 0; i < rows; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        rownr_t row = random ? (x >> 33) % t.nrow() : i;
        data.get(row, a);
        if (three) flag.get(row, b), weight.get(row, c);
    }
    r.seconds = (now() - start) / static_cast<double>(rows);
    r.bytes = a.nelements() * (three ? 13 : 8);
    return r;
}

static Result run(const std::string &variant) {
    static Array<Complex> data;
    static Array<Bool> flag;
    static Array<Float> weight;
    static Array<Double> uvw;
    static Vector<Double> time;
    static Vector<Int> antenna;
    if (work == "close" || work == "open" || work == "open-all") {
        open_table.reset();
        return work == "close" ? Result() : open_tables(work == "open-all");
    }
    if (work.compare(0, 4, "cell") == 0) return cells();
    if (work == "flag") return read_array("FLAG", flag, variant);
    if (work == "uvw") return read_array("UVW", uvw, variant);
    if (work == "time") return read_scalar("TIME", time, variant);
    if (work == "antenna1") return read_scalar("ANTENNA1", antenna, variant);
    Result r = read_array("DATA", data, variant);
    if (work == "data-flag-weight") {
        Result more[] = {read_array("FLAG", flag, variant), read_array("WEIGHT_SPECTRUM", weight, variant)};
        for (const Result &m : more) r.seconds += m.seconds, r.bytes += m.bytes, r.sum += m.sum;
    }
    return r;
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads;
    if (argc < 2) return 2;
    path = argv[1];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %63s %d %d", name, variant, &threads, &check) != 4) continue;
        work = name;
        try {
            Result r = run(variant);
            printf("{\"seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu}\n", r.seconds, r.bytes, r.sum);
        } catch (const std::exception &e) {
            fprintf(stderr, "bench_casacore: %s: %s\n", name, e.what());
            printf("{\"seconds\": -1, \"bytes\": 0, \"checksum\": 0}\n");
        }
        fflush(stdout);
    }
    return 0;
}
