// Buffer and BufferPool: memory of the blocks that are being filled or wait for the disk. A few are kept for reuse, in two
// sizes: a keystroke needs 4 KiB, bulk data a whole block. Owned by the Hub; thread-safe.
#pragma once

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
    static constexpr std::size_t kSmall = 4 * 1024;
    static constexpr std::size_t kLarge = 64 * 1024;

    Buffer take(bool large);
    void give(Buffer buffer);
    /// Bytes of the buffers that are out.
    std::size_t out() const { return m_out.load(std::memory_order_relaxed); }

private:
    using Memory = std::unique_ptr<std::byte[]>;
    static constexpr std::size_t kKeptSmall = 256;
    static constexpr std::size_t kKeptLarge = 64;

    std::mutex m_mutex;
    std::vector<Memory> m_small;
    std::vector<Memory> m_large;
    std::atomic<std::size_t> m_out{0};
};

}  // namespace sekisho::recording
