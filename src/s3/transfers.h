// Transfers: many HTTP requests over few connections that are used again (libcurl's multi handle), each bounded in size and time and
// tried again with growing, scattered pauses while its server is out of breath. Knows HTTP and nothing of S3. Blocks: for a thread of
// its own, which one stop() from any thread sets free. One caller at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "s3/sign.h"

namespace sekisho::s3 {

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    Pairs headers;
    std::string body;
    std::size_t most = 1U << 20;  // bytes of the answer
};

struct HttpResponse {
    int status = 0;
    std::string body;
    Pairs headers;  // those of kHeadersKept that came, names in lower case
};
inline constexpr std::string_view kHeadersKept[] = {"content-length", "content-range", "etag"};

struct TransferSettings {
    std::string authorities;  // PEM; empty: the system's
    bool plain = false;  // http, too
    unsigned parallel = 16;
    unsigned attempts = 4;
    std::chrono::milliseconds first_pause{250};  // doubled with each attempt, then halved or not, as it comes
    std::chrono::seconds connect_timeout{10};
    std::chrono::seconds total_timeout{60};
    bool direct = false;  // by no proxy of the environment
};

class Transfers {
public:
    explicit Transfers(TransferSettings settings);
    ~Transfers();
    Transfers(Transfers&&) noexcept;
    Transfers& operator=(Transfers&&) noexcept;

    /// `make(i)` for each attempt of request i of `count`, so that it can be signed anew; `done(i, response)` once for each, in the order
    /// in which they end. The first that no attempt brought an answer to ends all: a server that is gone is not asked ten thousand times.
    Result<void> run(std::size_t count, const std::function<Result<HttpRequest>(std::size_t)>& make,
        const std::function<void(std::size_t, HttpResponse)>& done);
    Result<HttpResponse> one(const std::function<Result<HttpRequest>()>& make);

    /// Any thread: what runs ends with an error, and so does whatever follows.
    void stop();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace sekisho::s3
