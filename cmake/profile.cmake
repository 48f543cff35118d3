# The library that `msio profile` puts in front of a program. It runs inside programs that are not ours: no sanitizer,
# nothing linked but the C library.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(msio_profile_sources
        prof/preload/large_blocks.c
        prof/preload/calls.c
        prof/preload/casacore_column.c
        prof/preload/casacore_trace.c
        prof/preload/column_accesses.c
        prof/preload/events.c
        prof/preload/native_site.c
        prof/preload/python_calls.c
        prof/preload/python_leave.c
        prof/preload/python_lines.c
        prof/preload/python_sampler.c
        prof/preload/python_site.c
        prof/preload/python_tasks.c
        prof/preload/segment.c
        prof/preload/text_trace.c
        prof/preload/told_calls.c
        prof/preload/tracking.c)
    add_library(msio_profile MODULE ${msio_profile_sources})
    target_include_directories(msio_profile PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(msio_profile PRIVATE _GNU_SOURCE)
    target_compile_options(msio_profile PRIVATE -O2 -U_FORTIFY_SOURCE -fno-sanitize=all
        -Wall -Wextra -Wshadow -Wundef -Wpedantic -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wconversion
        $<$<BOOL:${MSIO_WERROR}>:-Werror>)
    target_link_libraries(msio_profile PRIVATE ${CMAKE_DL_LIBS})
    target_link_options(msio_profile PRIVATE LINKER:-z,nodelete LINKER:-z,now)
    set_target_properties(msio_profile PROPERTIES OUTPUT_NAME msio_profile
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS msio_profile LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/msio)
endif()
