#include "recording/replay.h"

#include <algorithm>

#include "wire/reader.h"

namespace sekisho::recording {

namespace {

constexpr std::uint32_t kCellsMost = 10'000;  // of a terminal's width or height; more is nonsense a client sent

std::uint32_t cells(std::uint32_t value, std::uint32_t usual) {
    return value == 0 || value > kCellsMost ? usual : value;
}

}  // namespace

bool Replay::wanted(const Event& event) const {
    return m_channel ? event.channel == *m_channel : !m_other.contains(event.channel);
}

void Replay::order_input() {
    m_ordered = true;
    m_typed.clear();
    m_reader->seek(std::chrono::microseconds(0));
    Replay all(*m_reader, m_channel);
    while (const auto shown = all.next()) {
        if (shown->kind == Shown::Kind::Input) m_typed.push_back({shown->channel, shown->at, base::to_bytes(shown->bytes)});
    }
    std::ranges::stable_sort(m_typed, {}, &Typed::at);
    m_reader->seek(std::chrono::microseconds(0));
}

std::optional<Shown> Replay::next() {
    if (!m_ordered) return next_in_file();
    while (!m_waiting) {
        m_waiting = next_in_file();
        if (!m_waiting) break;
        if (m_waiting->kind == Shown::Kind::Input) m_waiting.reset();
    }
    if (m_typed_shown < m_typed.size() && (!m_waiting || m_typed[m_typed_shown].at <= m_waiting->at)) {
        const Typed& typed = m_typed[m_typed_shown++];
        Shown shown;
        shown.kind = Shown::Kind::Input;
        shown.at = typed.at;
        shown.channel = typed.channel;
        shown.stream = Stream::Input;
        shown.bytes = typed.bytes;
        return shown;
    }
    return std::exchange(m_waiting, std::nullopt);
}

std::optional<Shown> Replay::next_in_file() {
    while (const auto event = m_reader->next()) {
        if (event->kind == Event::Kind::ChannelOpened && event->name != "session") m_other.insert(event->channel);
        if (!wanted(*event)) continue;
        if (event->kind == Event::Kind::Request) {
            if (auto shown = request(*event)) return shown;
            continue;
        }
        if (event->kind != Event::Kind::Data) continue;
        m_shown.insert(event->channel);
        Shown shown{.at = event->at, .channel = event->channel, .stream = event->stream, .bytes = event->bytes};
        if (event->stream == Stream::Input) shown.kind = Shown::Kind::Input;
        // The gateway speaks to its users on stderr, except where a terminal makes one stream of both.
        shown.to_stderr = event->stream == Stream::Stderr ||
                          (event->stream == Stream::Notice && !m_terminal.contains(event->channel));
        return shown;
    }
    return std::nullopt;
}

std::optional<Shown> Replay::request(const Event& event) {
    Shown shown{.at = event.at, .channel = event.channel};
    wire::Reader payload(event.bytes);
    if (event.from_client && (event.name == "pty-req" || event.name == "window-change")) {
        const auto asked = terminal_asked(event.name, event.bytes);
        if (event.name == "pty-req") m_terminal.insert(event.channel);
        if (!asked) return std::nullopt;
        shown.kind = Shown::Kind::Resize;
        shown.new_terminal = event.name == "pty-req";
        shown.terminal = asked->terminal;
        shown.columns = asked->columns;
        shown.rows = asked->rows;
        return shown;
    }
    if (!event.from_client && event.name == "exit-status") {
        shown.kind = Shown::Kind::Exit;
        shown.exit = std::to_string(payload.u32());
    } else if (!event.from_client && event.name == "exit-signal") {
        shown.kind = Shown::Kind::Exit;
        shown.exit = payload.text();
    } else {
        return std::nullopt;
    }
    return payload.ok() ? std::optional<Shown>(std::move(shown)) : std::nullopt;
}

std::optional<TerminalAsked> terminal_asked(std::string_view type, BytesView payload) {
    TerminalAsked asked;
    wire::Reader in(payload);
    if (type == "pty-req") {
        asked.terminal = in.text();
    } else if (type != "window-change") {
        return std::nullopt;
    }
    asked.columns = cells(in.u32(), 80);
    asked.rows = cells(in.u32(), 24);
    return in.ok() ? std::optional(asked) : std::nullopt;
}

void Replay::begin(const Keyframe& keyframe) {
    for (const Keyframe::Channel& channel : keyframe.channels) {
        if (channel.kind == Keyframe::Kind::Other) m_other.insert(channel.number);
        if (channel.kind == Keyframe::Kind::Terminal) m_terminal.insert(channel.number);
        if (channel.kind != Keyframe::Kind::Other && (!m_channel || channel.number == *m_channel)) m_shown.insert(channel.number);
    }
}

std::string request_word(const Event& event) {
    wire::Reader payload(event.bytes);
    std::string word;
    if (event.from_client && (event.name == "exec" || event.name == "subsystem")) {
        word = payload.text();
    } else if (!event.from_client && event.name == "exit-status") {
        word = std::to_string(payload.u32());
    } else if (!event.from_client && event.name == "exit-signal") {
        word = "SIG" + std::string(payload.text());
    }
    return payload.ok() ? word : std::string();
}

Screen first_screen(Reader& reader, std::optional<std::uint32_t> channel) {
    constexpr std::size_t kOutputMost = 1024 * 1024;  // a terminal is asked for before its output begins
    Screen screen;
    Replay replay(reader, channel);
    std::size_t seen = 0;
    while (auto shown = seen < kOutputMost ? replay.next() : std::nullopt) {
        seen += shown->bytes.size();
        if (shown->kind != Shown::Kind::Resize) continue;
        screen = {std::string(shown->terminal.substr(0, 64)), shown->columns, shown->rows};
        break;
    }
    reader.seek(std::chrono::microseconds(0));
    return screen;
}

std::chrono::microseconds Pace::wait(std::chrono::microseconds at) {
    const auto pause = std::exchange(m_first, false) ? std::chrono::microseconds(0) : at - m_last;
    m_last = at;
    if (m_speed <= 0) return {};
    const auto shortened = std::clamp(pause, std::chrono::microseconds(0), m_most);
    return std::chrono::microseconds(static_cast<std::int64_t>(static_cast<double>(shortened.count()) / m_speed));
}

}  // namespace sekisho::recording
