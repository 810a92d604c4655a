// The admin API as a function from request to response, over the store and, where one runs, the gateway. Served on the admin
// socket by web/server; called in-process by the CLI when no gateway listens. One thread at a time (the store's rule).
//   GET /v1/sessions[?user=&target=&live=1&most=]  GET|DELETE /v1/sessions/ID   GET /v1/audit[?kind=&session=&after=&most=]
//   GET /v1/access   POST /v1/apply   GET /v1/explain?user=&target=[&as=&from=&at=&forward=&anytime=1]   GET /v1/recordings   GET /v1/ca
//   GET /v1/penalties
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/config.h"
#include "model/live.h"
#include "store/store.h"

namespace sekisho::web {

struct Request {
    std::string method;
    std::string path;
    std::map<std::string, std::string, std::less<>> query;
    std::string body;
    std::string actor;  // who asks, for audit records: "uid 0"

    /// Splits and decodes "/v1/sessions?user=a%20b"; nothing on a malformed target.
    static std::optional<Request> from_target(std::string_view method, std::string_view target);
    /// The value of a query parameter; empty when it is missing.
    const std::string& parameter(std::string_view name) const;
    bool flag(std::string_view name) const;  // "1" or "true"
};

struct Response {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
};

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
std::string url_encoded(std::string_view text);

inline constexpr std::size_t kMostBodyBytes = 128U << 20;  // an access file of 64 MiB, escaped

class Api {
public:
    /// `live` may be null: no gateway in this process.
    Api(store::Store& store, model::LiveGateway* live, const model::Config& config)
        : m_store(store), m_live(live), m_config(config) {}

    Response handle(const Request& request, WallTime now);

private:
    Response sessions(const Request& request);
    Response session(const Request& request, const std::string& id);
    Response end_session(const Request& request, const std::string& id, WallTime now);
    Response audit(const Request& request);
    Response recordings(const Request& request);
    Response access();
    Response apply(const Request& request, WallTime now);
    Response explain(const Request& request, WallTime now);
    Response penalties();
    Response certificate_authorities();

    store::Store& m_store;
    model::LiveGateway* m_live;
    const model::Config& m_config;
};

}  // namespace sekisho::web
