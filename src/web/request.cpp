// Request targets: splitting, decoding, encoding (RFC 3986).
#include <algorithm>

#include "web/api.h"

namespace sekisho::web {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

}  // namespace

std::optional<Request> Request::from_target(std::string_view method, std::string_view target) {
    const std::size_t mark = target.find('?');
    auto path = decoded(target.substr(0, mark));
    if (!path || !path->starts_with('/')) return std::nullopt;
    Request request{.method = std::string(method), .path = std::move(*path), .query = {}, .body = {}, .actor = {}};
    std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = decoded(pair.substr(0, equals));
        auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
        if (!name || !value) return std::nullopt;
        request.query[std::move(*name)] = std::move(*value);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return request;
}

const std::string& Request::parameter(std::string_view name) const {
    static const std::string none;
    const auto found = query.find(name);
    return found == query.end() ? none : found->second;
}

bool Request::flag(std::string_view name) const {
    const std::string& value = parameter(name);
    return value == "1" || value == "true";
}

std::string url_encoded(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

}  // namespace sekisho::web
