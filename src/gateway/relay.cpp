// Order: events of an end → data, requests and their answers, EOF, CLOSE; then credit; then what the gateway itself says.
#include "gateway/relay.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/text.h"
#include "wire/limits.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

/// Must reach a command that does not read: not behind data that its window holds back.
bool overtakes(std::string_view type) { return type == "signal" || type == "break" || type == "window-change"; }

/// What a session is made of is asked for before it starts, where policy and the key's options are heard (SessionChannel). Asked for
/// later it reaches no target: RFC 4254 §6.5 lets one program run in a channel, and not every server holds to it.
bool belongs_before_the_start(std::string_view type) {
    return type == "shell" || type == "exec" || type == "subsystem" || type == "pty-req" || type == "env" ||
           type == "x11-req" || type == "auth-agent-req@openssh.com";
}

/// Some clients send keepalives on a channel. The answer is ours, and says that we are there.
bool is_keepalive(std::string_view type) { return type.starts_with("keepalive@"); }

}  // namespace

Relay::Relay(RelayOwner& owner, SessionRecord& record, std::uint32_t record_channel, Hop& first,
    ssh::ChannelId first_channel, bool first_is_client)
    : m_owner(owner), m_record(record), m_record_channel(record_channel), m_first_is_client(first_is_client), m_first(*this),
      m_second(*this) {
    m_first.hop = &first;
    m_first.channel = first_channel;
}

Relay::~Relay() {
    for (End* end : {&m_first, &m_second}) {
        if (end->hop == nullptr || end->ended) continue;
        end->hop->unroute(end->channel);
        close(*end);
    }
    record_closed();
}

void Relay::begin(std::size_t own_queued) {
    m_first.own_queued = m_first.queued = own_queued;
    m_first.hop->route(m_first.channel, m_first);
}

void Relay::connect(Hop& second, ssh::ChannelId channel) {
    m_second.hop = &second;
    m_second.channel = channel;
    second.route(channel, m_second);
    if (m_watch) m_watch->server_is(second.engine().peer_identification());
    if (m_files) m_files->server_is(second.engine().peer_identification());
    for (auto& item : std::exchange(m_waiting, {})) {
        if (m_second.ended) break;  // what the watch found before this item ended the channel
        switch (item.kind) {
            case Waiting::Kind::Data:
                if (m_watch) {
                    watched(m_first, item.stream, item.bytes);
                } else {
                    credit(m_first, second.write(channel, item.stream, BytesView(item.bytes)));
                }
                break;
            case Waiting::Kind::Request:
                second.submit(
                    ssh::SendRequest{channel, std::move(item.type), item.want_reply, std::move(item.bytes), false});
                break;
            case Waiting::Kind::Eof: pass_eof(m_second); break;
        }
    }
    m_waiting_requests = 0;
}

void Relay::first_event(ssh::Event& one) { event(m_first, one); }

void Relay::event(End& end, ssh::Event& event) {
    if (auto* bytes = std::get_if<ssh::Data>(&event)) return data(end, *bytes);
    if (const auto* more = std::get_if<ssh::Sent>(&event)) return sent(end, more->count);
    if (const auto* asked = std::get_if<ssh::ChannelRequested>(&event)) return request(end, *asked);
    if (const auto* reply = std::get_if<ssh::RequestReplied>(&event)) return replied(other(end), reply->success);
    if (std::holds_alternative<ssh::EofReceived>(event)) return eof(end);
    if (std::holds_alternative<ssh::CloseReceived>(event)) return close_received(end);
    if (std::holds_alternative<ssh::ChannelEnded>(event)) {
        end.ended = true;
        if (other(end).close_received) close(other(end));
        check_ended();
    }
}

// --- data ---

void Relay::data(End& from, ssh::Data& data) {
    const bool client = is_client(from);
    const auto stream = client                                   ? recording::Stream::Input
                        : data.stream == ssh::DataStream::Stderr ? recording::Stream::Stderr
                                                                 : recording::Stream::Output;
    if (!client) answered();
    End& to = other(from);
    // Of what a target says, the client gets what the watch lets through: that is what is recorded.
    if (m_watch && !client) return watched(from, data.stream, data.bytes);
    recorded(stream, data.bytes);
    if (to.hop == nullptr && !to.ended) {
        m_waiting.push_back({Waiting::Kind::Data, data.stream, {}, false, base::to_bytes(data.bytes)});
        return;
    }
    // Whoever closed wants no more; its sender must not stall for that.
    if (to.ended || to.close_sent) return credit(from, data.bytes.size());
    if (m_watch) return watched(from, data.stream, data.bytes);
    credit(from, to.hop->write(to.channel, data.stream, data.bytes, true));
}

