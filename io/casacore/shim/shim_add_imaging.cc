// shim_add_imaging.cc - the casacore module: adding the columns that imagers want.

#include "io/casacore/shim/shim_add.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_like.h"
#include "io/casacore/shim/shim_room.h"

#include <casacore/casa/Arrays/Matrix.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableLock.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <vector>

namespace shim {

namespace {

// Channels that all rows have; 0 where they differ, or no cell has a value.
int64_t channels_of(const cc::Table &table, const cc::ColumnDesc &data) {
    if (data.isFixedShape()) return data.shape().size() == 2 ? data.shape()[1] : 0;
    int64_t channels = axis_of_cubes(table, data, 2, 1);
    if (channels >= 0) return channels;
    channels = 0;
    const cc::TableColumn cells(table, "DATA");
    for (cc::rownr_t row = 0; row < table.nrow(); row++) {
        if (!cells.isDefined(row)) continue;
        const cc::IPosition shape = cells.shape(row);
        if (shape.size() != 2 || (channels && channels != shape[1])) return 0;
        channels = shape[1];
    }
    return channels;
}

cc::Matrix<cc::Int> channel_selection(const cc::Table &table) {
    const cc::Table windows(table.keywordSet().tableAttributes("SPECTRAL_WINDOW").name(),
                            cc::TableLock(cc::TableLock::AutoNoReadLocking));
    const cc::Vector<cc::Int> channels = cc::ScalarColumn<cc::Int>(windows, "NUM_CHAN").getColumn();
    cc::Matrix<cc::Int> selection(2, channels.size(), 0);
    for (size_t i = 0; i < channels.size(); i++) selection(1, i) = channels[i];
    return selection;
}

// CASA takes a virtual model before MODEL_DATA: keywords that name records, and those.
void remove_virtual_models(cc::Table &table) {
    cc::TableRecord &record = table.rwKeywordSet();
    std::vector<cc::String> names;
    for (cc::uInt i = 0; i < record.nfields(); i++)
        if (record.name(i).startsWith("definedmodel_field_")) names.push_back(record.name(i));
    for (const cc::String &name : names) {
        const cc::String model = record.dataType(name) == cc::TpString ? record.asString(name) : cc::String();
        if (!model.empty() && record.isDefined(model)) record.removeField(model);
        record.removeField(name);
    }
    if (!table.tableDesc().isColumn("SOURCE_MODEL")) return;
    cc::ScalarColumn<cc::TableRecord> models(table, "SOURCE_MODEL");
    for (cc::rownr_t row = 0; row < table.nrow(); row++)
        if (models.isDefined(row)) models.put(row, cc::TableRecord());
}

struct Imaging {
    std::vector<cc::ColumnDesc> columns;
    std::vector<cc::Record> managers;
    std::string said;

    void want(const cc::Table &table, const cc::ColumnDesc &column, const cc::Record &manager) {
        const bool there = table.tableDesc().isColumn(column.name());
        said += (there ? "=" : "+") + column.name() + "\n";
        if (there) return;
        columns.push_back(column);
        managers.push_back(manager);
    }
};

Imaging plan_imaging(const cc::Table &table) {
    Imaging plan;
    if (!table.tableDesc().isColumn("DATA"))
        refuse(MSIO_E_NO_COLUMN, "no column DATA, which the new ones would be like");
    if (!table.keywordSet().isDefined("SPECTRAL_WINDOW"))
        refuse(MSIO_E_ARGUMENT, "no keyword SPECTRAL_WINDOW: this is no Measurement Set");
    const cc::ColumnDesc &data = table.tableDesc().columnDesc("DATA");
    if (!data.isArray() || data.dataType() != cc::TpComplex || (data.ndim() > 0 && data.ndim() != 2))
        refuse(MSIO_E_UNSUPPORTED, "DATA holds no complex numbers of two axes");
    plan.want(table, renamed(data, "MODEL_DATA", "The model data column", 2),
              manager_like(table, data, 2, "modeldata"));
    plan.want(table, renamed(data, "CORRECTED_DATA", "The corrected data column", 2),
              manager_like(table, data, 2, "correcteddata"));
    const int64_t channels = channels_of(table, data);
    const cc::String name = "IMAGING_WEIGHT", words = "Weight set by imaging task (e.g. uniform weighting)";
    cc::ColumnDesc weight = channels > 0 ? cc::ColumnDesc(cc::ArrayColumnDesc<cc::Float>(
                                               name, words, cc::IPosition(1, channels), cc::ColumnDesc::FixedShape))
                                         : cc::ColumnDesc(cc::ArrayColumnDesc<cc::Float>(name, words, 1));
    cc::Vector<cc::Int> tile(2, 32);
    tile[1] = 128;
    plan.want(table, weight, tiled_spec("TiledShapeStMan", "imagingweight", tile));
    return plan;
}

} // namespace

std::string add_imaging(const std::string &path) {
    cc::Table table = open_locked(path);
    const Imaging plan = plan_imaging(table);
    const cc::Matrix<cc::Int> selection = channel_selection(table);
    const bool model = plan.said[0] == '+';
    cc::Table source;
    if (model && table.keywordSet().isDefined("SOURCE"))
        source = open_locked(table.keywordSet().tableAttributes("SOURCE").name());
    int64_t bytes = 0;
    for (const cc::ColumnDesc &column : plan.columns) bytes += column_bytes(column, static_cast<int64_t>(table.nrow()));
    if (bytes) ask_for_room(path, bytes);
    for (size_t i = 0; i < plan.columns.size(); i++) add_one(table, plan.columns[i], plan.managers[i]);
    cc::TableRecord &keywords = cc::TableColumn(table, "MODEL_DATA").rwKeywordSet();
    if (model || !keywords.isDefined("CHANNEL_SELECTION")) keywords.define("CHANNEL_SELECTION", selection);
    if (model) remove_virtual_models(table);
    if (model && !source.isNull()) remove_virtual_models(source);
    for (const char *sort : {"SORTED_TABLE", "SORT_COLUMNS"})
        if (bytes && table.keywordSet().isDefined(sort)) table.rwKeywordSet().removeField(sort);
    table.flush();
    if (!source.isNull()) source.flush();
    return plan.said;
}

} // namespace shim
