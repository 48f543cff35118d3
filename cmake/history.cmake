# What times tell, and runs that are kept: for the command alone, so that the library links neither SQLite nor jansson.
add_library(msio_compare STATIC prof/compare/change_points.c prof/compare/pairs.c)
target_link_libraries(msio_compare PRIVATE msio_settings m)

set(msio_history_sources prof/history/history_layout.c prof/history/history_absent.c)
if(NOT MSIO_HISTORY STREQUAL "OFF")
    pkg_check_modules(SQLITE IMPORTED_TARGET sqlite3)
    pkg_check_modules(JANSSON_OF_HISTORY IMPORTED_TARGET jansson)
    if(SQLITE_FOUND AND JANSSON_OF_HISTORY_FOUND)
        set(msio_history_sources
            prof/history/history_judge.c
            prof/history/history_layout.c
            prof/history/history_open.c
            prof/history/history_record.c
            prof/history/history_rows.c)
        set(msio_history_needs PkgConfig::SQLITE PkgConfig::JANSSON_OF_HISTORY)
    elseif(MSIO_HISTORY STREQUAL "ON")
        message(FATAL_ERROR "msio history needs SQLite and jansson: install libsqlite3-dev and libjansson-dev, "
            "or configure with -DMSIO_HISTORY=OFF")
    else()
        message(STATUS "No libsqlite3-dev or no libjansson-dev: msio history is left out")
    endif()
endif()
add_library(msio_history STATIC ${msio_history_sources})
target_link_libraries(msio_history PRIVATE msio_settings msio_compare ${msio_history_needs} m)
