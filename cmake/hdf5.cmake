# The module that wraps HDF5: loaded at run time, on first need, so that the library does not link HDF5.
set(MSIO_HDF5_FOUND FALSE)
if(NOT MSIO_HDF5 STREQUAL "OFF")
    pkg_search_module(HDF5 IMPORTED_TARGET hdf5 hdf5-serial)
    if(HDF5_FOUND)
        set(MSIO_HDF5_FOUND TRUE)
    elseif(MSIO_HDF5 STREQUAL "ON")
        message(FATAL_ERROR "The HDF5 module needs the headers of HDF5: install libhdf5-dev, "
            "or configure with -DMSIO_HDF5=OFF")
    else()
        message(STATUS "No libhdf5-dev: the module that reads UVH5 and HDF5 is left out")
    endif()
endif()

if(MSIO_HDF5_FOUND)
    add_library(msio_hdf5 MODULE
        io/hdf5_module/hdf5_shim.c
        io/hdf5_module/hdf5_shim_common.c
        io/hdf5_module/hdf5_shim_dataset.c
        io/hdf5_module/hdf5_shim_lzf.c
        io/hdf5_module/hdf5_shim_plugins.c
        io/hdf5_module/hdf5_shim_others.c
        io/hdf5_module/hdf5_shim_type.c
        io/hdf5_module/hdf5_shim_visit.c
        io/hdf5_module/hdf5_shim_write.c)
    target_link_libraries(msio_hdf5 PRIVATE msio_settings PkgConfig::HDF5 ${LZF_LINK_LIBRARIES})
    set_target_properties(msio_hdf5 PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS msio_hdf5 LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/msio)
endif()
