#include "s3/xml.h"

#include <charconv>
#include <memory>

#include <expat.h>

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostText = 16384;  // a key has at most 1024 bytes, each of them perhaps as %XX

}  // namespace

// They may still be called once for an element that was open and shut in one piece when the parser was stopped.
struct XmlWalker::Handlers {
    static XmlWalker& of(void* self) { return *static_cast<XmlWalker*>(self); }

    static void XMLCALL on_start(void* self, const XML_Char* name, const XML_Char**) {
        XmlWalker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_lengths.push_back(walker.m_path.size());
        walker.m_path += '/';
        walker.m_path += name;
        walker.m_text.clear();
        if (walker.m_lengths.size() > kMostDepth || walker.m_path.size() > kMostText) return walker.refuse();
        walker.m_opened(walker.m_path);
    }
    static void XMLCALL on_end(void* self, const XML_Char*) {
        XmlWalker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_closed(walker.m_path, walker.m_text);
        walker.m_text.clear();
        walker.m_path.resize(walker.m_lengths.back());
        walker.m_lengths.pop_back();
    }
    static void XMLCALL on_text(void* self, const XML_Char* text, int size) {
        XmlWalker& walker = of(self);
        if (walker.m_refused) return;
        walker.m_text.append(text, static_cast<std::size_t>(size));
        if (walker.m_text.size() > kMostText) walker.refuse();
    }
    static void XMLCALL on_document_type(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        of(self).refuse();
    }
};

bool XmlWalker::walk(std::string_view xml, std::size_t most) {
    if (xml.size() > most) return false;
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), XML_ParserFree);
    if (!parser) return false;
    m_parser = parser.get();
    XML_SetUserData(m_parser, this);
    XML_SetElementHandler(m_parser, Handlers::on_start, Handlers::on_end);
    XML_SetCharacterDataHandler(m_parser, Handlers::on_text);
    XML_SetStartDoctypeDeclHandler(m_parser, Handlers::on_document_type);
    const auto status = XML_Parse(m_parser, xml.data(), static_cast<int>(xml.size()), XML_TRUE);
    m_parser = nullptr;
    return status == XML_STATUS_OK && !m_refused;
}

void XmlWalker::refuse() {
    if (!m_refused) XML_StopParser(m_parser, XML_FALSE);
    m_refused = true;
}

std::optional<std::uint64_t> xml_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string without_quotes(std::string_view etag) {
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

}  // namespace sekisho::s3
