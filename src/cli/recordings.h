// `sekisho recordings ls|show|search|play|export|open|verify`: the evidence, for people and tools. Reads the folder of recordings
// itself, but for search, so it works while no gateway runs. Called by app/main; main thread only.
#pragma once

#include "cli/command.h"
#include "recording/reader.h"

namespace sekisho::cli {

void add_recordings_command(CLI::App& app, Context& context);

/// The path of a recording that is named by its audit key or by its file; of one that had to be fetched, as long as this process lives.
Result<std::string> find_recording(const Context& context, const std::string& which);
/// Opens a sealed one with the private key in `key_file`.
Result<void> unseal(recording::Reader& reader, const std::string& key_file);
/// The recording that is named by its audit key or by its file; one that is sealed is opened with the private key in `key_file`.
Result<recording::Reader> open_recording(const Context& context, const std::string& which, const std::string& key_file);
/// On stderr, what an auditor must know about what was shown of a recording that was read to its end. The exit status.
int report(const recording::Reader& reader);

/// `recordings search` (recordings_search.cpp).
void add_recordings_search(CLI::App& recordings, Context& context);
/// `recordings verify` (recordings_verify.cpp).
void add_recordings_verify_command(CLI::App& recordings, Context& context);
/// `recordings show`: the channels of one recording (recordings_show.cpp).
int show_files(const Context& context, const std::string& which, const std::string& key_file, bool json);
int show_recording(const Context& context, const std::string& which, const std::string& key_file, bool json);

}  // namespace sekisho::cli
