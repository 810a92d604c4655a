#include "evidence/statement.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::evidence {
namespace {

constexpr std::string_view kAlgorithm = "ssh-ed25519";

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <std::size_t kSize>
std::optional<std::array<std::byte, kSize>> exactly(const std::optional<Bytes>& bytes) {
    if (!bytes || bytes->size() != kSize) return std::nullopt;
    std::array<std::byte, kSize> out{};
    std::ranges::copy(*bytes, out.begin());
    return out;
}

std::uint64_t milliseconds(WallTime time) { return static_cast<std::uint64_t>(base::unix_milliseconds(time)); }

/// "name=value name=value …"
std::map<std::string_view, std::string_view> members(std::string_view text) {
    std::map<std::string_view, std::string_view> all;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (const auto equals = word.find('='); equals != std::string_view::npos)
            all.emplace(word.substr(0, equals), word.substr(equals + 1));
    }
    return all;
}

}  // namespace

Bytes message(const Checkpoint& checkpoint) {
    wire::Writer out(160);
    out.string("sekisho audit checkpoint 1").u64(checkpoint.sequence).raw(checkpoint.hash);
    return out.u64(checkpoint.before).raw(checkpoint.before_hash).u64(milliseconds(checkpoint.time)).take();
}

Bytes message(const RecordingsRoot& root) {
    return wire::Writer().string("sekisho recordings 1").u32(root.count).raw(root.root).u64(milliseconds(root.time)).take();
}

std::optional<Signature> raw_signature(BytesView blob) {
    wire::Reader in(blob);
    if (in.text() != kAlgorithm) return std::nullopt;
    return exactly<64>(base::to_bytes(in.string()));
}

// --- keys ---

Result<EvidenceKeys> EvidenceKeys::parse(std::string_view text) {
    EvidenceKeys keys;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        const auto key = keys::PublicKey::from_line(line);
        if (!key) return fail("this is no evidence key: " + key.error().text);
        if (auto added = keys.add(*key); !added) return std::unexpected(added.error());
    }
    if (keys.empty()) return fail("no evidence key stands there");
    return keys;
}

Result<void> EvidenceKeys::add(const keys::PublicKey& key) {
    if (key.kind() != keys::KeyKind::Ed25519) return fail("an evidence key is of Ed25519");
    m_keys.push_back({key.fingerprint(), key});
    return {};
}

const EvidenceKeys::Known* EvidenceKeys::find(std::string_view fingerprint) const {
    const auto found = std::ranges::find(m_keys, fingerprint, &Known::fingerprint);
    return found == m_keys.end() ? nullptr : &*found;
}

bool EvidenceKeys::verify(std::string_view fingerprint, BytesView message, const Signature& signature) const {
    const Known* known = find(fingerprint);
    if (!known) return false;
    const Bytes blob = wire::Writer().string(kAlgorithm).string(signature).take();
    return known->key.verify(kAlgorithm, message, blob).has_value();
}

// --- as a record ---

model::AuditRecord checkpoint_record(const Signed<Checkpoint>& checkpoint) {
    const Checkpoint& said = checkpoint.statement;
    model::AuditRecord record;
    record.time = said.time;
    record.kind = kCheckpointKind;
    record.subject = std::to_string(said.sequence);
    record.outcome = "ok";
    record.reason = fmt::format("hash={} before={} time={} key={} signature={}", base::hex(said.hash),
        position_text(said.before, said.before_hash), milliseconds(said.time), checkpoint.key,
        base::base64(checkpoint.signature));
    return record;
}

std::optional<Signed<Checkpoint>> read_checkpoint(const model::AuditRecord& record) {
    auto said = members(record.reason);
    const auto sequence = number(record.subject);
    const auto hash = exactly<32>(base::from_hex(said["hash"]));
    const auto before = parse_position(said["before"]);
    const auto time = number(said["time"]);
    const auto signature = exactly<64>(base::from_base64(said["signature"]));
    if (!sequence || !hash || !before || !time || *time > INT64_MAX || !signature) return std::nullopt;
    const WallTime when = base::from_unix_milliseconds(static_cast<std::int64_t>(*time));
    return Signed<Checkpoint>{
        {*sequence, *hash, before->sequence, before->hash, when}, std::string(said["key"]), *signature};
}

std::string position_text(std::uint64_t sequence, const Digest& hash) {
    return fmt::format("{}:{}", sequence, base::hex(hash));
}

std::optional<ChainHead> parse_position(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto sequence = number(text.substr(0, colon));
    const auto hash = exactly<32>(base::from_hex(text.substr(colon + 1)));
    if (!sequence || !hash) return std::nullopt;
    return ChainHead{*sequence, *hash};
}

}  // namespace sekisho::evidence
