#include "gateway/evidence_link.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "keyholder/send_all.h"
#include "keys/public_key.h"

namespace sekisho::gateway {
namespace {

constexpr timeval kPatience{2, 0};

}  // namespace

Result<void> EvidenceLink::has(BytesView public_key) {
    if (public_key.empty()) return {};
    const auto key = keys::PublicKey::from_blob(public_key);
    if (!key) return std::unexpected(key.error());
    m_fingerprint = key->fingerprint();
    m_line = key->line("sekisho evidence");
    return {};
}

void EvidenceLink::adopt(keyholder::Descriptor link) {
    (void)::setsockopt(link.fd(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    (void)::setsockopt(link.fd(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    const std::lock_guard lock(m_mutex);
    m_link = std::move(link);
}

bool EvidenceLink::linked() const {
    const std::lock_guard lock(m_mutex);
    return m_link.open();
}

Result<evidence::Signed<evidence::Checkpoint>> EvidenceLink::sign(const evidence::ChainHead& head) {
    const auto answer = ask(keyholder::SignCheckpoint{head.sequence, head.hash});
    const auto made = answer ? keyholder::decode_checkpoint(*answer) : std::unexpected(answer.error());
    if (!made) return std::unexpected(made.error());
    return evidence::Signed<evidence::Checkpoint>{
        {head.sequence, head.hash, made->before, made->before_hash, made->time}, m_fingerprint, made->signature};
}

Result<evidence::Signed<evidence::RecordingsRoot>> EvidenceLink::sign(const evidence::Digest& root, std::uint32_t count) {
    const auto answer = ask(keyholder::SignRecordings{count, root});
    const auto made = answer ? keyholder::decode_root(*answer) : std::unexpected(answer.error());
    if (!made) return std::unexpected(made.error());
    return evidence::Signed<evidence::RecordingsRoot>{{count, root, made->time}, m_fingerprint, made->signature};
}

Result<Bytes> EvidenceLink::ask(const keyholder::Request& request) {
    const std::lock_guard lock(m_mutex);
    if (!m_link.open()) return fail("there is no keyholder at the moment");
    return exchange(request);
}

/// One question, one answer. Whatever else comes, or does not come, ends the link: an answer must never be taken for that to another
/// question.
Result<Bytes> EvidenceLink::exchange(const keyholder::Request& request) {
    const auto lost = [this](std::string reason) {
        m_link.reset();
        return fail("the keyholder does not answer", std::move(reason));
    };
    const std::uint64_t ticket = ++m_last_ticket;
    if (!keyholder::send_all(m_link.fd(), keyholder::encode(ticket, request))) return lost(std::strerror(errno));
    Bytes bytes(keyholder::kFrameHeader + keyholder::kMostReply);
    std::size_t have = 0;
    while (true) {
        const auto frame = keyholder::next_frame(BytesView(bytes).first(have), keyholder::kMostReply);
        if (!frame) return lost(frame.error().full());
        if (*frame) {
            auto reply = keyholder::decode_reply(**frame);
            if (!reply) return lost(reply.error().full());
            if (reply->ticket != ticket || (*frame)->size() + keyholder::kFrameHeader != have)
                return lost("an answer to another question");
            return std::move(reply->answer);
        }
        const ssize_t n = ::recv(m_link.fd(), bytes.data() + have, bytes.size() - have, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return lost(n == 0 ? "it ended" : std::strerror(errno));
        have += static_cast<std::size_t>(n);
    }
}

}  // namespace sekisho::gateway
