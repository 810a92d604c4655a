// OutputBuffer: the sealed bytes that wait for the socket. One contiguous block; none at all while idle: blocks go back to a
// small free list of the thread. Owned by PacketWriter.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace sekisho::ssh {

class OutputBuffer {
public:
    OutputBuffer() = default;
    ~OutputBuffer();
    OutputBuffer(OutputBuffer&& other) noexcept;
    OutputBuffer& operator=(OutputBuffer&&) = delete;

    /// Room for `n` more bytes at the end; they count as written. Valid until the next call.
    MutableBytes append(std::size_t n);
    BytesView bytes() const { return {m_block.get() + m_begin, m_end - m_begin}; }
    std::size_t size() const { return m_end - m_begin; }
    void consume(std::size_t n);

private:
    void grow(std::size_t n);

    std::unique_ptr<std::byte[]> m_block;
    std::size_t m_capacity = 0;
    std::size_t m_begin = 0;
    std::size_t m_end = 0;
};

}  // namespace sekisho::ssh
