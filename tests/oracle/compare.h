// compare.h - what the parts of compare_table and compare_writes share: the count of mismatches, and the checks.
#ifndef MSIO_TESTS_COMPARE_H
#define MSIO_TESTS_COMPARE_H

#include "oracle_cells.h"

#include <cstdarg>
#include <string>
#include <vector>

namespace oracle {

class Report {
  public:
    int64_t tables = 0, columns = 0, native_columns = 0, cells = 0, compared = 0, reads = 0, mismatches = 0;
    std::string table; // being compared
    bool quiet = false;
    bool thorough = false; // every way with every number of threads, not a turn of them

    // A difference; printed with the table's name unless there were many already.
    void mismatch(const char *format, ...) __attribute__((format(printf, 2, 3)));
    bool expect(bool good, const char *what, const char *where);

    // The negative control: changes one bit of the result number `flip` (from 0; -1: of none).
    int64_t flip = -1, results = 0;
    void delivered(void *data, size_t bytes);

  private:
    std::string printed_table_;
    int printed_ = 0;
};

// Names, types, shapes, managers and keywords; `native` columns must be read natively.
void compare_facts(Report &report, const casacore::Table &expected, msio_table *table);

// One column through every call that reads it. names the column in messages.
void compare_column(Report &report, const Cells &cells, msio_table *table, const char *name, int64_t rows,
                    Random &random);

// The same column of a table that is opened with MSIO_NATIVE_NO.
void compare_fallback(Report &report, const Cells &cells, msio_table *table, const char *name, Random &random);

// Several columns in one call, and as a stream.
struct Named {
    std::string name;
    Cells cells;
};
void compare_many(Report &report, const std::vector<Named> &columns, msio_table *table, int64_t rows, Random &random);

// Selections of rows: all, ranges, strides, lists in any order with repeats; only of `known` rows when that is given.
std::vector<Selection> row_selections(int64_t rows, const std::vector<int64_t> &known, Random &random);

// Managers that msio must read natively.
bool is_native_manager(const std::string &type);

} // namespace oracle
#endif
