#include "recording/signing.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "recording/format.h"

namespace sekisho::recording {

namespace {

using nlohmann::json;

template <std::size_t kSize>
bool read(const json& value, std::array<std::byte, kSize>& into) {
    const auto bytes = value.is_string() ? base::from_base64(value.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes || bytes->size() != kSize) return false;
    std::ranges::copy(*bytes, into.begin());
    return true;
}

std::uint64_t number(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : UINT64_MAX;
}

}  // namespace

std::optional<evidence::Signed<evidence::RecordingsRoot>> EndSignature::statement(const evidence::Digest& last) const {
    const auto root = evidence::merkle_root(evidence::merkle_leaf(last), index, count, path);
    if (!root) return std::nullopt;
    return evidence::Signed<evidence::RecordingsRoot>{{count, *root, time}, key, signature};
}

/// Base64 and fingerprints need no escape.
std::string encode_signature(const EndSignature& signature) {
    std::string path;
    for (const evidence::Digest& one : signature.path)
        path += fmt::format("{}\"{}\"", path.empty() ? "" : ",", base::base64(one));
    return fmt::format("{{\"count\":{},\"index\":{},\"key\":\"{}\",\"path\":[{}],\"signature\":\"{}\",\"time_ms\":{}}}",
        signature.count, signature.index, signature.key, path, base::base64(signature.signature),
        base::unix_milliseconds(signature.time));
}

Bytes signature_block(const EndSignature& signature, std::uint32_t number) {
    Bytes plain = base::to_bytes(encode_signature(signature));
    format::append_trailer(plain, format::kSignatureMagic);
    const auto size = static_cast<std::uint32_t>(plain.size());
    const auto head = format::encode({.type = format::BlockType::Signature, .number = number, .plain = size, .stored = size});
    plain.insert(plain.begin(), head.begin(), head.end());
    return plain;
}

Result<EndSignature> decode_signature(std::string_view text) {
    const json object = json::parse(text, nullptr, false);
    const auto damaged = [] { return fail("the signature is damaged"); };
    if (!object.is_object()) return damaged();
    EndSignature out;
    const std::uint64_t count = number(object, "count");
    const std::uint64_t index = number(object, "index");
    const std::uint64_t time = number(object, "time_ms");
    const auto key = object.find("key");
    const auto path = object.find("path");
    const auto signature = object.find("signature");
    if (count > UINT32_MAX || index >= count || time > INT64_MAX || key == object.end() || !key->is_string() ||
        path == object.end() || !path->is_array() || path->size() > evidence::kMerklePathMost || signature == object.end() ||
        !read(*signature, out.signature)) {
        return damaged();
    }
    for (const json& one : *path) {
        if (!read(one, out.path.emplace_back())) return damaged();
    }
    out.count = static_cast<std::uint32_t>(count);
    out.index = static_cast<std::uint32_t>(index);
    out.time = base::from_unix_milliseconds(static_cast<std::int64_t>(time));
    out.key = key->get<std::string>();
    return out;
}

Result<std::vector<EndSignature>> sign_ends(const EndSigner& signer, const std::vector<evidence::Digest>& lasts) {
    std::vector<evidence::Digest> leaves;
    leaves.reserve(lasts.size());
    for (const evidence::Digest& last : lasts) leaves.push_back(evidence::merkle_leaf(last));
    const evidence::MerkleTree tree(std::move(leaves));
    const auto count = static_cast<std::uint32_t>(tree.size());
    const auto made = signer.sign(tree.root(), count);
    if (!made) return std::unexpected(made.error());
    std::vector<EndSignature> signatures;
    signatures.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i)
        signatures.push_back({made->key, count, i, tree.path(i), made->statement.time, made->signature});
    return signatures;
}

}  // namespace sekisho::recording
