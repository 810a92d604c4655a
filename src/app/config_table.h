// The one table of configuration keys. A key is added here and in model/config.h, nowhere else. Private to app.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/config.h"

namespace sekisho::app {

enum class Reload { Live, NewSessions, Restart };  // when a changed value counts, after SIGHUP

// Where a key's value lives in a Config; the type is the type of the key.
using Text = std::string& (*)(model::Config&);
using Texts = std::vector<std::string>& (*)(model::Config&);
using Number = std::uint64_t& (*)(model::Config&);
struct ByteCount {
    Number at;
};
using Time = std::chrono::seconds& (*)(model::Config&);
using FailureAnswer = model::OnFailure& (*)(model::Config&);
using Place = std::variant<Text, Texts, Number, ByteCount, Time, FailureAnswer>;

struct ConfigKey {
    std::string_view key;  // "ssh.listen"
    Place place;
    Reload reload;
    std::string_view help;
    std::string (*wrong)(const model::Config&);  // what is wrong with the value; empty: nothing
};

const std::vector<ConfigKey>& config_keys();

/// "90s", "5m", "1h", "2d"; "0" is zero.
Result<std::chrono::seconds> parse_time(std::string_view text);
std::string time_text(std::chrono::seconds time);
/// "512", "64K", "64M", "1G", "1T" (powers of 1024).
Result<std::uint64_t> parse_bytes(std::string_view text);
std::string bytes_text(std::uint64_t bytes);

}  // namespace sekisho::app
