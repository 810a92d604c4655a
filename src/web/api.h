// The admin API as a function from request to response, over the store and, where one runs, the gateway. Served on the admin
// socket by web/server; called in-process by the CLI when no gateway listens. One thread at a time (the store's rule).
// What can be asked stands in one table (web/routes.cpp), from which requests are routed, permitted and described (GET /openapi.json).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/config.h"
#include "model/difference.h"
#include "model/live.h"
#include "store/store.h"
#include "web/grants.h"

namespace sekisho::notify {
class MailQueue;
}

namespace sekisho::web {

struct Request {
    std::string method;
    std::string path;
    std::map<std::string, std::string, std::less<>> query;
    std::string body;
    std::string actor;  // who asks, for audit records: "uid 0"
    Grants grants;  // what they may do: nothing, where nobody said so

    /// Splits and decodes "/v1/sessions?user=a%20b"; nothing on a malformed target.
    static std::optional<Request> from_target(std::string_view method, std::string_view target);
    /// The value of a query parameter; empty when it is missing.
    const std::string& parameter(std::string_view name) const;
    bool flag(std::string_view name) const;  // "1" or "true"
};

/// More of a body, as it comes. Made by the API, read by the server on its thread.
class BodyStream {
public:
    virtual ~BodyStream() = default;
    /// What there is by now.
    virtual std::string take() = 0;
    /// Nothing comes any more.
    virtual bool over() const = 0;
    /// It ended too early: whoever reads must not take it for whole.
    virtual bool broken() const { return false; }
    /// `more` is called on any thread when there is something after take() gave nothing; it returns at once.
    virtual void on_more(std::function<void()> more) = 0;
    /// Nobody reads any more, and on_more's function is not called again.
    virtual void leave() = 0;
};

struct Response {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::shared_ptr<BodyStream> stream;  // what follows the body, where something does
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

    struct Route;  // web/routes.h
    static const std::vector<Route>& routes();

private:
    /// One request on its route: `name` is what stands in the path for {name}, `kind` what the route is about (user, target, rule).
    struct Call {
        const Request& request;
        WallTime now;
        std::string name;
        std::string_view kind;
    };
    Response refused(const Request& request, WallTime now, std::string text);
    Response describe(const Call& call);

    Response sessions(const Call& call);
    Response session(const Call& call);
    Response end_session(const Call& call);
    Response watch_session(const Call& call);
    Response audit(const Call& call);
    Response recordings(const Call& call);
    Response recording_content(const Call& call);
    Response fetched(const Call& call, const std::string& audit_key);
    Response bucket(const Call& call);
    Response penalties(const Call& call);
    Response search(const Call& call);

    Response access(const Call& call);
    Response apply(const Call& call);
    Response explain(const Call& call);

    // Changes of one thing: api_edit.cpp, api_groups.cpp, api_keys.cpp.
    using Edit = std::function<Result<void>(model::Access& access)>;
    /// Makes `edit` of the access as it is, in one transaction with an audit record for each change. Where somebody else was quicker it
    /// is made again of what they left, unless the caller stated the version that it saw: then it is refused.
    Response change(const Call& call, const Edit& edit);
    Response store_change(const Call& call, const model::Access& before, const model::Access& after,
        const std::vector<std::string>& warnings, bool& too_late);
    Response list_objects(const Call& call);
    Response show_object(const Call& call);
    Response add_object(const Call& call);
    Response set_object(const Call& call);
    Response remove_object(const Call& call);
    Response list_groups(const Call& call);
    Response show_group(const Call& call);
    Response set_group(const Call& call);
    Response change_group(const Call& call);
    Response remove_group(const Call& call);
    Response list_keys(const Call& call);
    Response add_keys(const Call& call);
    Response set_key(const Call& call);
    Response remove_key(const Call& call);

    Response secrets_of(const std::string& target, const std::vector<std::string>& warnings);
    Response list_secrets(const Call& call);
    Response set_secret(const Call& call);
    Response remove_secret(const Call& call);

    notify::MailQueue mails() const;
    Response changed_mails(const Call& call, const char* kind, const std::vector<std::string>& ids);
    Response list_mails(const Call& call);
    Response show_mail(const Call& call);
    Response retry_mails(const Call& call);
    Response remove_mail(const Call& call);
    Response test_mail(const Call& call);

    Result<model::UserCa> user_ca();
    Response certificate_authorities(const Call& call);
    Response ca_text(const Call& call);
    Response ca_step(const Call& call);

    store::Store& m_store;
    model::LiveGateway* m_live;
    const model::Config& m_config;
    // Refusals are audited one by one, up to a number each minute: whoever may connect causes them.
    WallTime m_minute{};
    unsigned m_refused = 0;
};

}  // namespace sekisho::web
