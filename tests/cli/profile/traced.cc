// traced.cc - two loops over cells in C++, in functions whose names a profiler is to tell.
// usage: traced TABLE [keywords]
// With the word it writes to the table, and looks whether a column's description is always what it is now: the profiler
// keeps casacore from copying it for names.
#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <cstdio>

__attribute__((noinline, visibility("default"))) double first_loop(const casacore::Table &table) {
    casacore::ArrayColumn<casacore::DComplex> column(table, "DATA");
    double sum = 0;
    for (casacore::rownr_t row = 0; row < table.nrow(); row++) sum += column.get(row).data()[1].real();
    return sum;
}

__attribute__((noinline, visibility("default"))) double second_loop(const casacore::Table &table) {
    casacore::ArrayColumn<casacore::Double> column(table, "UVW");
    double sum = 0;
    for (casacore::rownr_t row = 0; row < table.nrow(); row += 2) sum += column.get(row).data()[1];
    return sum;
}

static int changing_keywords(const char *path) {
    casacore::Table table(path, casacore::Table::Update);
    casacore::ArrayColumn<casacore::DComplex> column(table, "DATA");
    for (int turn = 0; turn < 100; turn++) {
        column.rwKeywordSet().define("TURN", turn);
        (void)column.get(turn);
        if (column.columnDesc().keywordSet().asInt("TURN") != turn || column.columnDesc().name() != "DATA") return 3;
    }
    std::puts("100");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3) return changing_keywords(argv[1]);
    if (argc != 2) return 2;
    casacore::Table table(argv[1]);
    double sum = first_loop(table);
    std::printf("%.17g %.17g\n", sum, second_loop(table));
    return 0;
}
