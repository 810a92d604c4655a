#include "s3/listing.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <optional>

#include <expat.h>

#include "s3/sign.h"

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostText = 16384;  // a key has at most 1024 bytes, each of them perhaps as %XX
constexpr std::size_t kMostObjects = 10000;  // of a page; servers send 1000

/// Calls `opened` and `closed` with the path of each element ("/ListBucketResult/Contents/Key") and, at its end, its text.
class Walker {
public:
    using Opened = std::function<void(const std::string& path)>;
    using Closed = std::function<void(const std::string& path, const std::string& text)>;

    Walker(Opened opened, Closed closed) : m_opened(std::move(opened)), m_closed(std::move(closed)) {}

    /// False: not a whole, plain XML document, or refused by refuse().
    bool walk(std::string_view xml) {
        if (xml.size() > kMostPageBytes) return false;
        const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), XML_ParserFree);
        if (!parser) return false;
        m_parser = parser.get();
        XML_SetUserData(m_parser, this);
        XML_SetElementHandler(m_parser, on_start, on_end);
        XML_SetCharacterDataHandler(m_parser, on_text);
        XML_SetStartDoctypeDeclHandler(
            m_parser, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) { of(self).refuse(); });
        const auto status = XML_Parse(m_parser, xml.data(), static_cast<int>(xml.size()), XML_TRUE);
        m_parser = nullptr;
        return status == XML_STATUS_OK && !m_refused;
    }
    void refuse() {
        if (!m_refused) XML_StopParser(m_parser, XML_FALSE);
        m_refused = true;
    }

private:
    static Walker& of(void* self) { return *static_cast<Walker*>(self); }

    // Handlers may still be called once for an element that was open and shut in one piece when the parser was stopped.
    static void XMLCALL on_start(void* self, const XML_Char* name, const XML_Char**) {
        Walker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_lengths.push_back(walker.m_path.size());
        walker.m_path += '/';
        walker.m_path += name;
        walker.m_text.clear();
        if (walker.m_lengths.size() > kMostDepth || walker.m_path.size() > kMostText) return walker.refuse();
        walker.m_opened(walker.m_path);
    }
    static void XMLCALL on_end(void* self, const XML_Char*) {
        Walker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_closed(walker.m_path, walker.m_text);
        walker.m_text.clear();
        walker.m_path.resize(walker.m_lengths.back());
        walker.m_lengths.pop_back();
    }
    static void XMLCALL on_text(void* self, const XML_Char* text, int size) {
        Walker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_text.append(text, static_cast<std::size_t>(size));
        if (walker.m_text.size() > kMostText) walker.refuse();
    }

    Opened m_opened;
    Closed m_closed;
    XML_Parser m_parser = nullptr;
    std::string m_path;
    std::vector<std::size_t> m_lengths;
    std::string m_text;
    bool m_refused = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// An object as the page has it, so far.
struct Found {
    std::optional<std::string> key;
    std::optional<std::uint64_t> size;
    std::string etag;
};

class PageReader {
public:
    Result<ListPage> read(std::string_view xml, std::string_view prefix) {
        Walker walker([&](const std::string& path) { opened(path); },
            [&](const std::string& path, const std::string& text) {
                closed(path, text);
                if (m_wrong) walker.refuse();
            });
        const bool whole = walker.walk(xml);
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
            m_count = number(text);
            if (!m_count) m_wrong = "KeyCount is no number";
        }
    }

    void closed_of_object(std::string_view name, const std::string& text) {
        Found& object = m_found.back();
        if (name == "Key") {
            object.key = text;
        } else if (name == "Size") {
            object.size = number(text);
        } else if (name == "ETag") {
            object.etag = text;
            if (object.etag.size() >= 2 && object.etag.starts_with('"') && object.etag.ends_with('"'))
                object.etag = object.etag.substr(1, object.etag.size() - 2);
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
    Walker walker([](const std::string&) {},
        [&](const std::string& path, const std::string& text) {
            if (path == "/Error/Code") code = text;
        });
    (void)walker.walk(xml);
    const bool letters = code.size() <= 64 && std::ranges::all_of(code, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    return letters ? code : "";
}

}  // namespace sekisho::s3
