// Buffer and BufferPool: memory of the blocks that are being filled or wait for the disk. A few are kept for reuse, in three
// sizes: keystrokes need little, a screen some KiB, bulk data a whole block. Owned by the Hub; thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"

namespace sekisho::recording {

struct Buffer {
    std::unique_ptr<std::byte[]> data;
    std::size_t capacity = 0;
    std::size_t size = 0;

    BytesView bytes() const { return {data.get(), size}; }
    std::size_t room() const { return capacity - size; }
    explicit operator bool() const { return data != nullptr; }
};

class BufferPool {
public:
    static constexpr std::size_t kLarge = 64 * 1024;

    /// At least `least` bytes, at most kLarge.
    Buffer take(std::size_t least);
    void give(Buffer buffer);
    /// Bytes of the buffers that are out.
    std::size_t out() const { return m_out.load(std::memory_order_relaxed); }

private:
    using Memory = std::unique_ptr<std::byte[]>;
    struct Size {
        std::size_t capacity;
        std::size_t kept;  // buffers that wait for reuse, at most
        std::vector<Memory> waiting;
    };
    Size& size_for(std::size_t least);

    std::mutex m_mutex;
    std::array<Size, 3> m_sizes{{{1024, 512, {}}, {8 * 1024, 128, {}}, {kLarge, 64, {}}}};
    std::atomic<std::size_t> m_out{0};
};

}  // namespace sekisho::recording
