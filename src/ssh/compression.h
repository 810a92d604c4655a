// Compression of packets: "zlib@openssh.com" (OpenSSH PROTOCOL §1.2; RFC 4253 §6.2 with the start delayed until the user is
// signed in). One context for each direction, made at its first packet and dropped with the keys; between the message layers
// and the cipher. Owned by PacketReader and PacketWriter. No IO.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::ssh {

inline constexpr std::string_view kDelayedZlib = "zlib@openssh.com";

class Deflate {
public:
    Deflate();
    ~Deflate();
    Deflate(const Deflate&) = delete;
    Deflate& operator=(const Deflate&) = delete;

    /// `payload` compressed and flushed, so that the peer can read it to its last byte. Valid until this thread's next call.
    BytesView pack(BytesView payload);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

class Inflate {
public:
    Inflate();
    ~Inflate();
    Inflate(const Inflate&) = delete;
    Inflate& operator=(const Inflate&) = delete;

    /// What `packed` says, at most `most` bytes: more is an error, and is never made. Valid until the next call or drop(); the
    /// memory around it may be overwritten as with a packet that was decrypted in place (Engine::kHeadroom, kTailroom).
    Result<MutableBytes> unpack(BytesView packed, std::size_t most);
    /// Gives the memory of the last payload back: an idle connection holds zlib's window and no buffer.
    void drop() { m_block.reset(); }

private:
    MutableBytes room() const;
    void grow(std::size_t used, std::size_t size);

    struct State;
    std::unique_ptr<State> m_state;
    std::unique_ptr<std::byte[]> m_block;
    std::size_t m_size = 0;  // of the payload's room in it
};

}  // namespace sekisho::ssh
