# The module that wraps casacore: loaded at run time, on first need, so that the library does not link casacore.
# Sets MSIO_CASACORE_FOUND and, when true, the target casacore_tables for whatever else links casacore.
include(CheckLanguage)
set(MSIO_CASACORE_FOUND FALSE)
if(NOT MSIO_CASACORE STREQUAL "OFF")
    check_language(CXX)
    find_path(CASACORE_INCLUDE_DIR casacore/tables/Tables/Table.h)
    find_library(CASA_TABLES_LIBRARY casa_tables)
    find_library(CASA_CASA_LIBRARY casa_casa)
    if(CMAKE_CXX_COMPILER AND CASACORE_INCLUDE_DIR AND CASA_TABLES_LIBRARY AND CASA_CASA_LIBRARY)
        set(MSIO_CASACORE_FOUND TRUE)
    elseif(MSIO_CASACORE STREQUAL "ON")
        message(FATAL_ERROR "The casacore module needs a C++ compiler and casacore's headers and libraries: "
            "install g++ and casacore-dev, or configure with -DMSIO_CASACORE=OFF")
    else()
        message(STATUS "No C++ compiler, or no casacore-dev: the module that wraps casacore is left out")
    endif()
endif()

if(MSIO_CASACORE_FOUND)
    enable_language(CXX)
    add_library(casacore_tables INTERFACE)
    target_include_directories(casacore_tables SYSTEM INTERFACE ${CASACORE_INCLUDE_DIR} ${CASACORE_INCLUDE_DIR}/casacore)
    target_link_libraries(casacore_tables INTERFACE ${CASA_TABLES_LIBRARY} ${CASA_CASA_LIBRARY})

    add_library(msio_casacore MODULE
        io/casacore/shim/casacore_shim.cc
        io/casacore/shim/shim_add_columns.cc
        io/casacore/shim/shim_add_imaging.cc
        io/casacore/shim/shim_cells.cc
        io/casacore/shim/shim_change.cc
        io/casacore/shim/shim_cut.cc
        io/casacore/shim/shim_define.cc
        io/casacore/shim/shim_dense.cc
        io/casacore/shim/shim_describe.cc
        io/casacore/shim/shim_errors.cc
        io/casacore/shim/shim_like.cc
        io/casacore/shim/shim_make.cc
        io/casacore/shim/shim_open.cc
        io/casacore/shim/shim_put.cc
        io/casacore/shim/shim_ragged.cc
        io/casacore/shim/shim_room.cc
        io/casacore/shim/shim_table.cc
        io/casacore/shim/shim_types.cc
        io/casacore/shim/shim_write.cc)
    target_link_libraries(msio_casacore PRIVATE msio_settings casacore_tables)
    set_target_properties(msio_casacore PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS msio_casacore LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/msio)
    # The library that a process may hold beside the module: it is the module's own.
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${CASA_TABLES_LIBRARY} OUTPUT_VARIABLE casa_tables_headers)
    if(casa_tables_headers MATCHES "SONAME +([^ \n]+)")
        target_compile_definitions(msio_settings INTERFACE MSIO_CASA_TABLES_FILE="${CMAKE_MATCH_1}")
    endif()

    # The program that loads it for processes that casacore must not end. It stands beside the module.
    add_executable(msio_casacore_helper io/casacore/casacore_helper.c)
    target_link_libraries(msio_casacore_helper PRIVATE msio_settings ${CMAKE_DL_LIBS})
    set_target_properties(msio_casacore_helper PROPERTIES ENABLE_EXPORTS ON RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    add_dependencies(msio_casacore msio_casacore_helper)
    install(TARGETS msio_casacore_helper RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/msio)
endif()
