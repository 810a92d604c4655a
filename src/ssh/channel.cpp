#include "ssh/channel.h"

#include <cstring>

namespace sekisho::ssh {

Outgoing Outgoing::data(DataStream stream, BytesView bytes) {
    Outgoing piece{.kind = Kind::Data, .stream = stream};
    piece.bytes.resize(kRoomBefore + bytes.size() + kRoomBehind);
    std::memcpy(piece.bytes.data() + kRoomBefore, bytes.data(), bytes.size());
    return piece;
}

bool Outgoing::append(BytesView more) {
    const std::size_t size = data_size();
    if (size + more.size() > kDataMost) return false;
    bytes.resize(bytes.size() + more.size());
    std::memcpy(bytes.data() + kRoomBefore + size, more.data(), more.size());
    return true;
}

std::uint32_t ReceiveWindow::grant(std::uint64_t& budget) {
    // Worth a message once half of the window is back. All that is outstanding is credited in the end, so that a peer
    // that stopped is always granted more.
    if (m_credited < m_size / 2) return 0;
    std::uint32_t extra = 0;
    // The peer used half of its window and the owner kept up: the window may be what limits the transfer, so it grows.
    if (m_left <= m_size / 2 && m_outstanding < m_size / 4 && m_size < wire::limits::kWindowMost && budget >= m_size) {
        extra = m_size;
        budget -= extra;
        m_size += extra;
    }
    const auto granted = static_cast<std::uint32_t>(m_credited) + extra;
    m_credited = 0;
    m_left += granted;
    return granted;
}

}  // namespace sekisho::ssh
