// compare_reads.cc - one column through every call that reads it.
#include "compare.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

namespace oracle {

namespace {

using std::size_t;

const size_t guard = 64; // bytes beyond a result that must stay as they are
const uint8_t untouched = 0xa5;

// How a column is read: the next of all combinations each time, so that all occur often.
struct Manner {
    msio_way way;
    int threads;
};
Manner next_manner() {
    static const msio_way ways[] = {MSIO_WAY_AUTO, MSIO_WAY_DIRECT, MSIO_WAY_SCRATCH, MSIO_WAY_MAPPED};
    static const int threads[] = {1, 2, 8};
    static unsigned turn;
    turn++;
    return {ways[turn % 4], threads[turn / 4 % 3]};
}

msio_read_opts options(const Manner &manner, const void *fill) {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.way = manner.way;
    opts.threads = manner.threads;
    opts.fill = fill;
    return opts;
}

class ColumnCheck {
  public:
    ColumnCheck(Report &report, const Cells &cells, msio_table *table, const char *name, int64_t rows, Random &random)
        : report_(report), cells_(cells), table_(table), name_(name), rows_(rows), random_(random) {
        for (size_t i = 0; i < std::max<size_t>(cells.size, 1); i++)
            fill_.push_back(static_cast<uint8_t>(random.next() >> 30));
        if (cells.type == casacore::TpBool) fill_[0] &= 1;
    }

    bool open() {
        msio_status status = msio_table_column(table_, name_, &column_);
        if (status)
            report_.mismatch("column %s: %s", name_, msio_last_error()->message);
        else
            info_ = msio_column_describe(column_);
        return status == MSIO_OK && info_;
    }

    void everything();
    void some();

  private:
    void say(const Selection &selection, const char *what, const Manner &manner) {
        report_.mismatch("column %s, %s, %s, %d threads: %s", name_, selection.name.c_str(), msio_way_name(manner.way),
                         manner.threads, what);
    }
    void ragged(const Selection &selection, const Manner &manner);
    bool ragged_is_same(const Selection &selection, const msio_ragged &ragged, std::string &what) const;
    bool text_is_same(const msio_ragged &ragged, int64_t element, const std::string &text) const;
    void dense(const Selection &selection, const Manner &manner, bool filled);
    void dense_values(const Selection &selection, const Manner &manner, const Dense &wanted,
                      const msio_read_opts &opts);
    bool status_fits(const Dense &wanted, msio_status status, bool filled, bool none) const;
    void read_new(const Selection &selection, const Manner &manner, const Dense &wanted, const msio_read_opts &opts);
    bool casacore_throws(const Selection &selection, msio_status status) const;
    void plan(const Selection &selection, msio_status dense_status, size_t bytes);
    void part_selections(const std::vector<Selection> &rows);
    void uniform_rows();
    void errors();
    void refuse(const char *what, const msio_select &select, std::initializer_list<msio_status> fitting);
    void cancelled();

