# The libraries that libkvick and the tools link; docs/dependencies.md says why each was chosen.

find_package(Threads REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(KVICK_JEMALLOC jemalloc REQUIRED)
find_path(LIBLZF_INCLUDE_DIR liblzf/lzf.h REQUIRED)
find_library(LIBLZF_LIBRARY lzf REQUIRED)

# Values that are kept compressed.
find_path(LZ4_INCLUDE_DIR lz4.h REQUIRED)
find_library(LZ4_LIBRARY lz4 REQUIRED)
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)

find_path(RE2_INCLUDE_DIR re2/re2.h REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)

# libmicrohttpd: the HTTP endpoint of metrics and health.
find_path(MICROHTTPD_INCLUDE_DIR microhttpd.h REQUIRED)
find_library(MICROHTTPD_LIBRARY microhttpd REQUIRED)

add_library(kvick_dependencies INTERFACE)
target_link_libraries(kvick_dependencies INTERFACE Threads::Threads ${CMAKE_DL_LIBS} "${LIBLZF_LIBRARY}" "${LZ4_LIBRARY}"
                                                   "${ZSTD_LIBRARY}" "${RE2_LIBRARY}" "${MICROHTTPD_LIBRARY}")

# The sanitizers bring allocators of their own.
if(NOT KVICK_SANITIZE AND NOT KVICK_FUZZ)
  target_link_libraries(kvick_dependencies INTERFACE ${KVICK_JEMALLOC})
endif()

# Lua 5.1, compiled as C++: its errors are exceptions, so our destructors run when one passes. Linked statically: one
# library less to find at run time, and faster calls.
find_path(LUA51_INCLUDE_DIR lua.hpp PATH_SUFFIXES lua5.1 REQUIRED)
find_library(LUA51_LIBRARY NAMES liblua5.1-c++.a REQUIRED)
find_package(OpenSSL REQUIRED)  # TLS; SHA-1: the names of scripts; SHA-256: passwords
add_library(kvick_lua INTERFACE)
target_include_directories(kvick_lua SYSTEM INTERFACE "${LUA51_INCLUDE_DIR}")
target_link_libraries(kvick_lua INTERFACE "${LUA51_LIBRARY}" OpenSSL::Crypto)

# libedit: line editing of kvick-cli.
find_path(LIBEDIT_INCLUDE_DIR histedit.h REQUIRED)
find_library(LIBEDIT_LIBRARY edit REQUIRED)
add_library(kvick_tool_dependencies INTERFACE)
target_include_directories(kvick_tool_dependencies SYSTEM INTERFACE "${LIBEDIT_INCLUDE_DIR}")
target_link_libraries(kvick_tool_dependencies INTERFACE "${LIBEDIT_LIBRARY}")
