#include "gateway/key_link.h"

#include <fcntl.h>

#include <utility>

#include "base/log.h"
#include "base/secret.h"
#include "gateway/text.h"

namespace sekisho::gateway {

namespace {
constexpr std::size_t kMostReason = 300;
}

KeyLink::~KeyLink() { m_loop.forget(*this); }

void KeyLink::adopt(int fd) {
    lost("another keyholder took over");
    ++m_generation;
    (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    m_stream = net::make_socket_stream(m_loop, fd);
    m_stream->start(*this);
}

// --- requests ---

void KeyLink::sign_exchange(std::size_t key, const std::string& algorithm, BytesView hash, Done done) {
    ask(keyholder::SignExchange{static_cast<std::uint32_t>(key), algorithm, base::to_bytes(hash)}, "host signature", true,
        std::move(done));
}

void KeyLink::prove_host_key(std::size_t key, const std::string& algorithm, BytesView session_id, Done done) {
    ask(keyholder::ProveHostKey{static_cast<std::uint32_t>(key), algorithm, base::to_bytes(session_id)}, "host key proof",
        true, std::move(done));
}

void KeyLink::certify(const keyholder::CertificateWish& wish, Done done) {
    ask(wish, "user certificate", false, std::move(done));
}

void KeyLink::certify_host(const keyholder::HostCertificateWish& wish, Done done) {
    ask(wish, "host certificate", false, std::move(done));
}

void KeyLink::change_user_ca(model::CaStep step, Done done) {
    ask(keyholder::ChangeUserCa{step}, "step of the user CA", false, std::move(done));
}

void KeyLink::wrap_secret(keyholder::WrapSecret secret, Done done) {
    ask(std::move(secret), "credential", false, std::move(done));
}

void KeyLink::sign_as_stored(
    const keyholder::StoredCredential& credential, const std::string& algorithm, BytesView data, Done done) {
    ask(keyholder::SignAsStored{credential, algorithm, base::to_bytes(data)}, "signature of a stored key", false,
        std::move(done));
}

void KeyLink::open_password(const keyholder::StoredCredential& credential, Done done) {
    ask(keyholder::OpenPassword{credential}, "stored password", false, std::move(done));
}

void KeyLink::ask(keyholder::Request request, const char* what, bool host_key, Done done) {
    if (!m_stream) {
        m_loop.post([done = std::move(done)] { done(fail(kCannotSign, "there is no keyholder at the moment")); });
        return;
    }
    const std::uint64_t ticket = ++m_last_ticket;
    const Bytes frame = keyholder::encode(ticket, request);
    m_output.insert(m_output.end(), frame.begin(), frame.end());
    m_asked.emplace(ticket, Asked{std::move(done), what, host_key});
    m_loop.at_turn_end(*this);
}

void KeyLink::turn_ended() {
    if (!m_stream || m_blocked || m_output.empty()) return;
    const auto sent = m_stream->send(m_output);
    if (!sent) {
        // Who waits is told in a turn of its own.
        m_loop.post([this, of = m_generation, reason = sent.error().full()] {
            if (of == m_generation) lost(reason);
        });
        return;
    }
    m_blocked = *sent < m_output.size();
    m_output.erase(m_output.begin(), m_output.begin() + static_cast<std::ptrdiff_t>(*sent));
}

void KeyLink::stream_writable() {
    m_blocked = false;
    m_loop.at_turn_end(*this);
}

// --- replies ---

std::size_t KeyLink::stream_read(MutableBytes bytes) {
    std::size_t used = 0;
    while (true) {
        const auto frame = keyholder::next_frame(BytesView(bytes).subspan(used), keyholder::kMostReply);
        if (frame && !*frame) return used;
        auto reply = frame ? keyholder::decode_reply(**frame) : std::unexpected(frame.error());
        if (!reply) {
            lost(reply.error().full());
            return bytes.size();
        }
        const std::size_t size = keyholder::kFrameHeader + (*frame)->size();
        base::wipe(bytes.subspan(used, size));  // it may hold a password, which the reply has now
        used += size;
        answered(std::move(*reply));
        if (!m_stream) return bytes.size();
    }
}

void KeyLink::answered(keyholder::Reply reply) {
    auto asked = m_asked.extract(reply.ticket);
    if (!reply.answer) {
        model::AuditRecord record;
        record.kind = "keyholder.refused";
        record.subject = asked.empty() ? "a request that the gateway did not make" : asked.mapped().what;
        record.outcome = "refused";
        record.reason = shown(reply.answer.error().text, kMostReason);
        log::error("keyholder.refused", {{"subject", record.subject}, {"reason", record.reason}});
        m_store.audit(std::move(record));
    }
    if (asked.empty()) return;
    if (reply.answer && asked.mapped().host_key) m_host_signatures.fetch_add(1, std::memory_order_relaxed);
    asked.mapped().done(std::move(reply.answer));
}

// --- the end ---

void KeyLink::stream_ended() { lost("the keyholder ended"); }
void KeyLink::stream_broken(const Error& error) { lost(error.full()); }

void KeyLink::lost(const std::string& reason) {
    m_stream.reset();
    m_output.clear();
    m_blocked = false;
    for (auto& [ticket, asked] : std::exchange(m_asked, {})) asked.done(fail(kCannotSign, reason));
}

}  // namespace sekisho::gateway
