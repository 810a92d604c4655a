// Stream: a two-way flow of bytes on one loop, not blocking: a TCP connection here, a channel of another hop where routes
// need it. It holds no buffer while idle: bytes are read into the loop's scratch buffer, and only the tail that its handler
// could not use yet (part of a packet) is kept. Owned by a hop or a forward. Loop thread only.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace sekisho::net {

class StreamHandler {
public:
    /// Bytes arrived (behind those left last time). Returns how many were used up; the rest comes again in front of the next.
    /// The memory may be changed, and 64 bytes around it. The handler may destroy the stream.
    virtual std::size_t stream_read(MutableBytes bytes) = 0;
    /// send() took less than it was given, and can take more now.
    virtual void stream_writable() = 0;
    /// The peer sends no more (half-close). Sending may go on.
    virtual void stream_ended() = 0;
    /// The connection is gone.
    virtual void stream_broken(const Error& error) = 0;
    /// The most to read in one go, at least 1.
    virtual std::size_t stream_room() { return std::size_t{256} * 1024; }

protected:
    ~StreamHandler() = default;
};

class Stream {
public:
    virtual ~Stream() = default;
    /// Begins to read. Another handler may take over: it is told if the peer has ended already.
    virtual void start(StreamHandler& handler) = 0;
    /// Takes what the system takes now; after a short count stream_writable follows.
    virtual Result<std::size_t> send(BytesView bytes) = 0;
    /// As send(), where the stream is destroyed next: what it takes leaves together with the end.
    virtual Result<std::size_t> send_last(BytesView bytes) { return send(bytes); }
    virtual void pause() = 0;
    virtual void resume() = 0;
    /// Tells the peer now, not when the system finds it convenient, that its bytes have come.
    virtual void acknowledge() {}
    /// Fewer bytes than this are of no use: they need not be told of before, only acknowledged. 1 at first.
    virtual void wait_for(std::size_t /*bytes*/) {}
    /// Whether its bytes are read patiently (Loop::patiently); not at first.
    virtual void be_patient(bool) {}
    /// No more bytes from us.
    virtual void end_sending() = 0;
    virtual Endpoint peer() const = 0;
    virtual Endpoint local() const = 0;
};

/// Takes over a connected, non-blocking socket.
std::unique_ptr<Stream> make_socket_stream(Loop& loop, int fd);

}  // namespace sekisho::net
