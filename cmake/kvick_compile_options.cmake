# What every file of kvick is compiled with.
#
#   KVICK_SANITIZE   address (with undefined), thread, or empty
#   KVICK_COVERAGE   ON for source coverage (clang)
#   KVICK_FUZZ       ON builds tests/fuzz with libFuzzer (clang)

set(KVICK_SANITIZE "" CACHE STRING "address, thread or empty")
option(KVICK_COVERAGE "source coverage" OFF)
option(KVICK_FUZZ "libFuzzer targets" OFF)

add_library(kvick_options INTERFACE)
target_compile_features(kvick_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
target_include_directories(kvick_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_definitions(kvick_options INTERFACE KVICK_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
target_compile_options(kvick_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wnon-virtual-dtor -Wno-missing-field-initializers
                                               -fno-omit-frame-pointer -fno-rtti)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(kvick_options INTERFACE -Wthread-safety)
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  # SSE4.2 and popcnt: every server processor since 2009.
  target_compile_options(kvick_options INTERFACE -march=x86-64-v2)
endif()

if(KVICK_SANITIZE STREQUAL "address")
  target_compile_options(kvick_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(kvick_options INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(kvick_options INTERFACE KVICK_SANITIZED=1)
elseif(KVICK_SANITIZE STREQUAL "thread")
  target_compile_options(kvick_options INTERFACE -fsanitize=thread)
  target_link_options(kvick_options INTERFACE -fsanitize=thread)
  target_compile_definitions(kvick_options INTERFACE KVICK_SANITIZED=1)
endif()
if(KVICK_COVERAGE)
  target_compile_options(kvick_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(kvick_options INTERFACE -fprofile-instr-generate)
endif()
if(KVICK_FUZZ)
  # Only the counters that libFuzzer reads; the sanitizer beside it is KVICK_SANITIZE's, so that the address preset
  # serves tests and fuzzing with one build.
  target_compile_options(kvick_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(KVICK_CCACHE ccache)
if(KVICK_CCACHE)
  # Paths count from the checkout, so that two checkouts share what they compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${KVICK_CCACHE}")
endif()
# The fastest linker present; GCC 12 and clang 14 both know the flag.
foreach(linker mold lld)
  find_program(KVICK_LINKER_${linker} NAMES ${linker} ld.${linker})
  if(KVICK_LINKER_${linker})
    target_link_options(kvick_options INTERFACE -fuse-ld=${linker})
    break()
  endif()
endforeach()
