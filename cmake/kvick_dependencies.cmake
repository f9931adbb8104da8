# The libraries that libkvick and the tools link; docs/dependencies.md says why each was chosen.

find_package(Threads REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(KVICK_MIMALLOC mimalloc)

add_library(kvick_dependencies INTERFACE)
target_link_libraries(kvick_dependencies INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

add_library(kvick_tool_dependencies INTERFACE)
