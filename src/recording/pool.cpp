#include "recording/pool.h"

namespace sekisho::recording {

BufferPool::Size& BufferPool::size_for(std::size_t least) {
    for (Size& size : m_sizes) {
        if (least <= size.capacity) return size;
    }
    return m_sizes.back();
}

Buffer BufferPool::take(std::size_t least) {
    Buffer buffer;
    {
        const std::lock_guard lock(m_mutex);
        Size& size = size_for(least);
        buffer.capacity = size.capacity;
        if (!size.waiting.empty()) {
            buffer.data = std::move(size.waiting.back());
            size.waiting.pop_back();
        }
    }
    m_out.fetch_add(buffer.capacity, std::memory_order_relaxed);
    if (!buffer.data) buffer.data = std::make_unique_for_overwrite<std::byte[]>(buffer.capacity);
    return buffer;
}

void BufferPool::give(Buffer buffer) {
    if (!buffer) return;
    m_out.fetch_sub(buffer.capacity, std::memory_order_relaxed);
    const std::lock_guard lock(m_mutex);
    Size& size = size_for(buffer.capacity);
    if (size.waiting.size() < size.kept) size.waiting.push_back(std::move(buffer.data));
}

}  // namespace sekisho::recording
