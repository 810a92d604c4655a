#include "ssh/output_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "wire/limits.h"

namespace sekisho::ssh {
namespace {

constexpr std::size_t kSmallBlock = 4096;
// Channel data stops at the high water; one full packet and some control messages come on top of it.
constexpr std::size_t kLargeBlock = wire::limits::kOutputHighWater + 96 * 1024;
constexpr std::size_t kKeptBlocks = 4;  // of each size

using Blocks = std::vector<std::unique_ptr<std::byte[]>>;

/// Blocks of this size that went out of use; nullptr where none are kept. A fresh large one costs page faults at every wake-up; a small
/// one is more than the allocator has at hand, and each answer of a sign-in needs it.
Blocks* free_blocks(std::size_t size) {
    thread_local Blocks small, large;
    if (size == kSmallBlock) return &small;
    return size == kLargeBlock ? &large : nullptr;
}

std::unique_ptr<std::byte[]> take_block(std::size_t size) {
    Blocks* blocks = free_blocks(size);
    if (blocks == nullptr || blocks->empty()) return std::make_unique_for_overwrite<std::byte[]>(size);
    std::unique_ptr<std::byte[]> block = std::move(blocks->back());
    blocks->pop_back();
    return block;
}

void give_block(std::unique_ptr<std::byte[]> block, std::size_t size) {
    Blocks* blocks = free_blocks(size);
    if (blocks != nullptr && blocks->size() < kKeptBlocks) blocks->push_back(std::move(block));
}

}  // namespace

OutputBuffer::~OutputBuffer() {
    if (m_block) give_block(std::move(m_block), m_capacity);
}

OutputBuffer::OutputBuffer(OutputBuffer&& other) noexcept
    : m_block(std::move(other.m_block)), m_capacity(std::exchange(other.m_capacity, 0)), m_begin(std::exchange(other.m_begin, 0)),
      m_end(std::exchange(other.m_end, 0)) {}

MutableBytes OutputBuffer::append(std::size_t n) {
    if (m_capacity - m_end < n) grow(n);
    const MutableBytes room{m_block.get() + m_end, n};
    m_end += n;
    return room;
}

void OutputBuffer::grow(std::size_t n) {
    const std::size_t used = size();
    const std::size_t wanted = used + n;
    if (wanted <= m_capacity && m_begin >= m_capacity / 2) {
        std::memmove(m_block.get(), m_block.get() + m_begin, used);
    } else {
        std::size_t capacity = wanted <= kSmallBlock ? kSmallBlock : kLargeBlock;
        while (capacity < wanted) capacity *= 2;
        if (capacity <= m_capacity) capacity = m_capacity * 2;
        std::unique_ptr<std::byte[]> block = take_block(capacity);
        if (used > 0) std::memcpy(block.get(), m_block.get() + m_begin, used);
        if (m_block) give_block(std::move(m_block), m_capacity);
        m_block = std::move(block);
        m_capacity = capacity;
    }
    m_begin = 0;
    m_end = used;
}

void OutputBuffer::consume(std::size_t n) {
    SEKISHO_ASSERT(n <= size());
    m_begin += n;
    if (m_begin < m_end) return;
    m_begin = m_end = 0;
    if (m_block) give_block(std::exchange(m_block, nullptr), std::exchange(m_capacity, 0));
}

}  // namespace sekisho::ssh
