# Everything that is built to be tested or measured:
#
#   src/<folder>/foo_test.cc      one program a folder, build/<preset>/<folder>_test      target unit_tests
#   src/tools/<name>/foo_test.cc  likewise, build/<preset>/<name>_tool_test               target unit_tests
#   tests/support/foo.cc          what tests share; foo_test.cc beside it tests it        target unit_tests
#   tests/stress/foo_test.cc      one program, build/<preset>/stress_test, which works    target stress_test
#                                 for as long as KVICK_TEST_MS says
#   tests/fuzz/foo_fuzz.cc        a libFuzzer program, build/<preset>/foo_fuzz            target fuzz_targets
#   bench/micro/foo_bench.cc      a Google Benchmark program, build/<preset>/foo_bench    target micro_benchmarks
#   src/**/*.h                    each compiled alone           target all_verify_interface_header_sets
#
# ./dev asks ctest for the programs by their label (unit, fuzz).
option(KVICK_TESTS "build the unit tests" ON)
option(KVICK_BENCH "build the micro benchmarks" OFF)
enable_testing()

if(KVICK_TESTS)
  find_package(GTest REQUIRED)
else()
  find_package(GTest)  # for stress_test, built when it is asked for
endif()

if(GTest_FOUND)
  # What tests in C++ share, included as "support/foo.h".
  file(GLOB support_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/support/*.cc")
  set(support_test_sources ${support_sources})
  list(FILTER support_sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER support_test_sources INCLUDE REGEX "_test\\.cc$")
  add_library(kvick_test_support STATIC EXCLUDE_FROM_ALL ${support_sources})
  target_include_directories(kvick_test_support PUBLIC "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(kvick_test_support PUBLIC kvick GTest::gtest)
  target_compile_definitions(kvick_test_support PRIVATE KVICK_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

  file(GLOB stress_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/stress/*.cc")
  add_executable(stress_test EXCLUDE_FROM_ALL ${stress_sources})
  target_link_libraries(stress_test PRIVATE kvick_server kvick_test_support GTest::gtest_main)
endif()

if(KVICK_TESTS)
  add_custom_target(unit_tests)

  function(kvick_add_unit_test program)
    add_executable(${program} ${ARGN})
    target_link_libraries(${program} PRIVATE kvick_test_support kvick kvick_tool_dependencies GTest::gmock
                                             GTest::gtest_main)
    # For tests that read files of the repository.
    target_compile_definitions(${program} PRIVATE KVICK_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${program} COMMAND ${program})
    set_tests_properties(${program} PROPERTIES LABELS unit)
    add_dependencies(unit_tests ${program})
  endfunction()

  foreach(layer IN LISTS KVICK_LAYERS ITEMS server)
    file(GLOB test_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${layer}/*_test.cc")
    if(test_sources)
      string(REPLACE "/" "_" program "${layer}_test")
      kvick_add_unit_test(${program} ${test_sources})
    endif()
  endforeach()
  if(TARGET server_test)
    target_link_libraries(server_test PRIVATE kvick_server)
  endif()

  if(support_test_sources)
    kvick_add_unit_test(support_test ${support_test_sources})
  endif()

  foreach(tool IN LISTS KVICK_TOOLS)
    file(GLOB test_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/tools/${tool}/*_test.cc")
    if(test_sources)
      kvick_add_unit_test(${tool}_tool_test ${test_sources})
      target_link_libraries(${tool}_tool_test PRIVATE kvick_${tool}_tool ${KVICK_SHARED_TOOLS})
    endif()
  endforeach()
endif()

add_custom_target(fuzz_targets)
if(KVICK_FUZZ)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cc")
  foreach(source IN LISTS fuzz_sources)
    get_filename_component(program "${source}" NAME_WE)
    add_executable(${program} "${source}")
    target_link_libraries(${program} PRIVATE kvick_server)
    target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${program} COMMAND ${program} -runs=1)
    set_tests_properties(${program} PROPERTIES LABELS fuzz)
    add_dependencies(fuzz_targets ${program})
  endforeach()
endif()

# What bench/eviction runs.
add_executable(trace_replay EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/traces/replay.cc"
                                             "${CMAKE_SOURCE_DIR}/bench/traces/trace.cc")
target_link_libraries(trace_replay PRIVATE ${KVICK_SHARED_TOOLS} kvick)

if(KVICK_BENCH)
  find_package(benchmark)
  add_custom_target(micro_benchmarks)
  add_executable(command_loop EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/micro/command_loop.cc")
  target_link_libraries(command_loop PRIVATE kvick_server)
  # Not there on a machine that only runs kvick; `./dev bench` installs it.
  if(benchmark_FOUND)
    file(GLOB bench_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/micro/*_bench.cc")
    foreach(source IN LISTS bench_sources)
      get_filename_component(program "${source}" NAME_WE)
      add_executable(${program} EXCLUDE_FROM_ALL "${source}")
      target_link_libraries(${program} PRIVATE kvick_server benchmark::benchmark_main)
      add_dependencies(micro_benchmarks ${program})
    endforeach()
  endif()
endif()

# CMake generates a source for each header that includes just it, so Ninja and ccache do each only when it changed.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*.h")
add_library(kvick_headers INTERFACE)
target_sources(kvick_headers INTERFACE FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}/src" FILES ${headers})
target_link_libraries(kvick_headers INTERFACE kvick_options kvick_dependencies)
set_target_properties(kvick_headers PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
