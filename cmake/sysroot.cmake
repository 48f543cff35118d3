# A toolchain for this machine's compiler with another Debian's C library: -DCMAKE_TOOLCHAIN_FILE=cmake/sysroot.cmake, and
# the folder of tools/debian_sysroot in the environment as MSIO_SYSROOT, so that CMake's own trials see it as well.
set(CMAKE_SYSROOT $ENV{MSIO_SYSROOT})
if(NOT IS_DIRECTORY "${CMAKE_SYSROOT}/usr/include")
    message(FATAL_ERROR "MSIO_SYSROOT is \"${CMAKE_SYSROOT}\", which is no unpacked Debian: see tools/debian_sysroot")
endif()
file(GLOB sysroot_lib ${CMAKE_SYSROOT}/usr/lib/*-linux-gnu)
file(GLOB sysroot_base ${CMAKE_SYSROOT}/lib/*-linux-gnu)
file(GLOB sysroot_gcc ${CMAKE_SYSROOT}/usr/lib/gcc/*-linux-gnu/*) # where libgomp.so is

# gcc looks into its own machine's folders before those of the sysroot: these come before both.
set(sysroot_flags "-B${sysroot_lib}/")
foreach(folder IN LISTS sysroot_lib sysroot_base sysroot_gcc)
    string(APPEND sysroot_flags " -L${folder} -Wl,-rpath-link,${folder}")
endforeach()
set(CMAKE_EXE_LINKER_FLAGS_INIT "${sysroot_flags}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${sysroot_flags}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${sysroot_flags}")

# Headers and libraries are the sysroot's; Python and its numpy, which have no part in the C library, are the machine's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(OpenMP_gomp_LIBRARY ${sysroot_lib}/libgomp.so.1)
set(OpenMP_pthread_LIBRARY ${sysroot_lib}/libpthread.so)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot_lib}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
