#include "s3/sign.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "crypto/hmac.h"

namespace sekisho::s3 {
namespace {

constexpr std::string_view kService = "s3";

std::string utc(WallTime time, const char* pattern) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, pattern, &parts)};
}

/// Sorted by encoded name, then by value; a name without value keeps its "=".
std::string canonical_query(const Pairs& query) {
    Pairs encoded;
    for (const auto& [name, value] : query) encoded.emplace_back(uri_encoded(name), uri_encoded(value));
    std::ranges::sort(encoded);
    std::string text;
    for (const auto& [name, value] : encoded) text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
    return text;
}

/// Without the blanks around it, and one where there are several.
std::string canonical_value(std::string_view value) {
    std::string text;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank)
            text += c;
        else if (!text.empty() && text.back() != ' ')
            text += ' ';
    }
    if (text.ends_with(' ')) text.pop_back();
    return text;
}

std::string signature(
    const Credentials& credentials, std::string_view day, std::string_view region, const std::string& string_to_sign) {
    Secret key(4 + credentials.secret_key.size());
    std::ranges::copy(base::view("AWS4"), key.bytes().begin());
    std::ranges::copy(credentials.secret_key.bytes(), key.bytes().begin() + 4);
    for (const std::string_view part : {day, region, kService, std::string_view("aws4_request")}) {
        auto next = crypto::hmac_sha256(key.bytes(), base::view(part));
        key = Secret(BytesView(next));
        base::wipe(next);
    }
    return base::hex(crypto::hmac_sha256(key.bytes(), base::view(string_to_sign)));
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Signed sign(const Unsigned& request, const Credentials& credentials, std::string_view region, WallTime now) {
    const std::string time = utc(now, "%Y%m%dT%H%M%SZ");
    const std::string day = time.substr(0, 8);
    Pairs headers = request.headers;
    headers.emplace_back("x-amz-content-sha256", request.body_sha256);
    headers.emplace_back("x-amz-date", time);
    if (!credentials.session_token.empty()) headers.emplace_back("x-amz-security-token", credentials.session_token);

    Pairs canonical = headers;
    canonical.emplace_back("host", request.host);
    std::ranges::sort(canonical);
    std::string lines, names;
    for (const auto& [name, value] : canonical) {
        lines += fmt::format("{}:{}\n", name, canonical_value(value));
        names += fmt::format("{}{}", names.empty() ? "" : ";", name);
    }
    const std::string path = uri_encoded(request.path, true);
    const std::string query = canonical_query(request.query);
    const std::string canonical_request =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, query, lines, names, request.body_sha256);
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region, kService);
    const std::string string_to_sign =
        fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical_request));

    headers.emplace_back(
        "authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}",
                             credentials.access_key, scope, names, signature(credentials, day, region, string_to_sign)));
    return {query.empty() ? path : path + "?" + query, std::move(headers)};
}

std::string uri_encoded(std::string_view text, bool path) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    std::string out;
    for (const char c : text) {
        if (kPlain.find(c) != std::string_view::npos || (path && c == '/'))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::optional<std::string> uri_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string sha256_hex(std::string_view text) { return base::hex(crypto::sha256({base::view(text)})); }

}  // namespace sekisho::s3
