// make_tables.cc - makes a folder of casacore tables: every type, kind of column, manager and byte order.
#include "make_tables.h"

#include <casacore/casa/Exceptions/Error.h>
#include <casacore/tables/DataMan/IncrementalStMan.h>
#include <casacore/tables/DataMan/StManAipsIO.h>
#include <casacore/tables/DataMan/StandardStMan.h>
#include <casacore/tables/DataMan/TiledCellStMan.h>
#include <casacore/tables/DataMan/TiledColumnStMan.h>
#include <casacore/tables/DataMan/TiledDataStMan.h>
#include <casacore/tables/DataMan/TiledShapeStMan.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

using namespace casacore;

// casacore syncs several files of each table it closes. Tables of a test need not survive a power cut.
extern "C" int fsync(int) { return 0; }

namespace oracle {

std::unique_ptr<DataManager> make_manager(const String &type, const String &name, const IPosition &tile) {
    if (type == "StandardStMan") return std::make_unique<StandardStMan>(name, 512);
    if (type == "IncrementalStMan") return std::make_unique<IncrementalStMan>(name, 8192, False);
    if (type == "TiledColumnStMan") return std::make_unique<TiledColumnStMan>(name, tile);
    if (type == "TiledShapeStMan") return std::make_unique<TiledShapeStMan>(name, tile);
    if (type == "TiledCellStMan") return std::make_unique<TiledCellStMan>(name, tile);
    if (type == "TiledDataStMan") return std::make_unique<TiledDataStMan>(name);
    return std::make_unique<StManAipsIO>(name);
}

Table create(const String &path, const std::vector<Spec> &specs, const String &manager, bool big, rownr_t rows) {
    TableDesc desc("generated", "1", TableDesc::Scratch);
    for (const Spec &spec : specs) describe(desc, spec);
    SetupNewTable setup(path, desc, Table::New);
    setup.bindAll(*make_manager(manager, manager + "_all", IPosition()));
    settle(setup, specs);
    return Table(setup, rows, False, endian(big));
}

void Maker::make(const String &name, const std::function<void(const String &, Random &)> &maker) {
    if (!name.contains(only_)) return;
    Random random(std::hash<std::string>()(name) | 1);
    try {
        maker(path(name), random);
        tables_++;
    } catch (const std::exception &error) {
        std::printf("FAILED: table %s: %s\n", name.c_str(), error.what());
        failures_++;
        std::filesystem::remove_all(path(name).c_str());
    }
}

void Maker::refuse(const String &what, const std::string &why) { refused_.emplace(what, why); }

bool Maker::possible(const String &manager, const Spec &spec) {
    std::string key = manager + " " + spec.name;
    auto known = possible_.find(key);
    if (known != possible_.end()) return known->second;
    Random random(1);
    bool &answer = possible_[key];
    if (manager.startsWith("Tiled") && spec.type == TpString) { // casacore notices only sometimes, and crashes else
        refuse(key, "the tiled managers do not hold texts");
        return answer;
    }
    try {
        TableDesc desc("probe", "1", TableDesc::Scratch);
        describe(desc, spec);
        size_t axes = spec.shape.size() + (manager != "TiledCellStMan");
        if (manager.startsWith("Tiled"))
            desc.defineHypercolumn("probe", static_cast<uInt>(axes), Vector<String>(1, spec.name));
        SetupNewTable setup(path("probe"), desc, Table::New);
        setup.bindAll(*make_manager(manager, "probe", IPosition(axes, 4)));
        settle(setup, {spec});
        Table table(setup, 1);
        table.markForDelete();
        PutStyle style;
        style.undefined = style.shape_only = false;
        if (manager != "TiledDataStMan") put_rows(table, {spec}, 0, 1, random, style);
        answer = true;
    } catch (const std::exception &error) {
        refuse(key, error.what());
    }
    return answer;
}

void Maker::print_refused() const {
    std::puts("casacore cannot make:");
    for (const auto &[what, why] : refused_) std::printf("  %s (%s)\n", what.c_str(), why.c_str());
}

} // namespace oracle

int main(int argc, char **argv) {
    oracle::Size size = oracle::Size::normal;
    const char *folder = nullptr, *only = "";
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--size") && i + 1 < argc) {
            const char *word = argv[++i];
            size = !std::strcmp(word, "small")  ? oracle::Size::small
                   : !std::strcmp(word, "long") ? oracle::Size::full
                                                : oracle::Size::normal;
        } else if (!std::strcmp(argv[i], "--only") && i + 1 < argc)
            only = argv[++i];
        else
            folder = argv[i];
    }
    if (!folder) {
        std::fprintf(
            stderr, "usage: make_tables [--size small|normal|long] [--only PART-OF-NAME] FOLDER (which is replaced)\n");
        return 2;
    }
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    oracle::Maker maker(std::filesystem::absolute(folder).string(), size, only);
    oracle::make_bucketed_tables(maker);
    oracle::make_tiled_tables(maker);
    oracle::make_tiled_data_tables(maker);
    oracle::make_view_tables(maker);
    maker.print_refused();
    std::printf("%d tables in %s, %d failures\n", maker.tables(), folder, maker.failures());
    return maker.tables() > 0 && maker.failures() == 0 ? 0 : 1;
}
