// Relay: two channels of two hops tied together. Data goes to the recording first, then to the other end; requests, EOF and CLOSE
// keep their place in the order; a window is credited only by what the other end took. One end exists from the start (the one
// that was opened towards us), the other is connected later: what comes before waits here, bounded by the first end's window,
// because nothing of it is credited. Owned by the front hop's channels and by TargetHop's agent channels; loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/file_audit.h"
#include "gateway/hop.h"
#include "gateway/session_record.h"
#include "sftp/watch.h"

namespace sekisho::gateway {

class RelayOwner {
public:
    /// The target answered the first request that the client waited for, or sent data: it runs. Called once, before the data.
    virtual void relay_answered() {}
    /// The watch refused something to the client.
    virtual void relay_refused(const sftp::Refused&) {}
    /// What passes is not what the watch can read, and it goes no further: the owner ends the channel with this text. Called once.
    virtual void relay_unreadable(const std::string&) {}
    /// Both ends are closed; the owner may go, but not inside this call.
    virtual void relay_ended() = 0;

protected:
    ~RelayOwner() = default;
};

class Relay {
public:
    /// `first` is open; `first_is_client` tells the recording who speaks. `record_channel`: from SessionRecord::channel_opened.
    Relay(RelayOwner& owner, SessionRecord& record, std::uint32_t record_channel, Hop& first, ssh::ChannelId first_channel,
        bool first_is_client);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// The first end is the client's, and sftp runs in the channel: nothing passes but through a watch. Before begin().
    void watch(sftp::Limits limits) { m_watch = std::make_unique<sftp::Watch>(std::move(limits)); }
    /// The first end is the client's: somebody reads along in what is recorded. Before begin().
    void audit_files(FileAudit::Plan plan) { m_files = std::make_unique<FileAudit>(m_record, m_record_channel, std::move(plan)); }
    /// Events of the first end, from now on. `own_queued`: bytes of the gateway's own words that still wait there.
    void begin(std::size_t own_queued = 0);
    /// The second end is open: what waited goes there.
    void connect(Hop& second, ssh::ChannelId channel);
    bool connected() const { return m_second.hop != nullptr; }

    /// Queues a request for the second end whose answer nobody waits for (replayed ones).
    void replay(std::string type, Bytes payload);
    /// A request of the first end that waits for its answer, when `want_reply`, from the second.
    void forward_request(std::string type, bool want_reply, Bytes payload);

    /// Events taken from elsewhere (before begin()).
    void first_event(ssh::Event& event);

    /// The gateway's own words to the first end, recorded.
    void notice(std::string_view text, bool to_stderr);
    /// The hop of the second end broke: tells the first end, with exit status 255, and closes it.
    void second_lost(std::string_view text, bool terminal);
    /// The same without words, for foreign protocols.
    void second_gone();
    /// The hop of one end is gone: nothing more is sent there.
    void hop_gone(Hop& hop);
    /// The recording takes data again.
    void release_credit();
    bool ended() const { return m_first.ended && m_second.ended; }

private:
    enum class Reply { Waiting, Success, Failure };

    struct End final : ChannelSink {
        explicit End(Relay& owner) : relay(owner) {}
        void channel_event(Hop&, ssh::Event& event) override { relay.event(*this, event); }

        Relay& relay;
        Hop* hop = nullptr;
        ssh::ChannelId channel;
        bool close_received = false;
        bool close_sent = false;
        bool ended = false;
        std::size_t withheld = 0;  // credit that the recording's backlog holds back
        std::size_t own_queued = 0;  // bytes of the gateway's own words among those that wait to be sent here
        // Where a watch stands between the ends, what goes out is not what came in, and both are counted:
        std::size_t owed = 0;  // bytes that came and were not credited
        std::size_t queued = 0;  // bytes that wait to be sent here
        std::vector<Reply> replies;  // what this end's peer waits for, in order
    };

    struct Waiting {
        enum class Kind { Data, Request, Eof } kind;
        ssh::DataStream stream{};
        std::string type;
        bool want_reply = false;
        Bytes bytes;
    };

    End& other(End& end) { return &end == &m_first ? m_second : m_first; }
    bool is_client(const End& end) const { return (&end == &m_first) == m_first_is_client; }
    void event(End& end, ssh::Event& event);
    void data(End& from, ssh::Data& data);
    void watched(End& from, ssh::DataStream stream, BytesView bytes);
    void unwatched(const Result<void>& watched, const sftp::Output& out);
    void put(End& to, ssh::DataStream stream, BytesView bytes);
    void settle_credit();
    void request(End& from, const ssh::ChannelRequested& request);
    void pass_request(End& from, End& to, std::string type, bool want_reply, Bytes payload);
    void replied(End& to, bool success);
    void answer(End& end);
    void eof(End& from);
    void pass_eof(End& to);
    void close_received(End& from);
    void close(End& end);
    void sent(End& end, std::size_t count);
    void credit(End& end, std::size_t count);
    void answered();
    void recorded(recording::Stream stream, BytesView bytes);
    void record_closed();
    void check_ended();

    RelayOwner& m_owner;
    SessionRecord& m_record;
    std::uint32_t m_record_channel;
    bool m_first_is_client;
    bool m_answered = false;
    bool m_told = false;
    bool m_recorded_closed = false;
    bool m_eof_waits = false;  // the client's, behind what the watch holds
    bool m_unreadable = false;
    std::unique_ptr<sftp::Watch> m_watch;  // mostly none
    std::unique_ptr<FileAudit> m_files;  // mostly none
    End m_first;
    End m_second;
    std::vector<Waiting> m_waiting;  // for the second end
    std::size_t m_waiting_requests = 0;  // bytes of requests in it
};

}  // namespace sekisho::gateway