// --- data, where sftp is narrowed ---

void Relay::watched(End& from, ssh::DataStream stream, BytesView bytes) {
    End& to = other(from);
    if (m_unreadable || to.ended || to.close_sent) return credit(from, bytes.size());
    from.owed += bytes.size();
    sftp::Output out;
    Result<void> done;
    if (stream == ssh::DataStream::Main) {
        done = is_client(from) ? m_watch->from_client(bytes, m_first.queued, out) : m_watch->from_server(bytes, m_first.queued, out);
    } else if (!is_client(from)) {
        put(to, stream, bytes);  // what the server complains of; a client has nothing to say there
    }
    unwatched(done, out);
}

/// What the watch made of it goes on its way.
void Relay::unwatched(const Result<void>& watched, const sftp::Output& out) {
    for (const auto& refused : out.refused) m_owner.relay_refused(refused);
    put(m_second, ssh::DataStream::Main, out.to_server);
    put(m_first, ssh::DataStream::Main, out.to_client);
    settle_credit();
    if (!watched) {
        m_unreadable = true;
        return m_owner.relay_unreadable(watched.error().text);
    }
    if (m_eof_waits && m_watch->held() == 0) {
        m_eof_waits = false;
        pass_eof(m_second);
    }
}

void Relay::put(End& to, ssh::DataStream stream, BytesView bytes) {
    if (bytes.empty() || to.ended || to.close_sent) return;
    if (is_client(to)) {
        recorded(stream == ssh::DataStream::Stderr ? recording::Stream::Stderr : recording::Stream::Output, bytes);
    }
    to.queued += bytes.size() - to.hop->write(to.channel, stream, bytes);
}

/// An end is owed for all that it sent, except for as much as waits because of it.
void Relay::settle_credit() {
    const auto settle = [&](End& end, std::size_t waits) {
        const std::size_t count = end.owed - std::min(end.owed, waits);
        end.owed -= count;
        if (count > 0) credit(end, count);
    };
    settle(m_first, m_second.queued + m_watch->held());
    settle(m_second, m_first.queued);
}

void Relay::sent(End& end, std::size_t count) {
    const std::size_t own = std::min(count, end.own_queued);
    end.own_queued -= own;
    if (!m_watch) return credit(other(end), count - own);
    end.queued -= std::min(count, end.queued);
    if (!is_client(end) || m_unreadable) return settle_credit();
    sftp::Output out;
    const auto done = m_watch->client_reads(end.queued, out);
    unwatched(done, out);
}

void Relay::credit(End& end, std::size_t count) {
    if (end.ended || end.hop == nullptr) return;
    end.withheld += count;
    if (end.withheld == 0 || m_record.backlogged()) return;
    end.hop->submit(ssh::Credit{end.channel, std::exchange(end.withheld, 0)});
}

void Relay::release_credit() {
    credit(m_first, 0);
    credit(m_second, 0);
}

// --- requests ---

void Relay::request(End& from, const ssh::ChannelRequested& request) {
    m_record.request(m_record_channel, is_client(from), request.type, request.payload);
    if (is_keepalive(request.type)) {
        if (!request.want_reply) return;
        from.replies.push_back(Reply::Failure);
        return answer(from);
    }
    if (is_client(from) && belongs_before_the_start(request.type)) {
        m_record.audit("access.refused", request.type, "refused", "asked for when the channel had started already");
        if (!request.want_reply) return;
        from.replies.push_back(Reply::Failure);
        return answer(from);
    }
    pass_request(from, other(from), request.type, request.want_reply, base::to_bytes(request.payload));
}

void Relay::pass_request(End& from, End& to, std::string type, bool want_reply, Bytes payload) {
    if (to.ended || to.close_sent) {
        if (want_reply) from.replies.push_back(Reply::Failure);
        return answer(from);
    }
    if (want_reply) from.replies.push_back(Reply::Waiting);
    if (to.hop == nullptr) {
        m_waiting_requests += type.size() + payload.size() + sizeof(Waiting);
        if (m_waiting_requests > wire::limits::kQueuedRequestBytes) {
            from.hop->disconnect(
                ssh::DisconnectReason::ProtocolError, "Too many channel requests before the channel was ready.");
            return;
        }
        m_waiting.push_back({Waiting::Kind::Request, {}, std::move(type), want_reply, std::move(payload)});
        return;
    }
    const bool overtake = overtakes(type);
    to.hop->submit(ssh::SendRequest{to.channel, std::move(type), want_reply, std::move(payload), overtake});
}

void Relay::replay(std::string type, Bytes payload) {
    pass_request(m_first, m_second, std::move(type), false, std::move(payload));
}

