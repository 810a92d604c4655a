// Packets of one compressed direction: each a length of two bytes and what it says. Whatever a peer sends, no payload is longer than
// the limit, and a context that failed is not asked again.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "ssh/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    constexpr std::size_t kMost = 100000;
    BytesView input(reinterpret_cast<const std::byte*>(data), size);
    ssh::Inflate inflate;
    ssh::Inflate again;
    ssh::Deflate deflate;
    while (input.size() >= 2) {
        const std::size_t stated = std::to_integer<std::size_t>(input[0]) << 8 | std::to_integer<std::size_t>(input[1]);
        input = input.subspan(2);
        const BytesView packet = input.first(std::min(stated, input.size()));
        input = input.subspan(packet.size());
        const auto payload = inflate.unpack(packet, kMost);
        if (!payload) break;
        SEKISHO_ASSERT(!payload->empty() && payload->size() <= kMost);
        const auto back = again.unpack(deflate.pack(*payload), kMost);
        SEKISHO_ASSERT(back && std::ranges::equal(*back, *payload));
        if (size % 2 == 0) inflate.drop();
    }
    return 0;
}
