#include "keyholder/evidence_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "base/log.h"

namespace sekisho::keyholder {
namespace {

constexpr std::size_t kMostPosition = 128;

std::string position_path(const std::string& path) { return path + ".signed"; }

/// What was signed last; nothing where it was never kept.
Result<evidence::ChainHead> read_position(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) return evidence::ChainHead{};
    std::ifstream file(path, std::ios::binary);
    std::string text(kMostPosition, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    if (text.ends_with('\n')) text.pop_back();
    const auto position = evidence::parse_position(text);
    if (!position) return fail(path + " is damaged; without it the next checkpoint cannot say what was signed before it");
    return *position;
}

/// By another name and a rename: whoever is killed in the middle leaves the one before, and so does a power failure, which may also take
/// the rename back: the chain's check wants what was signed before to be in the chain, not that it was the last.
Result<void> write_position(const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fail("cannot write " + fresh, std::strerror(errno));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    const int error = errno;
    ::close(fd);
    if (!written) return fail("cannot write " + fresh, std::strerror(error));
    if (::rename(fresh.c_str(), path.c_str()) != 0) return fail("cannot rename " + fresh, std::strerror(errno));
    return {};
}

Result<evidence::Signature> signature(const keys::PrivateKey& key, BytesView message) {
    const auto blob = key.sign("ssh-ed25519", message);
    if (!blob) return std::unexpected(blob.error());
    const auto raw = evidence::raw_signature(*blob);
    if (!raw) return fail("the evidence key cannot sign");
    return *raw;
}

/// As a signature says it: in milliseconds.
WallTime rounded(WallTime time) { return base::from_unix_milliseconds(base::unix_milliseconds(time)); }

}  // namespace

struct EvidenceKey::State {
    explicit State(keys::PrivateKey with) : key(std::move(with)) {}
    const keys::PrivateKey key;
    std::string path;  // of the position; empty: it is kept in memory only
    std::mutex mutex;
    evidence::ChainHead last;  // signed
};

EvidenceKey::EvidenceKey(keys::PrivateKey key) : m_state(std::make_shared<State>(std::move(key))) {}

Result<EvidenceKey> EvidenceKey::load(const std::string& path) {
    if (path.empty()) return EvidenceKey();
    if (::access(path.c_str(), F_OK) != 0) {
        const auto fresh = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
        if (const auto saved = keys::save_private_key(path, fresh, "sekisho evidence"); !saved) {
            log::error("keyholder.no_evidence_key", {{"reason", saved.error().full() + "; `sekisho init` makes it"}});
            return EvidenceKey();
        }
    }
    auto key = keys::load_private_key(path);
    if (!key) return fail("evidence key: " + key.error().text, key.error().detail);
    if (key->public_key().kind() != keys::KeyKind::Ed25519) return fail("evidence key: it is not of Ed25519");
    const auto last = read_position(position_path(path));
    if (!last) return fail("evidence key: " + last.error().text, last.error().detail);
    EvidenceKey evidence(std::move(*key));
    evidence.m_state->path = position_path(path);
    evidence.m_state->last = *last;
    return evidence;
}

std::optional<keys::PublicKey> EvidenceKey::public_key() const {
    if (!m_state) return std::nullopt;
    return m_state->key.public_key();
}

Result<Bytes> EvidenceKey::sign(const SignCheckpoint& wanted, WallTime now) const {
    if (!m_state) return fail("there is no evidence key");
    const std::lock_guard lock(m_state->mutex);
    const evidence::ChainHead& last = m_state->last;
    if (wanted.sequence == 0) return fail("a checkpoint of nothing");
    if (wanted.sequence < last.sequence) {
        return fail(fmt::format(
            "the audit records end at {}, and {} was signed before: some were cut off, or the store is an older copy",
            wanted.sequence, last.sequence));
    }
    if (wanted.sequence == last.sequence && wanted.hash != last.hash)
        return fail(fmt::format("audit record {} had another hash when it was signed", last.sequence));
    const evidence::Checkpoint statement{
        wanted.sequence, wanted.hash, last.sequence, last.sequence == 0 ? evidence::Digest{} : last.hash, rounded(now)};
    const auto made = signature(m_state->key, evidence::message(statement));
    if (!made) return std::unexpected(made.error());
    if (!m_state->path.empty()) {
        // Kept first: what was signed and forgotten could be signed again otherwise.
        const auto kept = write_position(m_state->path, evidence::position_text(wanted.sequence, wanted.hash));
        if (!kept) log::warn_limited("keyholder.position_not_kept", {{"reason", kept.error().full()}});
    }
    m_state->last = {wanted.sequence, wanted.hash};
    return encode(SignedCheckpoint{statement.before, statement.before_hash, statement.time, *made});
}

Result<Bytes> EvidenceKey::sign(const SignRecordings& wanted, WallTime now) const {
    if (!m_state) return fail("there is no evidence key");
    if (wanted.count == 0) return fail("a signature of no recordings");
    const evidence::RecordingsRoot statement{wanted.count, wanted.root, rounded(now)};
    const auto made = signature(m_state->key, evidence::message(statement));
    if (!made) return std::unexpected(made.error());
    return encode(SignedRoot{statement.time, *made});
}

}  // namespace sekisho::keyholder