void Relay::forward_request(std::string type, bool want_reply, Bytes payload) {
    pass_request(m_first, m_second, std::move(type), want_reply, std::move(payload));
}

void Relay::replied(End& to, bool success) {
    for (auto& reply : to.replies) {
        if (reply != Reply::Waiting) continue;
        reply = success ? Reply::Success : Reply::Failure;
        break;
    }
    answer(to);
    if (&to == &m_first) answered();
}

/// Answers leave in the order in which they were asked for, ours and the other end's.
void Relay::answer(End& end) {
    std::size_t known = 0;
    while (known < end.replies.size() && end.replies[known] != Reply::Waiting) {
        if (!end.ended) end.hop->submit(ssh::ReplyRequest{end.channel, end.replies[known] == Reply::Success});
        ++known;
    }
    end.replies.erase(end.replies.begin(), end.replies.begin() + static_cast<std::ptrdiff_t>(known));
}

void Relay::answered() {
    if (m_answered) return;
    m_answered = true;
    m_owner.relay_answered();
}

// --- the end ---

void Relay::eof(End& from) {
    m_record.eof(m_record_channel, is_client(from));
    End& to = other(from);
    if (to.ended || to.close_sent) return;
    if (to.hop == nullptr) {
        m_waiting.push_back({Waiting::Kind::Eof, {}, {}, false, {}});
    } else if (m_watch && is_client(from) && m_watch->held() > 0) {
        m_eof_waits = true;
    } else {
        pass_eof(to);
    }
}

void Relay::pass_eof(End& to) {
    if (!to.ended && !to.close_sent) to.hop->submit(ssh::SendEof{to.channel});
}

void Relay::close_received(End& from) {
    End& to = other(from);
    if (to.hop != nullptr) {
        close(to);
    } else {
        to.ended = true;  // never opened: there is nothing to close
    }
    // A client closes as soon as both directions saw EOF; the exit status of its command may still be on its way, and must get
    // there before our CLOSE does (RFC 4254 §6.10). The target's CLOSE, or its end, lets ours go.
    if (is_client(from) && !to.ended && !to.close_received) {
        from.close_received = true;
        return;
    }
    from.close_received = true;
    close(from);
}

void Relay::close(End& end) {
    if (end.close_sent || end.ended) return;
    end.close_sent = true;
    end.hop->submit(ssh::CloseChannel{end.channel});
}

void Relay::hop_gone(Hop& hop) {
    for (End* end : {&m_first, &m_second}) {
        if (end->hop == &hop) end->ended = true;
    }
    record_closed();
    if (m_first.ended && m_second.hop != nullptr) close(m_second);
    if (m_first.ended && m_second.hop == nullptr) m_second.ended = true;
    check_ended();
}

void Relay::check_ended() {
    if (!ended() || m_told) return;
    m_told = true;
    record_closed();
    m_owner.relay_ended();
}

void Relay::recorded(recording::Stream stream, BytesView bytes) {
    m_record.data(m_record_channel, stream, bytes);
    if (m_files && stream != recording::Stream::Stderr) m_files->passes(stream == recording::Stream::Input, bytes);
}

void Relay::record_closed() {
    if (std::exchange(m_recorded_closed, true)) return;
    if (m_files) m_files->ended();
    m_record.channel_closed(m_record_channel);
}

// --- what the gateway says ---

void Relay::notice(std::string_view text, bool to_stderr) {
    if (m_first.ended || m_first.close_sent) return;
    m_record.data(m_record_channel, recording::Stream::Notice, base::view(text));
    // Nobody's window pays for these bytes, so that Sent for them must credit nobody.
    const auto stream = to_stderr ? ssh::DataStream::Stderr : ssh::DataStream::Main;
    const std::size_t queued = text.size() - m_first.hop->write(m_first.channel, stream, base::view(text));
    m_first.own_queued += queued;
    m_first.queued += queued;
}

void Relay::second_lost(std::string_view text, bool terminal) {
    m_second.ended = true;
    for (auto& reply : m_first.replies) {
        if (reply == Reply::Waiting) reply = Reply::Success;
    }
    if (!m_first.ended && !m_first.close_sent) {
        answer(m_first);
        notice(terminal ? for_terminal(fmt::format("\n{}\n", text)) : fmt::format("{}\n", text), !terminal);
        m_first.hop->submit(ssh::SendRequest{m_first.channel, "exit-status", false, wire::Writer().u32(255).take(), false});
        m_first.hop->submit(ssh::SendEof{m_first.channel});
        close(m_first);
    }
    check_ended();
}

void Relay::second_gone() {
    m_second.ended = true;
    if (!m_first.ended) close(m_first);
    check_ended();
}

}  // namespace sekisho::gateway
