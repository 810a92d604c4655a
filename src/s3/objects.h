// Objects: whole objects of a bucket: put, look at, read a piece, remove; and those that are put in parts. Keys are whole keys. An answer
// that nobody gave (no server, 5xx after several attempts) and one that refuses are both an Error: the next attempt is the caller's.
// Blocks; one thread, but the Client's stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "s3/client.h"
#include "s3/multipart.h"

namespace sekisho::s3 {

/// By the server, of what it keeps.
struct Encryption {
    enum class Kind { None, Aes256, Kms };
    Kind kind = Kind::None;
    std::string kms_key;  // empty: the account's own for S3
};
/// "AES256", "aws:kms", "none".
std::optional<Encryption::Kind> parse_encryption(std::string_view text);

class Objects {
public:
    Objects(std::unique_ptr<Client> client, Encryption encryption) : m_client(std::move(client)), m_encryption(std::move(encryption)) {}

    /// The size of each, in any order; nothing: there is no such object.
    Result<void> sizes(const std::vector<std::string>& keys,
        const std::function<void(std::size_t, Result<std::optional<std::uint64_t>>)>& take);
    /// Many small ones at once: `body(i)` for each attempt, `done(i, …)` once each. The Result is about the server.
    Result<void> put(const std::vector<std::string>& keys, const std::function<std::string(std::size_t)>& body,
        const std::function<void(std::size_t, Result<void>)>& done);
    /// At most `most` bytes from `offset` on; empty behind the end. An Error where there is no such object.
    Result<std::string> read(const std::string& key, std::uint64_t offset, std::size_t most);
    /// Also where it was gone already.
    Result<void> remove(const std::string& key);

    Result<std::string> begin(const std::string& key);
    /// The part's tag.
    Result<std::string> put_part(const std::string& key, const std::string& id, unsigned number, std::string body);
    Result<std::vector<Upload>> uploads(const std::string& prefix);
    Result<std::vector<Part>> parts(const Upload& upload);
    Result<void> complete(const Upload& upload, const std::vector<Part>& parts);
    /// Also where it was gone already.
    Result<void> abort(const Upload& upload);

    Client& client() const { return *m_client; }

private:
    Pairs encryption() const;

    const std::unique_ptr<Client> m_client;
    const Encryption m_encryption;
};

}  // namespace sekisho::s3
