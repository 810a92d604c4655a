#include "recording/screens.h"

#include <algorithm>

namespace sekisho::recording {

namespace {

constexpr std::size_t kScreenGathered = 512 * 1024;

}  // namespace

std::optional<Shown> Screens::seek(std::chrono::microseconds at) {
    m_terminals.clear();
    m_replay = Replay(m_reader, m_channel);
    if (const auto keyframe = m_reader.seek_screen(at)) begin(*keyframe);
    for (;;) {
        auto shown = m_replay.next();
        if (!shown || shown->at > at) {
            settle();
            return shown;
        }
        take(*shown);
    }
}

void Screens::begin(const Keyframe& keyframe) {
    m_replay.begin(keyframe);
    for (const Keyframe::Channel& channel : keyframe.channels) {
        if (channel.kind != Keyframe::Kind::Terminal || (m_channel && channel.number != *m_channel)) continue;
        const auto cells = [](std::uint32_t count) { return static_cast<int>(std::min<std::uint32_t>(count, 10'000)); };
        m_terminals[channel.number] = {channel.number, channel.terminal,
            terminal::Screen::restored(cells(channel.columns), cells(channel.rows), channel.repaint, channel.last_printed),
            keyframe.at};
    }
}

void Screens::take(const Shown& shown) {
    if (shown.kind == Shown::Kind::Resize) {
        settle();
        const int columns = static_cast<int>(shown.columns);
        const int rows = static_cast<int>(shown.rows);
        const auto found = m_terminals.find(shown.channel);
        if (shown.new_terminal) {
            m_terminals[shown.channel] = {
                shown.channel, std::string(shown.terminal), terminal::Screen(columns, rows), shown.at};
        } else if (found != m_terminals.end()) {
            found->second.screen.resize(columns, rows);
            found->second.changed = shown.at;
        }
    } else if (shown.kind == Shown::Kind::Output && m_terminals.contains(shown.channel)) {
        if (m_gathering != shown.channel || m_gathered.size() > kScreenGathered) settle();
        m_gathering = shown.channel;
        m_gathered.insert(m_gathered.end(), shown.bytes.begin(), shown.bytes.end());
        m_terminals.at(shown.channel).changed = shown.at;
    }
}

void Screens::settle() {
    if (const auto found = m_terminals.find(m_gathering); found != m_terminals.end()) found->second.screen.feed(m_gathered);
    m_gathered.clear();
}

const Screens::Terminal* Screens::last() const {
    const auto found = std::ranges::max_element(m_terminals, {}, [](const auto& one) { return one.second.changed; });
    return found == m_terminals.end() ? nullptr : &found->second;
}

}  // namespace sekisho::recording
