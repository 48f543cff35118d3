// traced.cc - two loops over cells in C++, in functions whose names a profiler is to tell.
// usage: traced TABLE
#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/Table.h>

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

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    casacore::Table table(argv[1]);
    double sum = first_loop(table);
    std::printf("%.17g %.17g\n", sum, second_loop(table));
    return 0;
}
