// XmlWalker: an answer of S3 in XML, element by element. Read with expat, which follows no reference to anywhere; a document type is
// refused, and with it every entity of somebody else's making. Private to s3; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct XML_ParserStruct;

namespace sekisho::s3 {

/// Calls `opened` and `closed` with the path of each element ("/ListBucketResult/Contents/Key") and, at its end, its text.
class XmlWalker {
public:
    using Opened = std::function<void(const std::string& path)>;
    using Closed = std::function<void(const std::string& path, const std::string& text)>;

    XmlWalker(Opened opened, Closed closed) : m_opened(std::move(opened)), m_closed(std::move(closed)) {}

    /// False: not a whole, plain XML document of at most `most` bytes, or refused by refuse().
    bool walk(std::string_view xml, std::size_t most);
    void refuse();

private:
    struct Handlers;

    Opened m_opened;
    Closed m_closed;
    XML_ParserStruct* m_parser = nullptr;
    std::string m_path;
    std::vector<std::size_t> m_lengths;
    std::string m_text;
    bool m_refused = false;
};

std::optional<std::uint64_t> xml_number(std::string_view text);
/// An entity tag as it is compared.
std::string without_quotes(std::string_view etag);

}  // namespace sekisho::s3
