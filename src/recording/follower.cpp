#include "recording/follower.h"

#include <algorithm>

#include "recording/replay.h"

namespace sekisho::recording {

using format::EventType;

namespace {

// When a reader has had enough: each stands for some milliseconds that it needs.
constexpr std::uint64_t kShownMost = 8 * 1024 * 1024;
constexpr std::uint32_t kBlocksMost = 256;
constexpr std::uint64_t kShownSome = 64 * 1024;
constexpr std::uint64_t kSomeTimeUs = 5'000'000;
constexpr std::size_t kGatheredMost = 512 * 1024;
constexpr std::size_t kRequestKept = 1024;  // name and size of a terminal stand at the front
constexpr std::size_t kNameMost = 64;

}  // namespace

void Follower::follow(BytesView events, std::uint64_t time_us, Bytes& gathered) {
    m_time_us = std::max(m_time_us, time_us);
    ++m_blocks;
    format::Cursor cursor{events};
    while (!cursor.rest.empty() && cursor.ok) {
        const std::uint8_t type = cursor.byte();
        const auto number = static_cast<std::uint32_t>(cursor.varint());
        m_time_us += cursor.varint();
        event(type, number, {cursor.raw(cursor.varint())}, gathered);
    }
}

void Follower::event(std::uint8_t type, std::uint32_t number, format::Cursor payload, Bytes& gathered) {
    constexpr auto kData = static_cast<std::uint8_t>(EventType::Data);
    constexpr auto kNotice = static_cast<std::uint8_t>(kData + static_cast<std::uint8_t>(Stream::Notice));
    const auto plain = static_cast<std::uint8_t>(type & ~format::kNotInFile);
    if (plain >= kData && plain <= kNotice) {
        return data(number, static_cast<Stream>(plain - kData), payload.rest, (type & format::kHeldBack) != 0, gathered);
    }
    switch (static_cast<EventType>(type)) {
        case EventType::ChannelOpened: {
            const bool session = payload.text() == "session";
            payload.text();
            payload.text();
            settle(gathered);
            m_channels[number] = {
                session, static_cast<model::RecordLevel>(std::min<std::uint8_t>(payload.byte(), 2)), nullptr};
            break;
        }
        case EventType::Request:
            m_request.clear();
            request(number, payload, gathered);
            break;
        case EventType::Continuation:
            if (m_request.empty() || m_request.size() > kRequestKept) break;
            m_request.insert(m_request.end(), payload.rest.begin(), payload.rest.end());
            apply(number, m_request_type, m_request, gathered);
            break;
        case EventType::ChannelClosed:
            if (const auto found = m_channels.find(number); found != m_channels.end()) {
                settle(gathered);
                if (found->second.terminal) {
                    found->second.terminal->echo.finish();
                    take_decided(*found->second.terminal);
                    if (found->second.level == model::RecordLevel::Full) --m_terminals;
                }
                m_channels.erase(found);
            }
            break;
        default: break;
    }
}

void Follower::data(std::uint32_t number, Stream stream, BytesView bytes, bool held, Bytes& gathered) {
    const auto found = m_channels.find(number);
    if (found == m_channels.end() || !found->second.terminal) {  // nothing is known of its screen
        if (held) m_input.push_back({{std::string(base::text_view(bytes)), 0, m_time_us}, number});
        return;
    }
    Terminal* terminal = found->second.terminal.get();
    if (stream == Stream::Input) {
        settle(gathered);
        const terminal::Screen& shown = screen(*terminal);
        terminal->commands.typed(bytes, shown, m_time_us);
        if (!held) return;
        terminal->echo.typed(bytes, shown, m_time_us);
        return take_decided(*terminal);
    }
    if (m_gathering != terminal || gathered.size() > kGatheredMost) settle(gathered);
    m_gathering = terminal;
    gathered.insert(gathered.end(), bytes.begin(), bytes.end());
    m_shown += bytes.size();
}

void Follower::request(std::uint32_t number, format::Cursor payload, Bytes& gathered) {
    const bool from_client = payload.byte() != 0;
    const std::string_view type = payload.text();
    const std::uint64_t size = payload.varint();
    if (!from_client || !payload.ok || (type != "pty-req" && type != "window-change")) return;
    if (payload.rest.size() < size) {  // the rest comes in another event
        m_request_type = type;
        m_request = base::to_bytes(payload.rest);
    }
    apply(number, type, payload.rest, gathered);
}

void Follower::apply(std::uint32_t number, std::string_view type, BytesView payload, Bytes& gathered) {
    const auto found = m_channels.find(number);
    const auto asked = terminal_asked(type, payload);
    if (!asked || found == m_channels.end()) return;
    Channel& channel = found->second;
    if (!channel.session || channel.level == model::RecordLevel::Metadata) return;
    settle(gathered);
    if (type == "pty-req") {
        if (!channel.terminal && channel.level == model::RecordLevel::Full) ++m_terminals;
        channel.terminal = std::make_unique<Terminal>();
        channel.terminal->channel = number;
        channel.terminal->name = asked->terminal.substr(0, kNameMost);
    }
    if (!channel.terminal) return;
    Terminal& terminal = *channel.terminal;
    terminal::Screen& shown = screen(terminal);
    terminal.columns = asked->columns;
    terminal.rows = asked->rows;
    shown.resize(static_cast<int>(asked->columns), static_cast<int>(asked->rows));
    ++m_shown;
}

void Follower::settle(Bytes& gathered) {
    if (m_gathering != nullptr) {
        draw(*std::exchange(m_gathering, nullptr), gathered);
    }
    gathered.clear();
}

void Follower::draw(Terminal& terminal, BytesView output) {
    while (terminal.echo.waits_for_line()) {
        const auto line = static_cast<std::size_t>(std::ranges::find(output, std::byte{'\n'}) - output.begin());
        if (line == output.size()) break;
        draw_piece(terminal, output.first(line));
        terminal.echo.shown(screen(terminal), true);
        draw_piece(terminal, output.subspan(line, 1));
        output = output.subspan(line + 1);
    }
    draw_piece(terminal, output);
    terminal.echo.shown(screen(terminal), false);
    take_decided(terminal);
}

void Follower::draw_piece(Terminal& terminal, BytesView output) {
    if (!terminal.commands.waiting()) return screen(terminal).feed(output);
    std::vector<terminal::CommandReader::Command> found;
    terminal.commands.shown(output, screen(terminal), found);
    for (auto& one : found) m_commands.push_back({std::move(one), terminal.channel});
}

void Follower::take_decided(Terminal& terminal) {
    for (auto& one : terminal.echo.take()) m_input.push_back({std::move(one), terminal.channel});
}

void Follower::finish(Bytes& gathered) {
    settle(gathered);
    for (auto& [number, channel] : m_channels) {
        if (!channel.terminal) continue;
        channel.terminal->echo.finish();
        take_decided(*channel.terminal);
    }
}

terminal::Screen& Follower::screen(Terminal& terminal) {
    if (!terminal.screen) {
        terminal.screen = terminal::Screen::restored(
            static_cast<int>(terminal.columns), static_cast<int>(terminal.rows), terminal.repaint, terminal.last_printed);
        terminal.repaint = {};
        m_awake = true;
    }
    return *terminal.screen;
}

/// True where `repaint` now says all that the screen does. That is tried out, not believed.
bool Follower::put_away(Terminal& terminal) {
    if (!terminal.screen) return true;
    auto repaint = terminal.screen->repaint();
    if (!repaint) return false;
    const int columns = static_cast<int>(terminal.columns);
    const int rows = static_cast<int>(terminal.rows);
    terminal.last_printed = terminal.screen->last_printed();
    if (!(terminal::Screen::restored(columns, rows, *repaint, terminal.last_printed) == *terminal.screen)) return false;
    terminal.repaint = std::move(*repaint);
    return true;
}

void Follower::rest() {
    m_awake = false;
    for (auto& [number, channel] : m_channels) {
        if (!channel.terminal || !channel.terminal->screen || !put_away(*channel.terminal)) continue;
        channel.terminal->screen.reset();
        channel.terminal->repaint.shrink_to_fit();
    }
}

bool Follower::keyframe_due() const {
    const bool due = m_shown >= kShownMost || m_blocks >= kBlocksMost ||
                     (m_shown >= kShownSome && m_time_us - m_keyframe_us >= kSomeTimeUs);
    return due && m_terminals != 0;
}

/// Nothing where one of the terminals cannot be painted.
std::optional<Bytes> Follower::make_keyframe() {
    m_shown = 0;
    m_blocks = 0;
    m_keyframe_us = m_time_us;
    std::vector<Keyframe::Channel> channels;
    std::size_t size = 0;
    for (auto& [number, channel] : m_channels) {
        Keyframe::Channel& one = channels.emplace_back();
        one.number = number;
        one.kind = channel.session ? Keyframe::Kind::Session : Keyframe::Kind::Other;
        if (!channel.terminal || channel.level != model::RecordLevel::Full) continue;
        Terminal& terminal = *channel.terminal;
        if (!put_away(terminal)) return std::nullopt;
        one.kind = Keyframe::Kind::Terminal;
        one.terminal = terminal.name;
        one.columns = terminal.columns;
        one.rows = terminal.rows;
        one.last_printed = terminal.last_printed;
        one.repaint = terminal.screen ? std::move(terminal.repaint) : terminal.repaint;
        size += one.repaint.size();
        if (size > format::kBlockPlain) return std::nullopt;
    }
    return encode_keyframe(channels);
}

}  // namespace sekisho::recording
