#include "s3/client.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostPages = 10000;

}  // namespace

std::string described(const HttpResponse& response) {
    const std::string code = parse_error_code(response.body);
    return fmt::format("status {}{}{}", response.status, code.empty() ? "" : ", ", code);
}

Client::Client(Place place, TransferSettings transfers, CredentialSource credentials)
    : m_place(std::move(place)), m_transfers(std::move(transfers)), m_credentials(std::move(credentials)) {}

void Client::stop() {
    m_transfers.stop();
    m_credentials.stop();
}

Result<HttpRequest> Client::signed_request(Request request, const Credentials& credentials) const {
    Unsigned unsigned_request{.method = request.method,
        .host = m_place.host,
        .path = m_place.root + "/" + request.key,
        .query = request.query,
        .headers = request.headers,
        .body_sha256 = sha256_hex(request.body)};
    Signed ready = sign(unsigned_request, credentials, m_place.region, std::chrono::system_clock::now());
    return HttpRequest{.method = request.method,
        .url = m_place.scheme + "://" + m_place.host + ready.target,
        .headers = std::move(ready.headers),
        .body = std::move(request.body),
        .most = request.most};
}

Result<void> Client::perform(std::size_t count, const std::function<Request(std::size_t)>& make,
    const std::function<void(std::size_t, HttpResponse)>& done) {
    const auto credentials = m_credentials.current(std::chrono::system_clock::now());
    if (!credentials) return std::unexpected(credentials.error());
    return m_transfers.run(
        count, [&](std::size_t i) { return signed_request(make(i), **credentials); },
        [&](std::size_t i, HttpResponse response) {
            if (response.status == 401 || response.status == 403) m_credentials.forget();
            done(i, std::move(response));
        });
}

Result<HttpResponse> Client::one(const Request& request) {
    HttpResponse answer;
    auto asked = perform(
        1, [&](std::size_t) { return request; }, [&](std::size_t, HttpResponse response) { answer = std::move(response); });
    if (!asked) return std::unexpected(asked.error());
    return answer;
}

Result<std::vector<Object>> Client::list(std::size_t most, unsigned per_page) { return list_below("", most, per_page); }

Result<std::vector<Object>> Client::list_below(std::string_view rest, std::size_t most, unsigned per_page) {
    const std::string prefix = m_place.prefix + std::string(rest);
    std::vector<Object> objects;
    std::string token;
    for (std::size_t pages = 0; pages < kMostPages; ++pages) {
        Request request{.query = {{"list-type", "2"}, {"prefix", prefix}, {"encoding-type", "url"},
                            {"max-keys", std::to_string(per_page)}},
            .most = kMostPageBytes};
        if (!token.empty()) request.query.emplace_back("continuation-token", token);
        const auto answer = one(request);
        if (!answer) return std::unexpected(answer.error());
        if (answer->status != 200) return fail("the bucket cannot be listed", described(*answer));
        auto page = parse_list_page(answer->body, prefix);
        if (!page) return std::unexpected(page.error());
        std::ranges::move(page->objects, std::back_inserter(objects));
        if (objects.size() > most) return fail(fmt::format("the bucket lists more than {} objects", most));
        if (page->next.empty()) return objects;
        if (page->next == token) return fail("the listing cannot be used", "it goes on where it was");
        token = std::move(page->next);
    }
    return fail("the listing cannot be used", "it has no end");
}

Result<void> Client::get(const std::vector<std::string>& keys, std::size_t most_bytes,
    const std::function<void(std::size_t, Result<std::string>)>& take) {
    return perform(
        keys.size(), [&](std::size_t i) { return Request{.key = keys[i], .most = most_bytes}; },
        [&](std::size_t i, HttpResponse response) {
            if (response.status == 200)
                take(i, std::move(response.body));
            else
                take(i, fail("the object cannot be read", described(response)));
        });
}

}  // namespace sekisho::s3
