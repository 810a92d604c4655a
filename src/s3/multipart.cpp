#include "s3/multipart.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "s3/listing.h"
#include "s3/sign.h"
#include "s3/xml.h"

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostOfPage = 10000;
constexpr std::size_t kMostXml = 4U << 20;

std::unexpected<Error> unusable(const char* what) { return fail("an answer about an upload cannot be used", what); }

bool is_upload_id(std::string_view text) {
    return !text.empty() && text.size() <= kMostUploadId && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

bool is_etag(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
}

Result<std::string> parse_created_upload(std::string_view xml) {
    std::string id;
    XmlWalker walker([](const std::string&) {},
        [&](const std::string& path, const std::string& text) {
            if (path == "/InitiateMultipartUploadResult/UploadId") id = text;
        });
    if (!walker.walk(xml, kMostXml)) return unusable("no whole XML document");
    if (!is_upload_id(id)) return unusable("no UploadId");
    return id;
}

Result<UploadPage> parse_upload_page(std::string_view xml, std::string_view prefix) {
    UploadPage page;
    std::optional<bool> more;
    bool encoded = false;
    std::string next_key, next_id;
    XmlWalker walker(
        [&](const std::string& path) {
            if (path == "/ListMultipartUploadsResult/Upload") page.uploads.emplace_back();
        },
        [&](const std::string& path, const std::string& text) {
            if (path == "/ListMultipartUploadsResult/Upload/Key") page.uploads.back().key = text;
            if (path == "/ListMultipartUploadsResult/Upload/UploadId") page.uploads.back().id = text;
            if (path == "/ListMultipartUploadsResult/EncodingType") encoded = text == "url";
            if (path == "/ListMultipartUploadsResult/NextKeyMarker") next_key = text;
            if (path == "/ListMultipartUploadsResult/NextUploadIdMarker") next_id = text;
            if (path == "/ListMultipartUploadsResult/IsTruncated" && (text == "true" || text == "false")) more = text == "true";
        });
    if (!walker.walk(xml, kMostXml)) return unusable("no whole XML document");
    if (!more) return unusable("it does not say whether it is whole");
    if (page.uploads.size() > kMostOfPage) return unusable("too many uploads on a page");
    if (encoded) {
        for (std::string* key : {&next_key}) *key = uri_decoded(*key).value_or("");
        for (Upload& upload : page.uploads) upload.key = uri_decoded(upload.key).value_or("");
    }
    for (const Upload& upload : page.uploads) {
        if (upload.key.empty() || !is_upload_id(upload.id)) return unusable("an upload without key or id");
        if (!upload.key.starts_with(prefix)) return unusable("a key that was not asked for");
    }
    if (!*more) return page;
    if (next_key.empty()) return unusable("it is cut, and does not say where it goes on");
    page.next_key = next_key;
    page.next_id = next_id;
    return page;
}

Result<PartPage> parse_part_page(std::string_view xml) {
    PartPage page;
    std::optional<bool> more;
    std::uint64_t next = 0;
    bool wrong = false;
    const auto number = [&](const std::string& text) {
        const auto value = xml_number(text);
        wrong = wrong || !value;
        return value.value_or(0);
    };
    XmlWalker walker(
        [&](const std::string& path) {
            if (path == "/ListPartsResult/Part") page.parts.emplace_back();
        },
        [&](const std::string& path, const std::string& text) {
            if (path == "/ListPartsResult/Part/PartNumber") page.parts.back().number = static_cast<unsigned>(number(text));
            if (path == "/ListPartsResult/Part/Size") page.parts.back().size = number(text);
            if (path == "/ListPartsResult/Part/ETag") page.parts.back().etag = without_quotes(text);
            if (path == "/ListPartsResult/NextPartNumberMarker" && !text.empty()) next = number(text);
            if (path == "/ListPartsResult/IsTruncated" && (text == "true" || text == "false")) more = text == "true";
        });
    if (!walker.walk(xml, kMostXml) || wrong) return unusable("no whole XML document, or a number that is none");
    if (!more) return unusable("it does not say whether it is whole");
    for (const Part& part : page.parts) {
        if (part.number == 0 || part.number > kMostParts || !is_etag(part.etag)) return unusable("a part that cannot be");
    }
    if (!std::ranges::is_sorted(page.parts, std::less_equal<>(), &Part::number)) return unusable("parts that are out of order");
    if (!*more) return page;
    if (page.parts.empty() || next != page.parts.back().number) return unusable("it is cut, and does not say where it goes on");
    page.next = static_cast<unsigned>(next);
    return page;
}

std::string completion(const std::vector<Part>& parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const Part& part : parts)
        xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", part.number, part.etag);
    return xml + "</CompleteMultipartUpload>";
}

Result<void> parse_completed(std::string_view xml) {
    bool completed = false;
    XmlWalker walker([&](const std::string& path) { completed = completed || path == "/CompleteMultipartUploadResult"; },
        [](const std::string&, const std::string&) {});
    if (walker.walk(xml, kMostXml) && completed) return {};
    const std::string code = parse_error_code(xml);
    return fail("the upload cannot be completed", code.empty() ? "its answer cannot be used" : code);
}

}  // namespace sekisho::s3
