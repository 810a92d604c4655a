# Compiler, warnings, sanitizers. -Werror is part of the contract, not of one developer's taste.
option(SEKISHO_TESTS "Build tests and benchmarks" ON)
option(SEKISHO_FUZZ "Build libFuzzer targets (clang only)" OFF)
option(SEKISHO_TOGETHER "Compile the files of a folder some together: a whole build takes half the time, one change more" ON)
option(SEKISHO_COVERAGE "Count what runs, for llvm-cov (clang only)" OFF)
set(SEKISHO_SANITIZE "" CACHE STRING "Value for -fsanitize=, e.g. address,undefined or thread")

set(CMAKE_UNITY_BUILD ${SEKISHO_TOGETHER})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 10)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Wrestrict: GCC 12 warns about std::string concatenation that is right (its bug 105651).
  add_compile_options(-Wno-interference-size -Wno-missing-field-initializers -Wno-restrict)
  if(SEKISHO_TOGETHER)
    # Both say what is not so where files are compiled together: one calls what stands in a .cpp a header's, the other follows
    # std::expected further into what is inlined than it understands. A build with SEKISHO_TOGETHER=OFF has them.
    add_compile_options(-Wno-subobject-linkage -Wno-maybe-uninitialized)
  endif()
else()
  # Deprecated: what libstdc++ 12 uses inside its own stable_sort.
  add_compile_options(-Wno-missing-field-initializers -Wno-missing-designated-field-initializers -Wno-deprecated-declarations)
endif()
add_compile_options(-fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SEKISHO_SANITIZE)
  # Libraries are bound at the start (-z now), so that nothing is gained by their table of jumps.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fno-plt)
else()
  add_compile_options(-fno-omit-frame-pointer)
endif()
add_link_options(-Wl,-z,relro,-z,now)
# All of it goes into programs, none into a shared library: no function can be another's at run time, so they may be inlined.
add_compile_options(-fPIE)
add_link_options(-pie)

if(SEKISHO_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

if(SEKISHO_SANITIZE)
  add_compile_options(-fsanitize=${SEKISHO_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SEKISHO_SANITIZE})
  add_compile_definitions(SEKISHO_SANITIZED)
  # The presets build with clang: half of GCC's time for the same sanitizers, and a second opinion on the code.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(-fuse-ld=lld)
  endif()
  # Slow by design, thousands of rounds for one key: unoptimised they alone would take minutes of the tests.
  set_source_files_properties(src/crypto/blowfish.cpp src/crypto/bcrypt_pbkdf.cpp PROPERTIES COMPILE_OPTIONS -O2
    SKIP_PRECOMPILE_HEADERS ON)
endif()
