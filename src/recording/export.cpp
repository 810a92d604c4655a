#include "recording/export.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sekisho::recording {

namespace {

using nlohmann::json;

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string seconds(std::chrono::microseconds time) {
    return fmt::format("{}.{:06}", time.count() / 1'000'000, time.count() % 1'000'000);
}

std::string quoted(std::string_view text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// How many bytes a character has by its first one, and the range of its second (Unicode, table 3-7); 0: none begins so.
struct Form {
    std::size_t size;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
};

Form form_of(unsigned char first) {
    if (first < 0x80) return {1};
    if (first >= 0xc2 && first <= 0xdf) return {2};
    if (first == 0xe0) return {3, 0xa0, 0xbf};
    if (first == 0xed) return {3, 0x80, 0x9f};
    if (first >= 0xe1 && first <= 0xef) return {3};
    if (first == 0xf0) return {4, 0x90, 0xbf};
    if (first >= 0xf1 && first <= 0xf3) return {4};
    if (first == 0xf4) return {4, 0x80, 0x8f};
    return {0};
}

/// Bytes of `text` at `at` that are a character or the beginning of one; `whole` says which.
std::size_t good_bytes(std::string_view text, std::size_t at, bool& whole, bool& ends) {
    const Form form = form_of(static_cast<unsigned char>(text[at]));
    whole = ends = false;
    if (form.size == 0) return 0;
    std::size_t good = 1;
    while (good < form.size && at + good < text.size()) {
        const auto next = static_cast<unsigned char>(text[at + good]);
        if (next < (good == 1 ? form.low : 0x80) || next > (good == 1 ? form.high : 0xbf)) return good;
        ++good;
    }
    whole = good == form.size;
    ends = !whole;
    return good;
}

}  // namespace

std::string Utf8Joiner::add(BytesView bytes) {
    std::string text = std::exchange(m_tail, {});
    text.append(base::text_view(bytes));
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        bool whole = false;
        bool ends = false;
        const std::size_t good = good_bytes(text, at, whole, ends);
        if (ends) {
            m_tail = text.substr(at);
            break;
        }
        if (whole) {
            out.append(text, at, good);
        } else {
            out.append(kReplacement);
        }
        at += std::max<std::size_t>(good, 1);
    }
    return out;
}

std::string Utf8Joiner::finish() {
    return std::exchange(m_tail, {}).empty() ? std::string() : std::string(kReplacement);
}

Result<void> export_script(Reader& reader, const ExportOptions& options, const Sink& data, const Sink& timing) {
    const Screen screen = first_screen(reader, options.channel);
    std::string terminal;  // of the client's choosing: the line must stay one line
    for (const char c : screen.terminal) terminal += c > ' ' && c < 127 && c != '"' ? c : '_';
    const std::string started = base::local_time(reader.facts().started, "%Y-%m-%d %H:%M:%S%z");
    if (!data(fmt::format("Script started on {} [TERM=\"{}\" COLUMNS=\"{}\" LINES=\"{}\"]\n", started, terminal, screen.columns,
                          screen.rows))) {
        return unwritten();
    }
    Replay replay(reader, options.channel);
    std::chrono::microseconds last{};
    while (const auto shown = replay.next()) {
        if (shown->kind != Shown::Kind::Output || shown->bytes.empty()) continue;
        if (!timing(fmt::format("{} {}\n", seconds(shown->at - last), shown->bytes.size())) || !data(base::text_view(shown->bytes))) {
            return unwritten();
        }
        last = shown->at;
    }
    return {};
}

namespace {

/// Writes the events of either version; they differ in what their times are relative to.
class CastWriter {
public:
    CastWriter(Asciicast version, const Sink& out) : m_version(version), m_out(out) {}

    bool header(const Facts& facts, const Screen& screen) {
        json header{{"timestamp", base::unix_seconds(facts.started)}, {"title", facts.audit_key}};
        if (m_version == Asciicast::V2) {
            header["version"] = 2;
            header["width"] = screen.columns;
            header["height"] = screen.rows;
            if (!screen.terminal.empty()) header["env"] = {{"TERM", screen.terminal}};
        } else {
            header["version"] = 3;
            header["term"] = {{"cols", screen.columns}, {"rows", screen.rows}};
            if (!screen.terminal.empty()) header["term"]["type"] = screen.terminal;
        }
        return m_out(header.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
    }
    bool event(std::chrono::microseconds at, char code, std::string_view text) {
        const auto time = m_version == Asciicast::V2 ? at : at - m_last;
        m_last = at;
        return m_out(fmt::format("[{},\"{}\",{}]\n", seconds(time), code, quoted(text)));
    }

private:
    const Asciicast m_version;
    const Sink& m_out;
    std::chrono::microseconds m_last{};
};

}  // namespace

Result<void> export_asciicast(Reader& reader, Asciicast version, const ExportOptions& options, const Sink& out) {
    const Screen screen = first_screen(reader, options.channel);
    CastWriter writer(version, out);
    if (!writer.header(reader.facts(), screen)) return unwritten();
    Replay replay(reader, options.channel);
    if (options.input) replay.order_input();
    std::map<std::pair<std::uint32_t, Stream>, Utf8Joiner> joiners;
    std::chrono::microseconds last{};
    std::uint32_t columns = screen.columns;
    std::uint32_t rows = screen.rows;
    while (const auto shown = replay.next()) {
        bool written = true;
        switch (shown->kind) {
            case Shown::Kind::Output:
            case Shown::Kind::Input: {
                const bool input = shown->kind == Shown::Kind::Input;
                if (input && !options.input) continue;
                const std::string text = joiners[{shown->channel, shown->stream}].add(shown->bytes);
                if (!text.empty()) written = writer.event(shown->at, input ? 'i' : 'o', text);
                break;
            }
            case Shown::Kind::Resize:
                if (shown->columns == columns && shown->rows == rows) continue;
                columns = shown->columns;
                rows = shown->rows;
                written = writer.event(shown->at, 'r', fmt::format("{}x{}", columns, rows));
                break;
            case Shown::Kind::Exit:  // known to version 3 only
                if (version == Asciicast::V3) written = writer.event(shown->at, 'x', shown->exit);
                break;
        }
        if (!written) return unwritten();
        last = shown->at;
    }
    for (auto& [key, joiner] : joiners) {
        const std::string rest = joiner.finish();
        const bool input = key.second == Stream::Input;
        if (!rest.empty() && !writer.event(last, input ? 'i' : 'o', rest)) return unwritten();
    }
    return {};
}

}  // namespace sekisho::recording
