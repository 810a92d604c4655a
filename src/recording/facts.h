// The JSON texts of a recording: facts (block 0) and end (last block). Written by BlockFile's users, read by Reader, the
// listing and mark_cut. Unknown members are ignored, missing ones are empty. Pure; any thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "recording/recorder.h"
#include "recording/seal.h"

namespace sekisho::recording {

struct Facts : SessionFacts {
    std::string writer;  // names the gateway process that writes (folder.h: is it alive?)
    std::vector<SealedKey> seal;  // empty: the events can be read
    std::string signed_by;  // fingerprint of the key that signs its end; empty: it is not signed
};

struct Totals {
    std::array<std::uint64_t, 4> bytes{};  // by Stream
    std::uint64_t events = 0;
    std::uint32_t channels = 0;
    std::vector<std::string> targets;  // the first few, without repetition
};

enum class Ending { Complete, Cut, Failed };  // Failed: the disk refused a block, what follows it is missing

struct End {
    std::string reason;
    Ending ending = Ending::Complete;
    std::string failure;  // why the disk refused
    std::uint64_t duration_us = 0;
    std::uint32_t blocks = 0;  // with this one
    Totals totals;             // empty where the recording was cut
};

std::string encode_facts(const Facts& facts);
Result<Facts> decode_facts(std::string_view json);
std::string encode_end(const End& end);
Result<End> decode_end(std::string_view json);

std::string_view name(Stream stream);
std::string_view name(Ending ending);
std::string_view level_name(model::RecordLevel level);

}  // namespace sekisho::recording
