#include "keys/certificate.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/assert.h"
#include "keys/key_fields.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::string_view kSuffix = "-cert-v01@openssh.com";
constexpr std::string_view kDomain = "@openssh.com";  // of names that are OpenSSH's own also without certificate
constexpr std::size_t kNonce = 32;
constexpr std::size_t kMostName = 64 + kSuffix.size();
constexpr std::size_t kMostNonce = 256;
constexpr std::size_t kMostKeyId = 4096;
constexpr std::size_t kMostList = 64 * 1024;
constexpr std::size_t kMostPrincipals = 256;  // as many as OpenSSH takes
constexpr std::size_t kMostOptions = 256;

// OpenSSH PROTOCOL.certkeys, "Critical options". For host certificates none is defined.
constexpr std::array<std::string_view, 3> kKnownUserOptions{"force-command", "source-address", "verify-required"};

/// Runs through a list packed into one string, at most `most` entries.
template <class ReadOne>
Result<void> read_list(BytesView packed, std::size_t most, const char* what, ReadOne read_one) {
    wire::Reader reader(packed);
    for (std::size_t count = 0; !reader.empty(); ++count) {
        if (count == most) return fail(std::string("a certificate has too many ") + what);
        if (Result<void> one = read_one(reader); !one) return one;
    }
    return reader.finish(what);
}

Result<std::vector<std::string>> read_principals(BytesView packed) {
    std::vector<std::string> out;
    const Result<void> read = read_list(packed, kMostPrincipals, "principals", [&](wire::Reader& reader) -> Result<void> {
        const std::string_view name = reader.text();
        if (!reader.ok() || name.empty()) return fail("a certificate has a malformed principal");
        out.emplace_back(name);
        return {};
    });
    if (!read) return std::unexpected(read.error());
    return out;
}

/// Tuples of name and data; data is empty, or one string packed once more.
Result<std::vector<CertificateOption>> read_options(BytesView packed) {
    std::vector<CertificateOption> out;
    const Result<void> read = read_list(packed, kMostOptions, "options", [&](wire::Reader& reader) -> Result<void> {
        const std::string_view name = reader.text();
        const BytesView data = reader.string();
        if (!reader.ok() || name.empty()) return fail("a certificate has a malformed option");
        // PROTOCOL.certkeys: "Each named option may only appear once in a certificate."
        if (std::ranges::find(out, name, &CertificateOption::name) != out.end()) {
            return fail("a certificate names an option twice", std::string(name));
        }
        CertificateOption option{std::string(name), {}};
        if (!data.empty()) {
            wire::Reader inner(data);
            option.value = inner.text();
            if (!inner.finish("option")) return fail("a certificate has a malformed option", std::string(name));
        }
        out.push_back(std::move(option));
        return {};
    });
    if (!read) return std::unexpected(read.error());
    return out;
}

Bytes write_options(std::vector<CertificateOption> options) {
    // PROTOCOL.certkeys: "options must be lexically ordered by name".
    std::ranges::sort(options, {}, &CertificateOption::name);
    wire::Writer out;
    for (const CertificateOption& option : options) {
        wire::Writer inner;
        if (!option.value.empty()) inner.string(option.value);
        out.string(option.name).string(inner.bytes());
    }
    return out.take();
}

/// The fields between key and signature; `reader` stands behind the key.
struct Rest {
    CertificateFields fields;
    BytesView authority;
};

Result<Rest> read_rest(wire::Reader& reader) {
    Rest out;
    out.fields.serial = reader.u64();
    const std::uint32_t use = reader.u32();
    out.fields.key_id = reader.text(kMostKeyId);
    const BytesView principals = reader.string(kMostList);
    out.fields.valid_after = reader.u64();
    out.fields.valid_before = reader.u64();
    const BytesView critical = reader.string(kMostList);
    const BytesView extensions = reader.string(kMostList);
    reader.string(kMostList);  // reserved: "currently unused and ignored"
    out.authority = reader.string(kMostList);
    if (!reader.ok()) return fail("malformed certificate");
    if (use != static_cast<std::uint32_t>(CertificateUse::User) && use != static_cast<std::uint32_t>(CertificateUse::Host)) {
        return fail("a certificate is neither for a user nor for a host");
    }
    out.fields.use = static_cast<CertificateUse>(use);
    Result<std::vector<std::string>> names = read_principals(principals);
    if (!names) return std::unexpected(std::move(names.error()));
    out.fields.principals = std::move(*names);
    for (auto [packed, into] :
        {std::pair(critical, &out.fields.critical_options), std::pair(extensions, &out.fields.extensions)}) {
        Result<std::vector<CertificateOption>> options = read_options(packed);
        if (!options) return std::unexpected(std::move(options.error()));
        *into = std::move(*options);
    }
    return out;
}

/// PROTOCOL.certkeys: a CA key is a plain key; chained certificates are not supported.
Result<PublicKey> read_authority(BytesView blob) {
    wire::Reader reader(blob);
    if (is_certificate_name(reader.text())) return fail("a certificate is signed by another certificate");
    return PublicKey::from_blob(blob);
}

Result<void> check_signature(const PublicKey& authority, BytesView to_be_signed, BytesView signature) {
    wire::Reader reader(signature);
    const std::string algorithm(reader.text());
    if (!reader.ok()) return fail("malformed certificate");
    return authority.verify(algorithm, to_be_signed, signature);
}

}  // namespace

