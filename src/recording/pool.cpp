#include "recording/pool.h"

namespace sekisho::recording {

Buffer BufferPool::take(bool large) {
    Buffer buffer;
    buffer.capacity = large ? kLarge : kSmall;
    m_out.fetch_add(buffer.capacity, std::memory_order_relaxed);
    {
        const std::lock_guard lock(m_mutex);
        auto& kept = large ? m_large : m_small;
        if (!kept.empty()) {
            buffer.data = std::move(kept.back());
            kept.pop_back();
        }
    }
    if (!buffer.data) buffer.data = std::make_unique_for_overwrite<std::byte[]>(buffer.capacity);
    return buffer;
}

void BufferPool::give(Buffer buffer) {
    if (!buffer) return;
    m_out.fetch_sub(buffer.capacity, std::memory_order_relaxed);
    const bool large = buffer.capacity == kLarge;
    const std::lock_guard lock(m_mutex);
    auto& kept = large ? m_large : m_small;
    if (kept.size() < (large ? kKeptLarge : kKeptSmall)) kept.push_back(std::move(buffer.data));
}

}  // namespace sekisho::recording