    Report &report_;
    const Cells &cells_;
    msio_table *table_;
    const char *name_;
    int64_t rows_;
    Random &random_;
    std::vector<uint8_t> fill_;
    const msio_column *column_ = nullptr;
    const msio_column_info *info_ = nullptr;
};

// Where casacore throws at a cell, what is read through it may say so; natively the cell is undefined.
bool ColumnCheck::casacore_throws(const Selection &selection, msio_status status) const {
    if (info_->native || (status != MSIO_E_CASACORE && status != MSIO_E_UNDEFINED)) return false;
    return std::any_of(selection.rows.begin(), selection.rows.end(),
                       [this](int64_t row) { return cells_.at(row).threw; });
}

/* ---------------------------------------------------------------- ragged */

bool ColumnCheck::text_is_same(const msio_ragged &ragged, int64_t element, const std::string &text) const {
    int64_t from = ragged.text_offsets[element], to = ragged.text_offsets[element + 1];
    if (from < 0 || to < from || to > static_cast<int64_t>(ragged.bytes)) return false;
    return static_cast<size_t>(to - from) == text.size() &&
           std::memcmp(ragged.text + from, text.data(), text.size()) == 0;
}

bool ColumnCheck::ragged_is_same(const Selection &selection, const msio_ragged &ragged, std::string &what) const {
    if (ragged.cells != static_cast<int64_t>(selection.rows.size()) ||
        static_cast<int>(ragged.type) != static_cast<int>(cells_.type)) {
        what = "another number of cells, or type";
        return false;
    }
    int64_t at = 0;
    for (size_t i = 0; i < selection.rows.size(); i++) {
        const Cell &cell = cells_.at(selection.rows[i]);
        Part part = cell.defined ? part_of(cell, selection) : Part();
        int64_t count = static_cast<int64_t>(part.elements.size());
        what = "row " + std::to_string(selection.rows[i]) + " (cell " + std::to_string(i) + ")";
        if ((ragged.defined[i] != 0) != cell.defined)
            return what += cell.defined ? " is undefined" : " is defined", false;
        if (ragged.offsets[i] != at || ragged.offsets[i + 1] != at + count)
            return what += " has another number of elements", false;
        bool empty = cell.array && part.ndim == 0 && ragged.ndims[i] == 1 && ragged.shapes[i * MSIO_MAX_NDIM] == 0;
        if (!empty && (ragged.ndims[i] != part.ndim ||
                       !std::equal(part.shape, part.shape + part.ndim, ragged.shapes + i * MSIO_MAX_NDIM)))
            return what += " has another shape", false;
        for (int64_t e = 0; e < count; e++) {
            size_t element = static_cast<size_t>(part.elements[static_cast<size_t>(e)]);
            bool same =
                cells_.size == 0
                    ? text_is_same(ragged, at + e, cells_.text[element])
                    : std::memcmp(static_cast<const uint8_t *>(ragged.data) + static_cast<size_t>(at + e) * cells_.size,
                                  &cells_.bytes[element * cells_.size], cells_.size) == 0;
            if (!same)
                return what += ", element " + std::to_string(e) + " of " + std::to_string(count) + " differs", false;
        }
        at += count;
    }
    what.clear();
    return cells_.size == 0 || ragged.bytes == static_cast<size_t>(at) * cells_.size ||
           (what = "another number of bytes", false);
}

void ColumnCheck::ragged(const Selection &selection, const Manner &manner) {
    msio_read_opts opts = options(manner, nullptr);
    msio_select select = selection.c();
    msio_ragged ragged;
    std::memset(&ragged, 0, sizeof ragged);
    msio_status status = msio_read_ragged(column_, &select, &ragged, &opts);
    report_.reads++;
    if (casacore_throws(selection, status)) return;
    if (status) {
        say(selection, (std::string("ragged: ") + msio_last_error()->message).c_str(), manner);
        return;
    }
    report_.delivered(cells_.size ? ragged.data : ragged.text, ragged.bytes);
    std::string what;
    if (!ragged_is_same(selection, ragged, what)) say(selection, ("ragged: " + what).c_str(), manner);
    report_.compared += ragged.cells;
    msio_ragged_free(&ragged);
}

/* ---------------------------------------------------------------- dense */

bool ColumnCheck::status_fits(const Dense &wanted, msio_status status, bool filled, bool none) const {
    if (cells_.size == 0) return status == MSIO_E_ARGUMENT;
    if (none) return status == MSIO_OK;
    bool undefined = wanted.undefined && !filled;
    if (undefined && status == MSIO_E_UNDEFINED) return true;
    if (wanted.differ && status == MSIO_E_SHAPE) return true;
    if (wanted.undefined && !wanted.shape_known && (status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED)) return true;
    if (wanted.no_axes && status == MSIO_E_SHAPE) return true;
    return status == MSIO_OK && !undefined && !wanted.parts_differ;
}

void ColumnCheck::dense_values(const Selection &selection, const Manner &manner, const Dense &wanted,
                               const msio_read_opts &opts) {
    msio_select select = selection.c();
    int ndim = 0;
    int64_t shape[MSIO_MAX_NDIM + 1] = {};
    size_t bytes = 0;
    if (msio_read_shape(column_, &select, &ndim, shape, &bytes) != MSIO_OK) {
        if (!(wanted.undefined && opts.fill))
            say(selection, msio_last_error()->message, manner); // needs the fill of the read
        bytes = wanted.bytes.size();
    } else if (wanted.shape_known) {
        bool same = ndim == static_cast<int>(wanted.shape.size()) + 1 &&
                    shape[0] == static_cast<int64_t>(selection.rows.size()) &&
                    std::equal(wanted.shape.begin(), wanted.shape.end(), shape + 1) && bytes == wanted.bytes.size();
        if (!same) say(selection, "msio_read_shape gives another shape", manner);
    }
    std::vector<uint8_t> out(std::max(bytes, wanted.bytes.size()) + guard, untouched);
    msio_status status = msio_read(column_, &select, out.data(), bytes, &opts);
    report_.reads++;
    if (status) {
        say(selection, msio_last_error()->message, manner);
        return;
    }
    report_.delivered(out.data(), bytes);
    for (size_t i = bytes; i < out.size(); i++)
        if (out[i] != untouched) {
            say(selection, "wrote beyond its memory", manner);
            break;
        }
    for (size_t i = 0; i < wanted.bytes.size(); i++)
        if (out[i] != wanted.bytes[i]) {
            size_t cell = wanted.bytes.size() / selection.rows.size();
            std::string what = "byte " + std::to_string(i) + " of " + std::to_string(bytes) + ", in row " +
                               std::to_string(selection.rows[i / cell]) + ", is " + std::to_string(out[i]) + ", not " +
                               std::to_string(wanted.bytes[i]);
            say(selection, what.c_str(), manner);
            break;
        }
    report_.compared += static_cast<int64_t>(selection.rows.size());
    if (bytes > 0 && msio_read(column_, &select, out.data(), bytes - 1, &opts) != MSIO_E_SIZE)
        say(selection, "memory too small by a byte was not refused", manner);
}

void ColumnCheck::read_new(const Selection &selection, const Manner &manner, const Dense &wanted,
                           const msio_read_opts &opts) {
    msio_select select = selection.c();
    msio_array array;
    std::memset(&array, 0, sizeof array);
    report_.reads++;
    if (msio_read_new(column_, &select, &array, &opts) != MSIO_OK) {
        say(selection, msio_last_error()->message, manner);
        return;
    }
    report_.delivered(array.data, array.bytes);
    bool same = array.ndim == static_cast<int>(wanted.shape.size()) + 1 &&
                array.shape[0] == static_cast<int64_t>(selection.rows.size()) && array.bytes == wanted.bytes.size() &&
                std::equal(wanted.shape.begin(), wanted.shape.end(), array.shape + 1) &&
                static_cast<int>(array.type) == static_cast<int>(cells_.type) &&
                (array.bytes == 0 || std::memcmp(array.data, wanted.bytes.data(), array.bytes) == 0);
    if (!same) say(selection, "msio_read_new gives something else", manner);
    msio_array_free(&array);
    msio_array_free(&array);
}

void ColumnCheck::plan(const Selection &selection, msio_status dense_status, size_t bytes) {
    msio_select select = selection.c();
    msio_plan *plan = nullptr;
    msio_status status = msio_plan_make(column_, &select, &plan);
    if (status) {
        if (dense_status == MSIO_OK && bytes)
            say(selection, (std::string("plan: ") + msio_last_error()->message).c_str(), {});
        return;
    }
    const msio_plan_info *info = msio_plan_describe(plan);
    bool good =
        info->bytes_wanted == static_cast<int64_t>(bytes) && info->rows == static_cast<int64_t>(selection.rows.size());
    if (info_->native && bytes) good = good && info->pieces > 0 && info->bytes_stored > 0 && info->amplification > 0;
    if (dense_status == MSIO_OK && !good)
        say(selection, "the plan wants other rows or bytes, or has no pieces", {info->way, 0});
    msio_plan_piece piece;
    if (info->pieces > 0 && msio_plan_piece_at(plan, 0, &piece) != MSIO_OK)
        say(selection, "no first piece", {info->way, 0});
    if (msio_plan_piece_at(plan, info->pieces, &piece) != MSIO_E_RANGE)
        say(selection, "a piece too many", {info->way, 0});
    msio_plan_free(plan);
}

void ColumnCheck::dense(const Selection &selection, const Manner &manner, bool filled) {
    Dense wanted = dense_of(cells_, selection, fill_);
    msio_read_opts opts = options(manner, filled ? fill_.data() : nullptr);
    msio_select select = selection.c();
    msio_array array;
    std::memset(&array, 0, sizeof array);
    msio_status status = msio_read_new(column_, &select, &array, &opts);
    std::string message = status ? msio_last_error()->message : "";
    msio_array_free(&array);
    report_.reads++;
    if (casacore_throws(selection, status)) return;
    if (!status_fits(wanted, status, filled, selection.rows.empty())) {
        say(selection, (std::string("dense: ") + msio_status_name(status) + " " + message).c_str(), manner);
        return;
    }
    if (!filled) plan(selection, status, wanted.bytes.size());
    if (status || selection.rows.empty() || !wanted.shape_known || wanted.no_axes) return;
    dense_values(selection, manner, wanted, opts);
    read_new(selection, manner, wanted, opts);
}

/* ---------------------------------------------------------------- which selections */

// Ranges of channels and correlations, for the row selections whose cells are long enough.
void ColumnCheck::part_selections(const std::vector<Selection> &rows) {
    const Axis axes[] = {{0, 1, 1}, {1, -1, 1}, {0, 2, 2}, {1, 2, 1}, {0, -1, 2}, {0, 0, 1}, {2, 1, 3}};
    for (size_t i = 0; i < rows.size(); i++)
        for (int kind = 0; kind < 3; kind++) {
            Selection selection = rows[i];
            if (kind != 1) selection.corr = axes[static_cast<size_t>(random_.below(7))];
            if (kind != 0) selection.chan = axes[static_cast<size_t>(random_.below(7))];
            if (selection.rows.empty() || !applies(cells_, selection)) continue;
            auto words = [](const Axis &axis) {
                return " " + std::to_string(axis.start) + "+" + std::to_string(axis.count) + "/" +
                       std::to_string(axis.step);
            };
            selection.name += ", channels" + words(selection.chan) + ", correlations" + words(selection.corr);
            dense(selection, next_manner(), false);
            ragged(selection, next_manner());
        }
}

// Of a column of many shapes: the rows that have the shape of some row, which are dense.
void ColumnCheck::uniform_rows() {
    Selection selection;
    selection.name = "rows of one shape";
    selection.list = true;
    const Cell *first = nullptr;
    int64_t n = cells_.rows.empty() ? rows_ : static_cast<int64_t>(cells_.rows.size());
    for (int64_t i = 0; i < n; i++) {
        int64_t row = cells_.rows.empty() ? i : cells_.rows[static_cast<size_t>(i)];
        const Cell &cell = cells_.at(row);
        if (!cell.defined ||
            (first && (cell.ndim != first->ndim || !std::equal(cell.shape, cell.shape + cell.ndim, first->shape))))
            continue;
        first = &cell;
        selection.rows.push_back(row);
    }
    if (selection.rows.empty()) return;
    dense(selection, next_manner(), false);
    for (size_t i = selection.rows.size(); i > 1; i--)
        std::swap(selection.rows[i - 1], selection.rows[static_cast<size_t>(random_.below(static_cast<int64_t>(i)))]);
    selection.name += ", shuffled";
    dense(selection, next_manner(), false);
    part_selections({selection});
}

void ColumnCheck::refuse(const char *what, const msio_select &select, std::initializer_list<msio_status> fitting) {
    msio_ragged ragged;
    std::memset(&ragged, 0, sizeof ragged);
    msio_status status = msio_read_ragged(column_, &select, &ragged, nullptr);
    if (std::find(fitting.begin(), fitting.end(), status) == fitting.end())
        report_.mismatch("column %s, ragged, %s: %s", name_, what, msio_status_name(status));
    if (status == MSIO_OK) msio_ragged_free(&ragged);
    if (cells_.size == 0) return;
    msio_array array;
    std::memset(&array, 0, sizeof array);
    status = msio_read_new(column_, &select, &array, nullptr);
    if (std::find(fitting.begin(), fitting.end(), status) == fitting.end() && status != MSIO_E_SHAPE &&
        status != MSIO_E_UNDEFINED)
        report_.mismatch("column %s, dense, %s: %s", name_, what, msio_status_name(status));
    if (status == MSIO_OK) msio_array_free(&array);
}

void ColumnCheck::errors() {
    msio_select select = MSIO_SELECT_ALL;
    select.row = rows_ + 1;
    refuse("first row beyond the table", select, {MSIO_E_RANGE});
    select.row = 0;
    select.rows = rows_ + 1;
    refuse("a row too many", select, {MSIO_E_RANGE});
    select = MSIO_SELECT_ALL;
    select.row = -1;
    refuse("a row before the first", select, {MSIO_E_RANGE});
    select = MSIO_SELECT_ALL;
    select.row_step = 0;
    refuse("step 0", select, {MSIO_E_ARGUMENT, MSIO_E_RANGE});
    const int64_t beyond[] = {0, rows_}, before[] = {-1};
    select = MSIO_SELECT_ALL;
    select.row_list = beyond;
    select.rows_in_list = 2;
    refuse("a list with a row beyond the table", select, {MSIO_E_RANGE});
    select.row_list = before;
    select.rows_in_list = 1;
    refuse("a list with a row before the first", select, {MSIO_E_RANGE});
    if (cells_.cell.empty() || cells_.any_undefined()) return;
    const int64_t row[] = {cells_.rows.empty() ? 0 : cells_.rows[0]};
    const Cell &cell = cells_.cell[0];
    select.row_list = row;
    select.corr = cell.ndim > 0 ? cell.shape[cell.ndim - 1] : 0;
    select.corrs = 1;
    refuse("a correlation beyond the cell", select, {MSIO_E_RANGE, MSIO_E_ARGUMENT});
    select.corr = 0, select.corrs = -1;
    select.chans = cell.ndim > 1 ? cell.shape[cell.ndim - 2] + 1 : 1;
    refuse("a channel too many", select, {MSIO_E_RANGE, MSIO_E_ARGUMENT});
}

void ColumnCheck::cancelled() {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.fill = cells_.size ? fill_.data() : nullptr;
    opts.progress = [](void *, int64_t, int64_t) { return 1; };
    msio_array array;
    std::memset(&array, 0, sizeof array);
    msio_status status = msio_read_new(column_, nullptr, &array, &opts);
    bool thrown = !info_->native && cells_.any_undefined() && status == MSIO_E_CASACORE;
    if (!thrown && status != MSIO_OK && status != MSIO_E_CANCELLED && status != MSIO_E_SHAPE &&
        status != MSIO_E_UNDEFINED && status != MSIO_E_ARGUMENT)
        report_.mismatch("column %s: a cancelled read says %s", name_, msio_status_name(status));
    msio_array_free(&array);
}

void ColumnCheck::everything() {
    std::vector<Selection> selections = row_selections(rows_, cells_.rows, random_);
    for (const Selection &selection : selections) {
        int times = report_.thorough ? 12 : selection.rows.size() > 1000 ? 1 : 2;
        for (int i = 0; i < times; i++) {
            Manner manner = next_manner();
            dense(selection, manner, false);
            ragged(selection, manner);
        }
        if (cells_.any_undefined()) dense(selection, next_manner(), true);
    }
    part_selections(selections);
    uniform_rows();
    errors();
    if (cells_.rows.empty()) cancelled();
    if (!cells_.any_undefined() || !info_->native || info_->can_be_undefined) return;
    report_.mismatch("column %s has undefined cells, and says it cannot", name_);
}

void ColumnCheck::some() {
    if (info_->native) report_.mismatch("column %s is native where that was refused", name_);
    for (const Selection &selection : row_selections(rows_, cells_.rows, random_)) {
        if (random_.below(2) && selection.rows.size() != static_cast<size_t>(rows_)) continue;
        ragged(selection, {MSIO_WAY_AUTO, 0});
        dense(selection, {MSIO_WAY_AUTO, 2}, cells_.any_undefined());
        if (selection.rows.size() < 40) part_selections({selection});
    }
}

} // namespace

std::vector<Selection> row_selections(int64_t rows, const std::vector<int64_t> &known, Random &random) {
    std::vector<Selection> result;
    auto range = [&](const char *name, int64_t row, int64_t count, int64_t step) {
        Selection selection;
        selection.name = name;
        selection.row = row, selection.count = count, selection.step = step;
        for (int64_t r = row, n = 0; r < rows && (count < 0 || n < count); r += step, n++) selection.rows.push_back(r);
        result.push_back(selection);
    };
    auto list = [&](const char *name, size_t n, auto &&row) {
        Selection selection;
        selection.name = name;
        selection.list = true;
        for (size_t i = 0; i < n; i++) selection.rows.push_back(row(static_cast<int64_t>(i)));
        result.push_back(selection);
    };
    list("empty list", 0, [](int64_t) { return 0; });
    if (!known.empty()) {
        int64_t n = static_cast<int64_t>(known.size());
        list("known rows", known.size(), [&](int64_t i) { return known[static_cast<size_t>(i)]; });
        list("known rows, any order", known.size(),
             [&](int64_t) { return known[static_cast<size_t>(random.below(n))]; });
        return result;
    }
    range("all rows", 0, -1, 1);
    range("no rows", rows, 0, 1);
    if (rows == 0) return result;
    range("last row", rows - 1, 1, 1);
    range("every second row", rows > 1, -1, 2);
    range("every seventh row", 0, -1, 7);
    range("a part", rows / 3, (rows + 2) / 3, 1);
    size_t some = static_cast<size_t>(std::min<int64_t>(rows + rows / 3 + 1, 3000));
    list("any order, repeated", some, [&](int64_t) { return random.below(rows); });
    list("backwards", static_cast<size_t>(std::min<int64_t>(rows, 3000)), [&](int64_t i) { return rows - 1 - i; });
    list("ascending, repeated", some, [&](int64_t i) { return i * (rows - 1) / static_cast<int64_t>(some); });
    return result;
}

void compare_column(Report &report, const Cells &cells, msio_table *table, const char *name, int64_t rows,
                    Random &random) {
    ColumnCheck check(report, cells, table, name, rows, random);
    if (check.open()) check.everything();
}

void compare_fallback(Report &report, const Cells &cells, msio_table *table, const char *name, Random &random) {
    ColumnCheck check(report, cells, table, name, msio_table_rows(table), random);
    if (check.open()) check.some();
}

} // namespace oracle