Result<Certificate> Certificate::from_blob(BytesView blob) {
    wire::Reader reader(blob);
    const std::string_view name = reader.text(kMostName);
    if (!reader.ok() || !is_certificate_name(name)) return fail("not a certificate");
    const std::optional<KeyKind> kind = kind_by_blob_name(plain_name(name));
    if (!kind) return fail("unsupported kind of certificate", std::string(name));
    reader.string(kMostNonce);

    const BytesView before_key = reader.rest();
    const Result<KeyFields> numbers = read_key_fields(*kind, reader);
    if (!numbers) return std::unexpected(numbers.error());
    wire::Writer key_blob;
    key_blob.string(keys::blob_name(*kind)).raw(before_key.first(before_key.size() - reader.rest().size()));
    Result<PublicKey> key = PublicKey::from_blob(key_blob.bytes());
    if (!key) return std::unexpected(std::move(key.error()));

    Result<Rest> rest = read_rest(reader);
    if (!rest) return std::unexpected(std::move(rest.error()));
    Result<PublicKey> authority = read_authority(rest->authority);
    if (!authority) return std::unexpected(std::move(authority.error()));
    const BytesView to_be_signed = blob.first(blob.size() - reader.rest().size());
    const BytesView signature = reader.string(kMostList);
    if (Result<void> end = reader.finish("certificate"); !end) return std::unexpected(std::move(end.error()));
    if (Result<void> good = check_signature(*authority, to_be_signed, signature); !good) {
        return fail("the signature of a certificate is wrong", good.error().full());
    }
    return Certificate(
        base::to_bytes(blob), std::string(name), std::move(*key), std::move(*authority), std::move(rest->fields));
}

Result<void> Certificate::check(CertificateUse use, std::string_view principal, std::uint64_t now) const {
    if (m_fields.use != use) {
        return fail(use == CertificateUse::User ? "the certificate is not for a user" : "the certificate is not for a host");
    }
    if (now < m_fields.valid_after) return fail("the certificate is not valid yet");
    constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
    if (m_fields.valid_before != kForever && now >= m_fields.valid_before) return fail("the certificate has expired");
    // OpenSSH once read an empty list as "any name"; a certificate that names nobody is for nobody.
    if (m_fields.principals.empty()) return fail("the certificate names no principal");
    const bool named = std::ranges::any_of(m_fields.principals, [&](const std::string& one) {
        return use == CertificateUse::Host ? matches_host_pattern(principal, one) : one == principal;
    });
    if (!named) {
        return fail("the certificate does not name the principal " + std::string(principal));
    }
    for (const CertificateOption& option : m_fields.critical_options) {
        const bool known = std::ranges::find(kKnownUserOptions, option.name) != kKnownUserOptions.end();
        if (use == CertificateUse::User && known) continue;
        return fail("the certificate has an unknown critical option", option.name);
    }
    return {};
}

bool matches_host_pattern(std::string_view host, std::string_view pattern) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    // Only the last '*' is ever gone back to: what an earlier one could still take, the last can as well. Hence no more than
    // the product of the two lengths, where trying every '*' would take exponential time.
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    std::size_t star = std::string_view::npos;
    std::size_t taken = 0;
    while (at < host.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            taken = at;
        } else if (in_pattern < pattern.size() && (pattern[in_pattern] == '?' || pattern[in_pattern] == lower(host[at]))) {
            ++in_pattern;
            ++at;
        } else if (star != std::string_view::npos) {
            in_pattern = star + 1;
            at = ++taken;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

bool is_certificate_name(std::string_view name) { return name.size() > kSuffix.size() && name.ends_with(kSuffix); }

std::string certificate_name(std::string_view algorithm) {
    // "sk-ssh-ed25519@openssh.com" has its domain once, behind the "-cert-v01".
    if (algorithm.starts_with("sk-") && algorithm.ends_with(kDomain)) algorithm.remove_suffix(kDomain.size());
    return std::string(algorithm) + std::string(kSuffix);
}

std::string plain_name(std::string_view certificate_algorithm) {
    if (!is_certificate_name(certificate_algorithm)) return std::string(certificate_algorithm);
    certificate_algorithm.remove_suffix(kSuffix.size());
    std::string out(certificate_algorithm);
    if (out.starts_with("sk-")) out += kDomain;
    return out;
}

Bytes certificate_to_be_signed(
    const PublicKey& key, const PublicKey& authority, const CertificateFields& fields, crypto::Random& random) {
    Bytes nonce(kNonce);
    random.fill(nonce);
    wire::Writer principals;
    for (const std::string& principal : fields.principals) principals.string(principal);
    wire::Writer out;
    out.string(certificate_name(blob_name(key.kind()))).string(nonce).raw(fields_of(key));
    out.u64(fields.serial).u32(static_cast<std::uint32_t>(fields.use)).string(fields.key_id).string(principals.bytes());
    out.u64(fields.valid_after).u64(fields.valid_before);
    out.string(write_options(fields.critical_options)).string(write_options(fields.extensions));
    out.string("").string(authority.blob());
    return out.take();
}

Bytes certificate_blob(BytesView to_be_signed, BytesView signature) {
    wire::Writer out;
    out.raw(to_be_signed).string(signature);
    return out.take();
}

}  // namespace sekisho::keys
