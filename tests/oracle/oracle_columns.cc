// oracle_columns.cc - columns of generated tables: how they are described, and how their cells are put.
#include "oracle_columns.h"

#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>

using namespace casacore;

namespace oracle {

const char *form_name(Form form) {
    switch (form) {
    case Form::scalar: return "scalar";
    case Form::direct: return "direct";
    case Form::fixed: return "fixed";
    case Form::late: return "late";
    case Form::varying: return "varying";
    }
    return "";
}

Spec make_spec(DataType type, Form form, const IPosition &shape) {
    Spec spec{String(type_name(type)) + "_" + form_name(form), type, form, shape};
    if (form == Form::scalar)
        spec.shape.resize(0);
    else
        spec.name += "_" + String::toString(shape.size()) + "d";
    return spec;
}

template <class T> static ColumnDesc array_desc(const Spec &spec) {
    switch (spec.form) {
    case Form::direct:
        return ArrayColumnDesc<T>(spec.name, "inline", spec.shape, ColumnDesc::Direct | ColumnDesc::FixedShape);
    case Form::fixed: return ArrayColumnDesc<T>(spec.name, "", spec.shape, ColumnDesc::FixedShape);
    case Form::late:
        return ArrayColumnDesc<T>(spec.name, "", static_cast<Int>(spec.shape.size()), ColumnDesc::FixedShape);
    default: return ArrayColumnDesc<T>(spec.name, "of many shapes", static_cast<Int>(spec.shape.size()));
    }
}

void describe(TableDesc &desc, const Spec &spec) {
    with_type(spec.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        ColumnDesc column =
            spec.form == Form::scalar ? ColumnDesc(ScalarColumnDesc<T>(spec.name, "one value")) : array_desc<T>(spec);
        if (spec.max_length) column.setMaxLength(spec.max_length);
        desc.addColumn(column);
    });
}

void settle(SetupNewTable &setup, const std::vector<Spec> &specs) {
    for (const Spec &spec : specs)
        if (spec.form == Form::late) setup.setShapeColumn(spec.name, spec.shape);
}

IPosition variant(const IPosition &shape, int64_t kind) {
    IPosition result(shape);
    for (size_t i = 0; kind > 0 && i < shape.size(); i++)
        result[i] = kind == 1 ? (shape[i] + 1) / 2 : std::max<ssize_t>(1, shape[i] - static_cast<ssize_t>(i % 2) - 1);
    return result;
}

namespace {

template <class T> class ScalarPutter : public Putter {
  public:
    ScalarPutter(Table &table, const Spec &spec, Random &random)
        : column_(table, spec.name), spec_(spec), random_(random) {}
    void put(rownr_t row, const IPosition &) override {
        if constexpr (std::is_same_v<T, String>)
            column_.put(row, text(random_, spec_.max_length ? spec_.max_length : spec_.longest));
        else
            column_.put(row, value<T>(random_));
    }
    void set_shape(rownr_t, const IPosition &) override {}

  private:
    ScalarColumn<T> column_;
    Spec spec_;
    Random &random_;
};

template <class T> class ArrayPutter : public Putter {
  public:
    ArrayPutter(Table &table, const Spec &spec, Random &random)
        : column_(table, spec.name), random_(random), longest_(spec.longest) {}
    void put(rownr_t row, const IPosition &shape) override { column_.put(row, array<T>(random_, shape, longest_)); }
    void set_shape(rownr_t row, const IPosition &shape) override { column_.setShape(row, shape); }

  private:
    ArrayColumn<T> column_;
    Random &random_;
    int64_t longest_;
};

} // namespace

std::unique_ptr<Putter> make_putter(Table &table, const Spec &spec, Random &random) {
    return with_type(spec.type, [&](auto tag) -> std::unique_ptr<Putter> {
        using T = typename decltype(tag)::type;
        if (spec.form == Form::scalar) return std::make_unique<ScalarPutter<T>>(table, spec, random);
        return std::make_unique<ArrayPutter<T>>(table, spec, random);
    });
}

void put_rows(Table &table, const std::vector<Spec> &specs, rownr_t first, rownr_t end, Random &random,
              const PutStyle &style) {
    std::vector<std::unique_ptr<Putter>> putters;
    for (const Spec &spec : specs) putters.push_back(make_putter(table, spec, random));
    for (rownr_t row = first; row < end; row++) {
        int64_t kind = style.uniform ? 0 : random.below(3), fate = random.below(10);
        for (size_t i = 0; i < specs.size(); i++) {
            bool varying = specs[i].form == Form::varying;
            if (row > first && style.every > 1 && random.below(style.every)) continue;
            if (varying && style.undefined && fate < 2) continue;
            IPosition shape = varying ? variant(specs[i].shape, kind) : specs[i].shape;
            if (varying && style.shape_only && fate == 2)
                putters[i]->set_shape(row, shape);
            else
                putters[i]->put(row, shape);
        }
    }
}

} // namespace oracle
