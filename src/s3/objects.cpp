#include "s3/objects.h"

#include <algorithm>

#include <fmt/format.h>

#include "s3/xml.h"

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostListings = 100;
constexpr std::size_t kMostAnswer = 4U << 20;

std::string header(const HttpResponse& response, std::string_view name) {
    for (const auto& [one, value] : response.headers) {
        if (one == name) return value;
    }
    return {};
}

std::unexpected<Error> refused(const char* what, const HttpResponse& response) { return fail(what, described(response)); }

}  // namespace

std::optional<Encryption::Kind> parse_encryption(std::string_view text) {
    if (text == "none") return Encryption::Kind::None;
    if (text == "AES256") return Encryption::Kind::Aes256;
    if (text == "aws:kms") return Encryption::Kind::Kms;
    return std::nullopt;
}

Pairs Objects::encryption() const {
    Pairs headers;
    if (m_encryption.kind == Encryption::Kind::Aes256) headers.emplace_back("x-amz-server-side-encryption", "AES256");
    if (m_encryption.kind != Encryption::Kind::Kms) return headers;
    headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
    if (!m_encryption.kms_key.empty())
        headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", m_encryption.kms_key);
    return headers;
}

Result<void> Objects::sizes(const std::vector<std::string>& keys,
    const std::function<void(std::size_t, Result<std::optional<std::uint64_t>>)>& take) {
    const auto size_of = [](const HttpResponse& answer) -> Result<std::optional<std::uint64_t>> {
        if (answer.status == 404) return std::nullopt;
        if (answer.status != 200) return refused("the object cannot be looked at", answer);
        const auto size = xml_number(header(answer, "content-length"));
        if (!size) return fail("the object cannot be looked at", "the answer has no size");
        return *size;
    };
    return m_client->perform(
        keys.size(), [&](std::size_t i) { return Request{.method = "HEAD", .key = keys[i]}; },
        [&](std::size_t i, const HttpResponse& answer) { take(i, size_of(answer)); });
}

Result<void> Objects::put(const std::vector<std::string>& keys, const std::function<std::string(std::size_t)>& body,
    const std::function<void(std::size_t, Result<void>)>& done) {
    return m_client->perform(
        keys.size(),
        [&](std::size_t i) {
            return Request{.method = "PUT", .key = keys[i], .headers = encryption(), .body = body(i)};
        },
        [&](std::size_t i, const HttpResponse& response) {
            done(i, response.status == 200 ? Result<void>() : refused("the object cannot be put", response));
        });
}

Result<std::string> Objects::read(const std::string& key, std::uint64_t offset, std::size_t most) {
    if (most == 0) return std::string();
    auto answer = m_client->one(
        {.key = key, .headers = {{"range", fmt::format("bytes={}-{}", offset, offset + most - 1)}}, .most = std::max(most, kMostAnswer)});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 416) return std::string();
    // A server may answer with the whole of an object, or of an empty one.
    if (answer->status == 200 && offset == 0 && answer->body.size() <= most) return std::move(answer->body);
    if (answer->status != 206) return refused("the object cannot be read", *answer);
    const std::string range = header(*answer, "content-range");
    if (!range.starts_with(fmt::format("bytes {}-", offset)) || answer->body.size() > most)
        return fail("the object cannot be read", "another range than was asked for");
    return std::move(answer->body);
}

Result<void> Objects::remove(const std::string& key) {
    const auto answer = m_client->one({.method = "DELETE", .key = key});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 200 || answer->status == 204 || answer->status == 404) return {};
    return refused("the object cannot be removed", *answer);
}

Result<std::string> Objects::begin(const std::string& key) {
    const auto answer = m_client->one({.method = "POST", .key = key, .query = {{"uploads", ""}}, .headers = encryption()});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return refused("the upload cannot be begun", *answer);
    return parse_created_upload(answer->body);
}

Result<std::string> Objects::put_part(const std::string& key, const std::string& id, unsigned number, std::string body) {
    const Request request{.method = "PUT",
        .key = key,
        .query = {{"partNumber", std::to_string(number)}, {"uploadId", id}},
        .headers = {},
        .body = std::move(body)};
    const auto answer = m_client->one(request);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return refused("a part cannot be put", *answer);
    const std::string etag = without_quotes(header(*answer, "etag"));
    if (!is_etag(etag)) return fail("a part cannot be put", "the answer has no tag");
    return etag;
}

Result<std::vector<Upload>> Objects::uploads(const std::string& prefix) {
    std::vector<Upload> all;
    std::string key, id;
    for (std::size_t pages = 0; pages < kMostListings; ++pages) {
        Request request{.query = {{"uploads", ""}, {"prefix", prefix}, {"encoding-type", "url"}}, .headers = {}, .most = kMostAnswer};
        if (!key.empty()) request.query.emplace_back("key-marker", key);
        if (!id.empty()) request.query.emplace_back("upload-id-marker", id);
        const auto answer = m_client->one(request);
        if (!answer) return std::unexpected(answer.error());
        if (answer->status != 200) return refused("the uploads cannot be listed", *answer);
        auto page = parse_upload_page(answer->body, prefix);
        if (!page) return std::unexpected(page.error());
        std::ranges::move(page->uploads, std::back_inserter(all));
        if (page->next_key.empty()) return all;
        key = page->next_key;
        id = page->next_id;
    }
    return fail("the uploads cannot be listed", "there is no end of them");
}

Result<std::vector<Part>> Objects::parts(const Upload& upload) {
    std::vector<Part> all;
    for (unsigned marker = 0; all.size() <= kMostParts;) {
        Request request{.key = upload.key, .query = {{"uploadId", upload.id}}, .headers = {}, .most = kMostAnswer};
        if (marker != 0) request.query.emplace_back("part-number-marker", std::to_string(marker));
        const auto answer = m_client->one(request);
        if (!answer) return std::unexpected(answer.error());
        if (answer->status != 200) return refused("the parts cannot be listed", *answer);
        auto page = parse_part_page(answer->body);
        if (!page) return std::unexpected(page.error());
        if (!all.empty() && !page->parts.empty() && page->parts.front().number <= all.back().number)
            return fail("the parts cannot be listed", "the list goes on where it was");
        std::ranges::move(page->parts, std::back_inserter(all));
        if (page->next == 0) return all;
        marker = page->next;
    }
    return fail("the parts cannot be listed", "there is no end of them");
}

Result<void> Objects::complete(const Upload& upload, const std::vector<Part>& parts) {
    const auto answer = m_client->one(
        {.method = "POST", .key = upload.key, .query = {{"uploadId", upload.id}}, .headers = {}, .body = completion(parts)});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return refused("the upload cannot be completed", *answer);
    return parse_completed(answer->body);
}

Result<void> Objects::abort(const Upload& upload) {
    const auto answer = m_client->one({.method = "DELETE", .key = upload.key, .query = {{"uploadId", upload.id}}});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 204 || answer->status == 200 || answer->status == 404) return {};
    return refused("the upload cannot be given up", *answer);
}

}  // namespace sekisho::s3
