// oracle_columns.h - columns of generated tables: how they are described, and how their cells are put.
#ifndef MSIO_TESTS_ORACLE_COLUMNS_H
#define MSIO_TESTS_ORACLE_COLUMNS_H

#include "oracle_values.h"

#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <memory>
#include <vector>

namespace oracle {

enum class Form {
    scalar,
    direct, // array of fixed shape, stored inline
    fixed,  // array of fixed shape
    late,   // fixed, the shape given after the description
    varying // array, each cell its own shape
};
const char *form_name(Form form);

struct Spec {
    casacore::String name;
    casacore::DataType type;
    Form form;
    casacore::IPosition shape;     // of the largest cell; empty for scalars
    casacore::uInt max_length = 0; // of strings, part of the description; 0: any
    int64_t longest = 5000;        // text that is put
};

// "Float_varying_2d"
Spec make_spec(casacore::DataType type, Form form, const casacore::IPosition &shape);

void describe(casacore::TableDesc &desc, const Spec &spec);
// Gives late columns their shape.
void settle(casacore::SetupNewTable &setup, const std::vector<Spec> &specs);

// A smaller shape of the same number of axes; kind 0 is the shape itself.
casacore::IPosition variant(const casacore::IPosition &shape, int64_t kind);

// Puts cells of one column.
class Putter {
  public:
    virtual ~Putter() = default;
    virtual void put(casacore::rownr_t row, const casacore::IPosition &shape) = 0;
    virtual void set_shape(casacore::rownr_t row, const casacore::IPosition &shape) = 0;
};
std::unique_ptr<Putter> make_putter(casacore::Table &table, const Spec &spec, Random &random);

// Puts rows first <= row < end of all columns. Of varying columns some cells stay undefined, some only get a shape;
// cells of the same row have variants of the same kind, so that the columns of a hypercolumn agree.
struct PutStyle {
    bool undefined = true;  // leave cells of varying columns undefined
    bool shape_only = true; // give some cells a shape but no value
    int64_t every = 1;      // put about every n-th row only; row `first` always
    bool uniform = false;   // all cells of varying columns have the largest shape
};
void put_rows(casacore::Table &table, const std::vector<Spec> &specs, casacore::rownr_t first, casacore::rownr_t end,
              Random &random, const PutStyle &style);

} // namespace oracle
#endif
