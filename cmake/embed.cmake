# embed.cmake - files of text as arrays of bytes in the program: run by `cmake -DOUT=FILE.c -DIN=FILE... -P embed.cmake`, or
# through msio_embed(TARGET FOLDER HEADER NAME=FILE...), which gives TARGET a source with `const char NAME[]`, ended by a NUL, as
# HEADER declares it.
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${IN} bytes HEX)
    string(REGEX REPLACE "(................................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    file(WRITE ${OUT} "#include \"${HEADER}\"\n\nconst char ${NAME}[] = {\n${bytes}0};\n")
    return()
endif()

function(msio_embed target folder header)
    foreach(pair IN LISTS ARGN)
        string(REGEX MATCH "^([a-z_]+)=(.+)$" found ${pair})
        set(name ${CMAKE_MATCH_1})
        set(from ${folder}/${CMAKE_MATCH_2})
        set(to ${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.c)
        add_custom_command(OUTPUT ${to} DEPENDS ${from} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
            COMMAND ${CMAKE_COMMAND} -DIN=${from} -DOUT=${to} -DNAME=${name} -DHEADER=${header} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
        target_sources(${target} PRIVATE ${to})
    endforeach()
endfunction()
