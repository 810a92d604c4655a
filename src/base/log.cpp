#include "base/log.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"

namespace sekisho::base::log {
namespace {

std::atomic<Level> g_threshold{Level::Info};

struct Allowance {
    std::int64_t second = 0;
    int written = 0;
    std::uint64_t left_out = 0;
};

std::mutex g_allowance_mutex;
std::map<std::string, Allowance, std::less<>> g_allowances;

constexpr std::string_view name(Level level) {
    switch (level) {
        case Level::Debug: return "debug";
        case Level::Info: return "info";
        case Level::Warn: return "warn";
        case Level::Error: return "error";
    }
    return "?";
}

void append_quoted(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (char c : value) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f) plain = false;
    }
    if (plain) {
        line += value;
        return;
    }
    line += '"';
    for (char c : value) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (u < 0x20 || u == 0x7f) {
            line += fmt::format("\\x{:02x}", u);
        } else {
            line += c;
        }
    }
    line += '"';
}

}  // namespace

void threshold(Level level) { g_threshold = level; }
bool enabled(Level level) { return level >= g_threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    std::string line = rfc3339(std::chrono::system_clock::now());
    line += ' ';
    line += name(level);
    line += ' ';
    line += event;
    for (const Field& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_quoted(line, field.value);
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

void warn_limited(std::string_view event, std::initializer_list<Field> fields) {
    constexpr int kLinesPerSecond = 10;
    std::uint64_t left_out = 0;
    {
        const std::int64_t now = unix_seconds(std::chrono::system_clock::now());
        const std::lock_guard lock(g_allowance_mutex);
        Allowance& allowance = g_allowances[std::string(event)];
        if (allowance.second != now) {
            allowance.second = now;
            allowance.written = 0;
        }
        if (allowance.written >= kLinesPerSecond) {
            ++allowance.left_out;
            return;
        }
        ++allowance.written;
        left_out = std::exchange(allowance.left_out, 0);
    }
    if (left_out > 0) write(Level::Warn, "log.left_out", {{"event", std::string(event)}, {"lines", std::to_string(left_out)}});
    write(Level::Warn, event, fields);
}

}  // namespace sekisho::base::log
