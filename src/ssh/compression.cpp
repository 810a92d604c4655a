#include "ssh/compression.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace sekisho::ssh {
namespace {

// 64 KiB for a direction that sends, where zlib's defaults cost 256: a gateway holds thousands of them. On source code and prose the
// packets are a fifth larger for it, and made twice as fast.
constexpr int kWindowBits = 13;
constexpr int kMemory = 6;
constexpr int kLevel = 4;

// The peer chooses its window; this is the largest that there is.
constexpr int kPeerWindowBits = 15;

constexpr std::size_t kRoomBefore = 32;
constexpr std::size_t kRoomBehind = 32;
constexpr std::size_t kFirstRoom = 40 * 1024;  // holds a full packet of channel data

Bytef* zlib_bytes(const std::byte* bytes) { return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes)); }

}  // namespace

// --- out -----------------------------------------------------------------------------------------------------------

struct Deflate::State {
    z_stream stream{};
    ~State() { ::deflateEnd(&stream); }
};

Deflate::Deflate() : m_state(std::make_unique<State>()) {
    if (::deflateInit2(&m_state->stream, kLevel, Z_DEFLATED, kWindowBits, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
}

Deflate::~Deflate() = default;

BytesView Deflate::pack(BytesView payload) {
    thread_local Bytes packed;
    z_stream& stream = m_state->stream;
    stream.next_in = zlib_bytes(payload.data());
    stream.avail_in = static_cast<uInt>(payload.size());
    packed.resize(std::max(packed.size(), kFirstRoom));
    std::size_t used = 0;
    do {
        if (used == packed.size()) packed.resize(packed.size() * 2);
        stream.next_out = zlib_bytes(packed.data() + used);
        stream.avail_out = static_cast<uInt>(packed.size() - used);
        const int done = ::deflate(&stream, Z_PARTIAL_FLUSH);
        SEKISHO_ASSERT(done == Z_OK || done == Z_BUF_ERROR);
        used = packed.size() - stream.avail_out;
    } while (stream.avail_out == 0);  // zlib: with room left, the flush is complete
    return BytesView(packed).first(used);
}

// --- in ------------------------------------------------------------------------------------------------------------

struct Inflate::State {
    z_stream stream{};
    ~State() { ::inflateEnd(&stream); }
};

Inflate::Inflate() : m_state(std::make_unique<State>()) {
    if (::inflateInit2(&m_state->stream, kPeerWindowBits) != Z_OK) throw std::bad_alloc();
}

Inflate::~Inflate() = default;

MutableBytes Inflate::room() const { return {m_block.get() + kRoomBefore, m_size}; }

void Inflate::grow(std::size_t used, std::size_t size) {
    auto block = std::make_unique_for_overwrite<std::byte[]>(kRoomBefore + size + kRoomBehind);
    if (used > 0) std::memcpy(block.get() + kRoomBefore, m_block.get() + kRoomBefore, used);
    m_block = std::move(block);
    m_size = size;
}

Result<MutableBytes> Inflate::unpack(BytesView packed, std::size_t most) {
    z_stream& stream = m_state->stream;
    stream.next_in = zlib_bytes(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    if (!m_block) grow(0, kFirstRoom);
    std::size_t used = 0;
    while (true) {
        // One byte more than is permitted shows that there is more.
        const std::size_t wanted = std::min(m_size, most + 1);
        stream.next_out = zlib_bytes(room().data() + used);
        stream.avail_out = static_cast<uInt>(wanted - used);
        const int done = ::inflate(&stream, Z_SYNC_FLUSH);
        used = wanted - stream.avail_out;
        if (done == Z_MEM_ERROR) throw std::bad_alloc();
        // The stream lasts as long as the keys: a peer that ends it, or wants a dictionary, is wrong.
        if (done != Z_OK && done != Z_BUF_ERROR) return fail("a packet that cannot be decompressed");
        if (used > most) return fail("a packet that is too long when decompressed");
        if (stream.avail_out > 0) break;
        grow(used, m_size * 2);
    }
    if (stream.avail_in > 0) return fail("a packet that cannot be decompressed");
    if (used == 0) return fail("a packet that is empty when decompressed");
    return room().first(used);
}

}  // namespace sekisho::ssh
