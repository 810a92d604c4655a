#include "keys/public_text.h"

#include <algorithm>
#include <optional>

#include "crypto/pem.h"
#include "keys/key_fields.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::size_t kMostText = 64 * 1024;
constexpr std::size_t kMostTag = 64;       // RFC 4716 §3.3
constexpr std::size_t kMostValue = 1024;   // the same
constexpr std::size_t kLineWidth = 70;     // §3: at most 72 bytes
constexpr std::string_view kBegin = "---- BEGIN SSH2 PUBLIC KEY ----";
constexpr std::string_view kEnd = "---- END SSH2 PUBLIC KEY ----";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The next line without its end, which may be LF, CR LF or CR (§3.1). Empty optional at the end of the text.
std::optional<std::string_view> next_line(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
    return line;
}

bool same_tag(std::string_view a, std::string_view b) {  // §3.3: tags are case-insensitive
    return std::ranges::equal(a, b, [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(x) == lower(y);
    });
}

std::string_view unquoted(std::string_view value) {  // §3.3.2
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
    return value.substr(1, value.size() - 2);
}

struct Body {
    std::string digits;
    std::string comment;
};

/// §3.3: "tag: value", continued on the next line where a line ends with a backslash.
Result<void> read_header(std::string header, std::string_view& text, Body& out) {
    while (header.ends_with('\\')) {
        header.pop_back();
        const auto more = next_line(text);
        if (!more || *more == kEnd) return fail("a header of an SSH2 public key does not end");
        header += *more;
        if (header.size() > kMostTag + kMostValue + 2) break;
    }
    const std::size_t colon = header.find(':');
    const std::string_view tag = std::string_view(header).substr(0, colon);
    const std::string_view value = trimmed(std::string_view(header).substr(colon + 1));
    if (tag.size() > kMostTag || value.size() > kMostValue) return fail("a header of an SSH2 public key is too long");
    if (same_tag(tag, "Comment")) out.comment = unquoted(value);
    return {};  // §3.3: headers that are not known are ignored
}

Result<Body> read_body(std::string_view text) {
    Body out;
    bool headers = true;
    while (const auto line = next_line(text)) {
        if (trimmed(*line) == kEnd) return out;
        headers = headers && line->find(':') != std::string_view::npos;
        if (!headers) {
            out.digits += trimmed(*line);
        } else if (Result<void> read = read_header(std::string(*line), text, out); !read) {
            return std::unexpected(std::move(read.error()));
        }
    }
    return fail("an SSH2 public key has no end line");
}

Result<PublicText> parse_rfc4716(std::string_view text) {
    text.remove_prefix(text.find(kBegin) + kBegin.size());
    const auto rest = next_line(text);
    if (!rest || !trimmed(*rest).empty()) return fail("malformed SSH2 public key");
    const Result<Body> body = read_body(text);
    if (!body) return std::unexpected(body.error());
    const std::optional<Bytes> blob = base::from_base64(body->digits);
    if (!blob || blob->empty()) return fail("a public key is not in base64");
    Result<PublicKey> key = PublicKey::from_blob(*blob);
    if (!key) return std::unexpected(std::move(key.error()));
    return PublicText{std::move(*key), body->comment};
}

Result<PublicText> parse_pem(std::string_view text) {
    const Result<crypto::PemPublic> numbers = crypto::public_from_pem(text);
    if (!numbers) return std::unexpected(numbers.error());
    const KeyKind kind = kind_of(numbers->kind);
    wire::Writer blob;
    blob.string(blob_name(kind));
    if (kind == KeyKind::Rsa) {
        blob.mpint(numbers->rsa.e).mpint(numbers->rsa.n);
    } else {
        if (kind != KeyKind::Ed25519) blob.string(curve_name(kind));
        blob.string(numbers->point);
    }
    Result<PublicKey> key = PublicKey::from_blob(blob.bytes());
    if (!key) return std::unexpected(std::move(key.error()));
    return PublicText{std::move(*key), {}};
}

Result<PublicText> parse_line(std::string_view text) {
    text = trimmed(text);
    if (text.find_first_of("\r\n") != std::string_view::npos) return fail("more than one line where one key was expected");
    Result<PublicKey> key = PublicKey::from_line(text);
    if (!key) return std::unexpected(std::move(key.error()));
    next_word(text);
    next_word(text);
    return PublicText{std::move(*key), std::string(trimmed(text))};
}

}  // namespace

Result<PublicText> parse_public_text(std::string_view text) {
    if (text.size() > kMostText) return fail("a public key is too long");
    // Pasting the other half of a pair is a mistake that must be named, and nothing of it repeated.
    if (text.find("PRIVATE KEY-----") != std::string_view::npos) return fail("this is a private key; give the public one");
    if (text.find(kBegin) != std::string_view::npos) return parse_rfc4716(text);
    if (text.find("-----BEGIN ") != std::string_view::npos) return parse_pem(text);
    return parse_line(text);
}

Result<PublicKey> PublicKey::from_any_text(std::string_view text) {
    Result<PublicText> parsed = parse_public_text(text);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return std::move(parsed->key);
}

std::string rfc4716(const PublicKey& key, std::string_view comment) {
    std::string out(kBegin);
    out += '\n';
    const bool writable = comment.size() <= kMostValue - 2 && std::ranges::none_of(comment, [](char c) {
        return c == '"' || (c >= 0 && c < 0x20) || c == 0x7f;
    });
    if (!comment.empty() && writable) {
        const std::string header = "Comment: \"" + std::string(comment) + '"';
        for (std::size_t at = 0; at < header.size(); at += kLineWidth) {
            out += header.substr(at, kLineWidth);
            out += at + kLineWidth < header.size() ? "\\\n" : "\n";
        }
    }
    const std::string digits = base::base64(key.blob());
    for (std::size_t at = 0; at < digits.size(); at += kLineWidth) out += digits.substr(at, kLineWidth) + '\n';
    out += kEnd;
    out += '\n';
    return out;
}

}  // namespace sekisho::keys
