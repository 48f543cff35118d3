# Debian packages of what is installed: cpack -G DEB in the build's folder.
set(CPACK_PACKAGE_NAME msio)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Measurement Sets and UVH5 files at the speed of the machine")
set(CPACK_PACKAGE_CONTACT "the msio developers")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CPACK_PACKAGE_CONTACT})
# Of the libraries that are linked by dpkg-shlibdeps; those that are loaded at run time by name.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-casacore, libunwind8, libdw1, libblosc1, python3-matplotlib, wsclean")
set(CPACK_COMPONENTS_ALL Unspecified) # the Python package is a wheel
set(CPACK_DEB_COMPONENT_INSTALL OFF)
include(CPack)
