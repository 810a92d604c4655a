// Engine: one SSH connection, either role, without IO (docs/ARCHITECTURE.md, "the seam"). Bytes and time go in, events and
// bytes come out; no socket, file, thread or clock inside. Owned by one hop of the gateway (or by a test) and used from one
// thread. Layers below it, in the order a byte takes: identification → packet → kex → auth → channels.
//
//   loop:  n = feed(buffer, now)   // consumes at most one packet; 0: needs more bytes
//          while (e = next_event()) …  // views in e are valid until there is no further event
//   and:   send output(), then consume_output(); call advance(now) at next_deadline().
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "ssh/commands.h"
#include "ssh/config.h"
#include "ssh/events.h"

namespace sekisho::ssh {

class Engine {
public:
    /// Room that write() may overwrite when told so: before the bytes (a CHANNEL_DATA header; 4 more for stderr), and behind
    /// them (padding). Data::bytes of another engine has this room when it is written to the same kind of stream.
    static constexpr std::size_t kHeadroom = 14;
    static constexpr std::size_t kTailroom = 20;

    Engine(Config config, TimePoint now);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// Takes what it can from the front of `input`: at most one line or packet, decrypted in place. Returns the bytes consumed; 0
    /// means that more are needed. After an error (or Disconnected) the connection is over: output() still holds the goodbye.
    Result<std::size_t> feed(MutableBytes input, TimePoint now);

    /// The next fact, oldest first.
    std::optional<Event> next_event();

    /// Carries out a decision. An error means the peer's connection is over (as in feed); a command for a channel that ended
    /// meanwhile is ignored, because the two sides of a relay cannot know of each other's end in time.
    Result<void> submit(Command command);

    /// Sends channel data. Returns how many bytes went into packets at once; the rest is copied and follows as the peer's window,
    /// the exchange and the output's high water allow (event Sent). `scribble`: kHeadroom bytes before (4 more for stderr) and
    /// kTailroom bytes behind `bytes` may be overwritten, which saves a copy (true for Data::bytes of another engine).
    std::size_t write(ChannelId channel, DataStream stream, MutableBytes bytes, bool scribble);
    /// The same for memory that must stay as it is.
    std::size_t write(ChannelId channel, DataStream stream, BytesView bytes);

    /// Bytes to send to the peer.
    BytesView output() const;
    /// `n` bytes were sent; queued channel data may follow into the output, and Sent events with it.
    void consume_output(std::size_t n);

    /// When advance() wants to be called, if ever (login grace, rekey by time).
    std::optional<TimePoint> next_deadline() const;
    void advance(TimePoint now);

    /// A fresh number for OpenChannel. Fails when the connection has its most channels.
    Result<ChannelId> new_channel();

    // --- facts ---
    bool over() const;
    bool authenticated() const;
    /// The peer signs in and waits for what the owner was asked (a signature, a decision): it has nothing to say before that.
    bool owes_answer() const;
    /// With fewer bytes than this from the peer there is nothing to do or to answer: at least 1. Where it is more, the peer owes us what
    /// comes behind the first of them in any case.
    std::size_t awaits() const;
    const std::string& peer_identification() const;
    /// The peer's current window for this channel.
    std::size_t writable(ChannelId channel) const;
    /// Bytes that write() has queued for this channel and not yet sent.
    std::size_t queued(ChannelId channel) const;
    /// Exchange hash of the first exchange; empty before.
    BytesView session_id() const;
    std::uint64_t rekeys() const;
    std::uint64_t bytes_received() const;
    std::uint64_t bytes_sent() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace sekisho::ssh
