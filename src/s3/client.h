// Client: a bucket of S3 or of a server that speaks like it: list by prefix, get many at once. Signs each attempt of a request (s3/sign)
// and has it carried (s3/transfers). Any other request of S3 is one more caller of perform(). Blocks; for one thread, but stop().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "s3/credentials.h"
#include "s3/listing.h"
#include "s3/place.h"
#include "s3/transfers.h"

namespace sekisho::s3 {

struct Request {
    std::string method = "GET";
    std::string key;  // empty: of the bucket
    Pairs query;
    Pairs headers;  // in lower case; signed
    std::string body;
    std::size_t most = 1U << 20;  // bytes of the answer
};

class Client {
public:
    Client(Place place, TransferSettings transfers, CredentialSource credentials);

    /// All objects whose keys begin with the place's prefix, at most `most`; never a part of them. `per_page` is a wish.
    Result<std::vector<Object>> list(std::size_t most, unsigned per_page = 1000);

    /// The same of keys that begin with the prefix and `rest`.
    Result<std::vector<Object>> list_below(std::string_view rest, std::size_t most, unsigned per_page = 1000);

    /// `take(i, content)` once for each key, in any order; an Error for one that the server refuses (gone, forbidden). The Result is about
    /// the server: when it fails, keys are left out.
    Result<void> get(const std::vector<std::string>& keys, std::size_t most_bytes,
        const std::function<void(std::size_t, Result<std::string>)>& take);

    /// `make(i)` for request i; answers of any status but 429 and 5xx, in the order in which they come.
    Result<void> perform(std::size_t count, const std::function<Request(std::size_t)>& make,
        const std::function<void(std::size_t, HttpResponse)>& done);

    Result<HttpResponse> one(const Request& request);

    const Place& place() const { return m_place; }
    /// Any thread: what runs ends with an error, and so does whatever follows.
    void stop();

private:
    Result<HttpRequest> signed_request(Request request, const Credentials& credentials) const;

    Place m_place;
    Transfers m_transfers;
    CredentialSource m_credentials;
};

/// "status 403, SignatureDoesNotMatch": what may be said of an answer. Its rest repeats what was signed: not for logs.
std::string described(const HttpResponse& response);

}  // namespace sekisho::s3
