# Libraries from Debian 12. Names seen by the rest of the build are targets, never flags.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(Boost 1.81 REQUIRED)
find_package(CURL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

add_library(sekisho_zstd INTERFACE)
target_link_libraries(sekisho_zstd INTERFACE PkgConfig::ZSTD)

add_library(sekisho_lz4 INTERFACE)
target_link_libraries(sekisho_lz4 INTERFACE PkgConfig::LZ4)

add_library(sekisho_soci INTERFACE)
find_library(SOCI_CORE soci_core REQUIRED)
find_library(SOCI_SQLITE soci_sqlite3 REQUIRED)
target_link_libraries(sekisho_soci INTERFACE ${SOCI_CORE} ${SOCI_SQLITE} PkgConfig::SQLITE)

# AES-GCM twice to four times as fast as OpenSSL's; x86-64 only, and the build does without it where it is not installed.
option(SEKISHO_USE_IPSEC_MB "AES-GCM by libipsec-mb, where it is installed" ON)
add_library(sekisho_ipsec_mb INTERFACE)
if(SEKISHO_USE_IPSEC_MB AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  find_library(IPSEC_MB IPSec_MB)
  find_path(IPSEC_MB_HEADERS intel-ipsec-mb.h)
  if(IPSEC_MB AND IPSEC_MB_HEADERS)
    target_link_libraries(sekisho_ipsec_mb INTERFACE ${IPSEC_MB})
    set_source_files_properties(src/crypto/aes_gcm_ipsec_mb.cpp PROPERTIES COMPILE_DEFINITIONS SEKISHO_IPSEC_MB)
  endif()
endif()
