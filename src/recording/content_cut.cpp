#include "recording/content_cut.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recording/facts.h"

namespace sekisho::recording {

BytesView ContentCut::keep(Stream stream, BytesView bytes) {
    const auto index = static_cast<std::size_t>(stream);
    if (index >= m_streams.size()) return bytes;
    One& one = m_streams[index];
    if (!one.hash) one.hash.emplace(crypto::HashKind::Sha256);
    one.hash->update(bytes);
    const std::uint64_t left = m_most - std::min(m_most, one.bytes);
    one.bytes += bytes.size();
    return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
}

std::vector<std::string> ContentCut::digests() {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < m_streams.size(); ++i) {
        One& one = m_streams[i];
        if (one.bytes <= m_most || !one.hash) continue;
        const nlohmann::json text{{"stream", name(static_cast<Stream>(i))}, {"bytes", one.bytes}, {"kept", m_most},
            {"sha256", base::hex(one.hash->finish())}};
        one.hash.reset();
        texts.push_back(text.dump());
    }
    return texts;
}

}  // namespace sekisho::recording
