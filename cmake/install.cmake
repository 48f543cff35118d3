# What is installed: library, headers, command (by cli/), CMake package, pkg-config file, steps of verify --run.
include(CMakePackageConfigHelpers)

set(msio_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/msio)
install(TARGETS msio EXPORT msioTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES include/msio/cache.h include/msio/casacore.h include/msio/convert.h include/msio/core.h include/msio/files.h include/msio/hdf5.h include/msio/io.h include/msio/load.h include/msio/locate.h include/msio/prof.h include/msio/subbands.h include/msio/uvh5.h include/msio/view.h include/msio/visibility.h include/msio/write.h include/msio/msio.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/msio)
install(FILES cli/chain/chain_steps.toml DESTINATION ${CMAKE_INSTALL_DATADIR}/msio)
install(EXPORT msioTargets NAMESPACE msio:: DESTINATION ${msio_package_dir})

configure_package_config_file(cmake/msioConfig.cmake.in msioConfig.cmake INSTALL_DESTINATION ${msio_package_dir})
write_basic_package_version_file(msioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/msioConfig.cmake ${PROJECT_BINARY_DIR}/msioConfigVersion.cmake
    DESTINATION ${msio_package_dir})

# The .pc file finds its folders from its own place, so that an installed tree can be moved.
file(RELATIVE_PATH msio_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/msio.pc.in msio.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/msio.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
