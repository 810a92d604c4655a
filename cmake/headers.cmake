# What nearly every file reads, read once a build: the standard library, fmt and, for tests, GoogleTest. For the sanitizers'
# builds only: the release build notices a file that does not include what it uses.
set(sekisho_common_headers <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <expected> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <tuple> <unordered_map> <utility> <variant>
    <vector> <fmt/format.h>)

set(sekisho_reads_once OFF)
if(SEKISHO_SANITIZE AND NOT SEKISHO_FUZZ)
  set(sekisho_reads_once ON)
  file(WRITE ${CMAKE_BINARY_DIR}/headers.cpp "")
  add_library(sekisho_headers OBJECT ${CMAKE_BINARY_DIR}/headers.cpp)
  target_link_libraries(sekisho_headers PRIVATE fmt::fmt)
  target_precompile_headers(sekisho_headers PRIVATE ${sekisho_common_headers})
endif()

function(sekisho_read_once target owner)
  if(TARGET ${owner})
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# For programs of the tests, with GoogleTest.
function(sekisho_test_headers)
  if(sekisho_reads_once)
    add_library(sekisho_test_headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
    target_link_libraries(sekisho_test_headers PRIVATE fmt::fmt GTest::gmock)
    target_precompile_headers(sekisho_test_headers PRIVATE ${sekisho_common_headers} <fstream> <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endfunction()
