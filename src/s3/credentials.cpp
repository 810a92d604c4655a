#include "s3/credentials.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/time_zone.h"

namespace sekisho::s3 {
namespace {

using namespace std::chrono_literals;

constexpr auto kRenewAhead = 5min;
constexpr std::size_t kMostMetadata = 65536;
constexpr std::size_t kMostWord = 4096;

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

/// It becomes part of a header.
bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kMostWord &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Result<Credentials> credentials(std::string_view id, std::string_view secret, std::string_view token, const char* where) {
    if (!is_word(id) || !is_word(secret) || (!token.empty() && !is_word(token)))
        return fail(std::string(where) + " has no access key that could be used: an id and a secret are wanted");
    return Credentials{std::string(id), Secret(base::view(secret)), std::string(token), std::nullopt};
}

TransferSettings metadata_settings() {
    TransferSettings settings;
    settings.plain = true;
    settings.direct = true;
    settings.attempts = 2;
    settings.connect_timeout = 2s;  // an address of the machine itself: it answers at once, or never
    settings.total_timeout = 5s;
    return settings;
}

}  // namespace

Result<Credentials> parse_credentials_file(std::string_view text) {
    std::string_view id, secret, token;
    bool ours = true;
    while (!text.empty()) {
        const std::string_view line = trimmed(text.substr(0, text.find('\n')));
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
        if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
        if (line.starts_with('[')) {
            ours = line == "[default]";
            continue;
        }
        const std::size_t equals = line.find('=');
        if (!ours || equals == std::string_view::npos) continue;
        const std::string_view name = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (name == "aws_access_key_id") id = value;
        if (name == "aws_secret_access_key") secret = value;
        if (name == "aws_session_token") token = value;
    }
    return credentials(id, secret, token, "the access key file");
}

Result<Credentials> parse_role_credentials(std::string_view json) {
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    const auto text = [&](const char* name) {
        const auto found = parsed.is_object() ? parsed.find(name) : parsed.end();
        return parsed.is_object() && found != parsed.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    auto found = credentials(text("AccessKeyId"), text("SecretAccessKey"), text("Token"), "the instance's role");
    if (!found) return found;
    found->expires = base::parse_rfc3339(text("Expiration"));
    if (!found->expires) return fail("the instance's role has no access key that could be used: it does not say until when");
    return found;
}

CredentialSource::CredentialSource(Read read_file, Get environment)
    : m_read_file(std::move(read_file)), m_environment(std::move(environment)), m_metadata(metadata_settings()) {
    const char* other = m_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    m_metadata_url = other && *other ? other : "http://169.254.169.254";
    if (m_metadata_url.ends_with('/')) m_metadata_url.pop_back();
}

Result<std::shared_ptr<const Credentials>> CredentialSource::current(WallTime now) {
    const auto shared = [](Result<Credentials> found) -> Result<std::shared_ptr<const Credentials>> {
        if (!found) return std::unexpected(found.error());
        return std::make_shared<const Credentials>(std::move(*found));
    };
    if (m_read_file) {
        auto text = m_read_file();
        if (!text) return std::unexpected(text.error());
        auto found = parse_credentials_file(*text);
        base::wipe(std::as_writable_bytes(std::span(*text)));
        return shared(std::move(found));
    }
    const auto variable = [&](const char* name) {
        const char* value = m_environment(name);
        return std::string_view(value ? value : "");
    };
    if (!variable("AWS_ACCESS_KEY_ID").empty()) {
        return shared(credentials(variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
            variable("AWS_SESSION_TOKEN"), "the environment"));
    }
    if (!m_role || *m_role->expires - kRenewAhead <= now) {
        auto found = shared(of_role());
        if (!found) return found;
        m_role = *found;
    }
    return m_role;
}

/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
Result<Credentials> CredentialSource::of_role() {
    const std::string folder = m_metadata_url + "/latest/meta-data/iam/security-credentials/";
    const auto none = [](const std::string& why) {
        return fail(
            "there is no access key: access_key_file, AWS_ACCESS_KEY_ID or a role of the instance is wanted",
            why);
    };
    const auto ask = [&](const HttpRequest& request) -> Result<std::string> {
        auto answer = m_metadata.one([&]() -> Result<HttpRequest> { return request; });
        if (!answer) return none("the instance's metadata: " + answer.error().full());
        if (answer->status != 200)
            return none("the instance's metadata answers with status " + std::to_string(answer->status));
        return std::move(answer->body);
    };
    const auto token = ask({.method = "PUT",
        .url = m_metadata_url + "/latest/api/token",
        .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}},
        .most = kMostMetadata});
    if (!token) return std::unexpected(token.error());
    if (!is_word(*token)) return none("the instance's metadata gives no token");
    const Pairs headers{{"x-aws-ec2-metadata-token", *token}};
    const auto roles = ask({.url = folder, .headers = headers, .most = kMostMetadata});
    if (!roles) return std::unexpected(roles.error());
    const std::string role = roles->substr(0, roles->find('\n'));
    if (role.empty()) return none("the instance has no role");
    auto json = ask({.url = folder + uri_encoded(role), .headers = headers, .most = kMostMetadata});
    if (!json) return std::unexpected(json.error());
    auto found = parse_role_credentials(*json);
    base::wipe(std::as_writable_bytes(std::span(*json)));
    return found;
}

}  // namespace sekisho::s3
