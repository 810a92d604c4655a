#include "s3/listing.h"

#include <algorithm>
#include <optional>

#include "s3/sign.h"
#include "s3/xml.h"

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostObjects = 10000;  // of a page; servers send 1000

/// An object as the page has it, so far.
struct Found {
    std::optional<std::string> key;
    std::optional<std::uint64_t> size;
    std::string etag;
};

class PageReader {
public:
    Result<ListPage> read(std::string_view xml, std::string_view prefix) {
        XmlWalker walker([&](const std::string& path) { opened(path); },
            [&](const std::string& path, const std::string& text) {
                closed(path, text);
                if (m_wrong) walker.refuse();
            });
        const bool whole = walker.walk(xml, kMostPageBytes);
        if (!m_wrong && !whole) return fail("the listing is no whole XML document");
        if (m_wrong) return fail("the listing cannot be used", m_wrong);
        return page(prefix);
    }

private:
    void opened(const std::string& path) {
        if (path == "/ListBucketResult") m_seen_root = true;
        if (path == "/ListBucketResult/Contents") m_found.emplace_back();
        if (m_found.size() > kMostObjects) m_wrong = "too many objects on a page";
    }

    void closed(const std::string& path, const std::string& text) {
        constexpr std::string_view kRoot = "/ListBucketResult/";
        constexpr std::string_view kContents = "Contents/";
        if (!path.starts_with(kRoot)) return;
        std::string_view name = std::string_view(path).substr(kRoot.size());
        if (name.starts_with(kContents)) return closed_of_object(name.substr(kContents.size()), text);
        if (name == "IsTruncated") {
            if (text != "true" && text != "false") m_wrong = "IsTruncated is neither true nor false";
            m_truncated = text == "true";
        } else if (name == "NextContinuationToken") {
            m_next = text;
        } else if (name == "EncodingType") {
            if (text != "url" && !text.empty()) m_wrong = "an unknown EncodingType";
            m_encoded = text == "url";
        } else if (name == "KeyCount") {
            m_count = xml_number(text);
            if (!m_count) m_wrong = "KeyCount is no number";
        }
    }

    void closed_of_object(std::string_view name, const std::string& text) {
        Found& object = m_found.back();
        if (name == "Key") {
            object.key = text;
        } else if (name == "Size") {
            object.size = xml_number(text);
        } else if (name == "ETag") {
            object.etag = without_quotes(text);
        }
    }

    Result<ListPage> page(std::string_view prefix) {
        const auto wrong = [](const char* what) { return fail("the listing cannot be used", what); };
        if (!m_seen_root) return wrong("no ListBucketResult");
        if (!m_truncated) return wrong("it does not say whether it is whole");
        if (*m_truncated && m_next.empty()) return wrong("it is cut, and does not say where it goes on");
        if (m_count && *m_count != m_found.size()) return wrong("KeyCount is not the number of keys");
        ListPage page;
        for (Found& found : m_found) {
            if (!found.key || !found.size) return wrong("an object without key or size");
            const auto key = m_encoded ? uri_decoded(*found.key) : std::move(found.key);
            if (!key) return wrong("a key with a wrong encoding");
            if (!key->starts_with(prefix)) return wrong("a key that was not asked for");
            page.objects.push_back({*key, std::move(found.etag), *found.size});
        }
        if (*m_truncated) page.next = std::move(m_next);
        return page;
    }

    std::vector<Found> m_found;
    std::optional<bool> m_truncated;
    std::optional<std::uint64_t> m_count;
    std::string m_next;
    bool m_encoded = false;
    bool m_seen_root = false;
    const char* m_wrong = nullptr;
};

}  // namespace

Result<ListPage> parse_list_page(std::string_view xml, std::string_view prefix) { return PageReader().read(xml, prefix); }

std::string parse_error_code(std::string_view xml) {
    std::string code;
    XmlWalker walker([](const std::string&) {},
        [&](const std::string& path, const std::string& text) {
            if (path == "/Error/Code") code = text;
        });
    (void)walker.walk(xml, kMostPageBytes);
    const bool letters = code.size() <= 64 && std::ranges::all_of(code, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    return letters ? code : "";
}

}  // namespace sekisho::s3
