// oracle_metadata.cc - metadata against casacore's tables and measures.
#include "oracle_metadata.h"
#include "oracle_check.h"

#include <casacore/measures/Measures/MDirection.h>
#include <casacore/measures/TableMeasures/ArrayMeasColumn.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

using namespace casacore;

namespace oracle {

namespace {

// A subtable, or a null table.
Table subtable(const Table &main, const char *name) {
    const TableRecord &keywords = main.keywordSet();
    if (!keywords.isDefined(name)) return Table();
    String path = keywords.tableAttributes(name).name();
    return Table::isReadable(path) ? Table(path) : Table();
}

bool has(const Table &t, const char *column) { return t.tableDesc().isColumn(column); }

void same_text(const Table &t, const char *column, rownr_t row, const char *found) {
    String wanted = has(t, column) ? ScalarColumn<String>(t, column)(row) : String();
    check(wanted == found, "%s of row %llu of %s is '%s', not '%s'", column, (unsigned long long)row,
          t.tableName().c_str(), found, wanted.c_str());
}

template <class T> void same_number(const Table &t, const char *column, rownr_t row, double found, double absent) {
    double wanted = has(t, column) ? static_cast<double>(ScalarColumn<T>(t, column)(row)) : absent;
    check(wanted == found || (std::isnan(wanted) && std::isnan(found)), "%s of row %llu of %s is %.17g, not %.17g",
          column, (unsigned long long)row, t.tableName().c_str(), found, wanted);
}

template <class T> void same_array(const Table &t, const char *column, rownr_t row, const double *found, int64_t n) {
    std::vector<double> wanted;
    if (has(t, column) && ArrayColumn<T>(t, column).isDefined(row))
        for (const T &value : ArrayColumn<T>(t, column)(row)) wanted.push_back(static_cast<double>(value));
    bool same = static_cast<int64_t>(wanted.size()) == n;
    for (int64_t i = 0; same && i < n; i++) same = wanted[static_cast<size_t>(i)] == found[i];
    check(same, "%s of row %llu of %s differs (%zu elements, %lld found)", column, (unsigned long long)row,
          t.tableName().c_str(), wanted.size(), (long long)n);
}

void same_direction(const Table &t, const char *column, rownr_t row, const msio_direction &d) {
    if (!has(t, column)) {
        check(d.terms == 0, "%s of row %llu is not there", column, (unsigned long long)row);
        return;
    }
    bool array = t.tableDesc()[column].isArray();
    if (!check(array, "%s is no array", column)) return;
    same_array<Double>(t, column, row, d.terms ? d.value[0] : nullptr, 2 * static_cast<int64_t>(d.terms));
    const TableRecord &keywords = TableColumn(t, column).keywordSet();
    if (keywords.isDefined("QuantumUnits"))
        check(keywords.asArrayString("QuantumUnits").data()[0] == d.unit, "unit of %s", column);
    if (!keywords.isDefined("MEASINFO") || d.terms == 0) return;
    const IPosition shape = ArrayColumn<Double>(t, column).shape(row);
    String frame;
    if (shape.size() == 2) {
        frame = ArrayMeasColumn<MDirection>(t, column)(row).data()->getRefString();
        check(frame == d.frame, "frame of %s of row %llu is '%s', not '%s'", column, (unsigned long long)row, d.frame,
              frame.c_str());
    }
}

void check_columns(const msio_metadata &m, const Table &main) {
    check(m.rows == static_cast<int64_t>(main.nrow()), "%lld rows, not %llu", (long long)m.rows,
          (unsigned long long)main.nrow());
    if (!check(m.columns == static_cast<int>(main.tableDesc().ncolumn()), "%d columns, not %u", m.columns,
               main.tableDesc().ncolumn()))
        return;
    for (int i = 0; i < m.columns; i++) {
        const ColumnDesc &desc = main.tableDesc()[static_cast<uInt>(i)];
        check(desc.name() == m.column[i].name &&
                  static_cast<int>(desc.dataType()) == static_cast<int>(m.column[i].type),
              "column %d is %s", i, m.column[i].name);
    }
    if (!main.isRootTable()) return;
    const Record managers = main.dataManagerInfo();
    int with_columns = 0;
    for (uInt i = 0; i < managers.nfields(); i++) {
        const Record &manager = managers.subRecord(i);
        int sequence = static_cast<int>(manager.asuInt("SEQNR"));
        if (manager.asArrayString("COLUMNS").empty()) continue;
        with_columns++;
        const msio_disk_use *found = std::find_if(m.manager, m.manager + m.managers,
                                                  [&](const msio_disk_use &one) { return one.sequence == sequence; });
        check(found != m.manager + m.managers && manager.asString("TYPE") == found->type &&
                  manager.asString("NAME") == found->name,
              "manager %d (%s) differs", sequence, manager.asString("NAME").c_str());
    }
    check(with_columns == m.managers, "%d managers, not %d", m.managers, with_columns);
}

void check_times(const msio_metadata &m, const Table &main) {
    Vector<Double> time = ScalarColumn<Double>(main, "TIME").getColumn();
    Vector<Int> scan = ScalarColumn<Int>(main, "SCAN_NUMBER").getColumn();
    std::set<double> times(time.begin(), time.end());
    std::set<int32_t> scans(scan.begin(), scan.end());
    check(m.times == static_cast<int>(times.size()), "%d times, not %zu", m.times, times.size());
    check(m.scans == static_cast<int>(scans.size()) && std::equal(scans.begin(), scans.end(), m.scan),
          "the scans differ");
    double low = times.empty() ? 0 : *times.begin(), high = times.empty() ? 0 : *times.rbegin();
    check(m.time_range[0] == low && m.time_range[1] == high, "the time range differs");
}

#define EACH(NAME, COUNT)                                                                                              \
    const Table t = subtable(main, NAME);                                                                              \
    const rownr_t n = t.isNull() ? 0 : t.nrow();                                                                       \
    if (!check(static_cast<rownr_t>(COUNT) == n, "%d rows of %s", static_cast<int>(COUNT), NAME)) return;              \
    for (rownr_t i = 0; i < n; i++)

void check_antennas(const msio_metadata &m, const Table &main) {
    EACH("ANTENNA", m.antennas) {
        same_text(t, "NAME", i, m.antenna[i].name);
        same_text(t, "STATION", i, m.antenna[i].station);
        same_text(t, "MOUNT", i, m.antenna[i].mount);
        same_array<Double>(t, "POSITION", i, m.antenna[i].position, 3);
        same_number<Double>(t, "DISH_DIAMETER", i, m.antenna[i].diameter, 0);
        same_number<Bool>(t, "FLAG_ROW", i, m.antenna[i].flagged, 0);
    }
}

void check_windows(const msio_metadata &m, const Table &main) {
    EACH("SPECTRAL_WINDOW", m.spectral_windows) {
        const msio_spectral_window &w = m.spectral_window[i];
        same_text(t, "NAME", i, w.name);
        same_array<Double>(t, "CHAN_FREQ", i, w.frequencies, w.frequencies ? w.channels : 0);
        same_array<Double>(t, "CHAN_WIDTH", i, w.widths, w.widths ? w.channels : 0);
        same_number<Double>(t, "REF_FREQUENCY", i, w.reference_frequency, 0);
        same_number<Double>(t, "TOTAL_BANDWIDTH", i, w.bandwidth, 0);
        same_number<Int>(t, "MEAS_FREQ_REF", i, w.frame, -1);
    }
}

void check_polarizations(const msio_metadata &m, const Table &main) {
    EACH("POLARIZATION", m.polarizations) {
        std::vector<double> types(m.polarization[i].types, m.polarization[i].types + m.polarization[i].correlations);
        same_array<Int>(t, "CORR_TYPE", i, types.data(), m.polarization[i].correlations);
    }
}

void check_descriptions(const msio_metadata &m, const Table &main) {
    EACH("DATA_DESCRIPTION", m.data_descriptions) {
        same_number<Int>(t, "SPECTRAL_WINDOW_ID", i, m.data_description[i].spectral_window, -1);
        same_number<Int>(t, "POLARIZATION_ID", i, m.data_description[i].polarization, -1);
        same_number<Bool>(t, "FLAG_ROW", i, m.data_description[i].flagged, 0);
    }
}

void check_fields(const msio_metadata &m, const Table &main) {
    EACH("FIELD", m.fields) {
        same_text(t, "NAME", i, m.field[i].name);
        same_text(t, "CODE", i, m.field[i].code);
        same_number<Int>(t, "SOURCE_ID", i, m.field[i].source, -1);
        same_number<Double>(t, "TIME", i, m.field[i].time, 0);
        same_direction(t, "PHASE_DIR", i, m.field[i].phase_dir);
        same_direction(t, "REFERENCE_DIR", i, m.field[i].reference_dir);
        same_direction(t, "DELAY_DIR", i, m.field[i].delay_dir);
    }
}

void check_observations(const msio_metadata &m, const Table &main) {
    EACH("OBSERVATION", m.observations) {
        same_text(t, "TELESCOPE_NAME", i, m.observation[i].telescope);
        same_text(t, "OBSERVER", i, m.observation[i].observer);
        same_text(t, "PROJECT", i, m.observation[i].project);
        same_array<Double>(t, "TIME_RANGE", i, m.observation[i].time_range, 2);
    }
}

void check_sources(const msio_metadata &m, const Table &main) {
    EACH("SOURCE", m.sources) {
        same_text(t, "NAME", i, m.source[i].name);
        same_number<Int>(t, "SOURCE_ID", i, m.source[i].id, -1);
        same_number<Int>(t, "SPECTRAL_WINDOW_ID", i, m.source[i].spectral_window, -1);
        same_number<Double>(t, "TIME", i, m.source[i].time, 0);
        same_number<Double>(t, "INTERVAL", i, m.source[i].interval, 0);
        same_direction(t, "DIRECTION", i, m.source[i].direction);
    }
}

void check_states(const msio_metadata &m, const Table &main) {
    EACH("STATE", m.states) {
        same_text(t, "OBS_MODE", i, m.state[i].mode);
        same_number<Int>(t, "SUB_SCAN", i, m.state[i].subscan, 0);
        same_number<Double>(t, "CAL", i, m.state[i].cal, 0);
        same_number<Bool>(t, "SIG", i, m.state[i].sig, 0);
        same_number<Bool>(t, "REF", i, m.state[i].ref, 0);
    }
}

} // namespace

void check_metadata(const msio_metadata &metadata, const Table &main) {
    check_columns(metadata, main);
    if (!metadata.is_ms) return;
    check_times(metadata, main);
    check_antennas(metadata, main);
    check_windows(metadata, main);
    check_polarizations(metadata, main);
    check_descriptions(metadata, main);
    check_fields(metadata, main);
    check_observations(metadata, main);
    check_sources(metadata, main);
    check_states(metadata, main);
}

void check_row_index(const msio_metadata &metadata, const Table &main) {
    const msio_row_index *index = nullptr;
    if (!well(msio_metadata_row_index(&metadata, &index), "the row index")) return;
    Vector<Int> field = ScalarColumn<Int>(main, "FIELD_ID").getColumn(),
                description = ScalarColumn<Int>(main, "DATA_DESC_ID").getColumn(),
                scan = ScalarColumn<Int>(main, "SCAN_NUMBER").getColumn();
    Vector<Double> time = ScalarColumn<Double>(main, "TIME").getColumn();
    int64_t row = 0;
    bool same = true;
    for (int64_t i = 0; i < index->runs && same; i++) {
        const msio_row_run &run = index->run[i];
        same = run.row == row && run.rows > 0 && run.row + run.rows <= static_cast<int64_t>(main.nrow());
        for (; same && row < run.row + run.rows; row++) {
            size_t r = static_cast<size_t>(row);
            same = field[r] == run.field && description[r] == run.data_description && scan[r] == run.scan &&
                   time[r] == run.time;
        }
    }
    check(same && row == static_cast<int64_t>(main.nrow()), "the row index differs at row %lld", (long long)row);
    msio_row_query query = MSIO_ROW_QUERY_INIT;
    query.field = field.empty() ? 0 : field[field.size() / 2];
    std::vector<int64_t> wanted;
    for (size_t r = 0; r < field.size(); r++)
        if (field[r] == query.field) wanted.push_back(static_cast<int64_t>(r));
    int64_t *rows = nullptr, n = 0;
    if (well(msio_row_index_find(index, &query, &rows, &n), "finding a field's rows"))
        check(n == static_cast<int64_t>(wanted.size()) && std::equal(wanted.begin(), wanted.end(), rows),
              "the rows of field %d differ: %lld, not %zu", query.field, (long long)n, wanted.size());
    std::free(rows);
}

} // namespace oracle
