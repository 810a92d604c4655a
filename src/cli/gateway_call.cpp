#include "cli/gateway_call.h"

#include <curl/curl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "store/store.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

constexpr std::size_t kMostAnswerBytes = 512U << 20;
constexpr std::chrono::milliseconds kPatience{120'000};
constexpr std::chrono::milliseconds kPatienceOfAShell{2'000};

struct Answer {
    long status = 0;
    std::string body;
};

std::size_t take(const char* data, std::size_t size, std::size_t count, void* into) {
    auto& body = *static_cast<std::string*>(into);
    if (body.size() + size * count > kMostAnswerBytes) return 0;  // ends the transfer with an error
    body.append(data, size * count);
    return size * count;
}

/// Nothing when no gateway listens at the socket.
Result<std::optional<Answer>> over_socket(const std::string& socket, std::string_view method, const std::string& target,
    const std::string& body, std::chrono::milliseconds patience = kPatience) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) return fail("cannot begin an HTTP request");
    const std::string url = "http://gateway" + target;
    const std::string verb(method);
    Answer answer;
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(nullptr, "Expect:"), curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, verb.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
    if (method == "POST" || method == "PUT" || method == "PATCH") {
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
    }
    const CURLcode code = curl_easy_perform(curl.get());
    if (code == CURLE_COULDNT_CONNECT) {
        long system_error = 0;
        curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &system_error);
        const bool forbidden = system_error == EACCES || (system_error == 0 && ::access(socket.c_str(), F_OK) == 0 &&
                                                             ::access(socket.c_str(), W_OK) != 0);
        if (forbidden)
            return fail("permission denied for the admin socket " + socket +
                        "; run this as root, as the gateway's account, or as one that admin.admins, admin.auditors or "
                        "admin.operators names");
        return std::nullopt;
    }
    if (code != CURLE_OK) return fail("the gateway did not answer", curl_easy_strerror(code));
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

Result<Answer> in_process(
    const model::Config& config, std::string_view method, const std::string& target, std::string body) {
    if (::access(config.data_dir.c_str(), F_OK) != 0)
        return fail("there is no " + config.data_dir + " yet; make it with `sekisho init`");
    auto store = store::open_store(config.store_url, config.data_dir);
    if (!store) return std::unexpected(store.error());
    auto request = web::Request::from_target(method, target);
    if (!request) return fail("the request is malformed");
    request->body = std::move(body);
    request->actor = fmt::format("uid {}", ::getuid());
    request->grants = web::Grants::everything();  // whoever may open the store
    web::Api api(**store, nullptr, config);
    web::Response response = api.handle(*request, std::chrono::system_clock::now());
    return Answer{response.status, std::move(response.body)};
}

/// Of the running gateway, or of this process where none runs.
Result<Answer> answer_of(const Context& context, std::string_view method, const std::string& target, std::string body) {
    const auto config = context.config();
    if (!config) return std::unexpected(config.error());
    auto live = over_socket(config->path(config->admin_socket), method, target, body);
    if (!live) return std::unexpected(live.error());
    if (*live) return std::move(**live);
    return in_process(*config, method, target, std::move(body));
}

struct Streaming {
    CURL* curl;
    const std::function<bool(std::string_view)>& take;
    Answer answer;  // of a refusal, its body
    bool left = false;
};

std::size_t take_piece(const char* data, std::size_t size, std::size_t count, void* into) {
    auto& streaming = *static_cast<Streaming*>(into);
    curl_easy_getinfo(streaming.curl, CURLINFO_RESPONSE_CODE, &streaming.answer.status);
    if (streaming.answer.status != 200) return take(data, size, count, &streaming.answer.body);
    streaming.left = !streaming.take({data, size * count});
    return streaming.left ? 0 : size * count;
}

/// The API's text where it refused.
Result<void> accepted(const Answer& answer) {
    if (answer.status >= 200 && answer.status <= 299) return {};
    const auto json = JsonView::parse(answer.body);
    std::string text = json ? json->text("error") : std::string();
    return fail(text.empty() ? fmt::format("the gateway answered {}", answer.status) : std::move(text));
}

}  // namespace

Result<JsonView> call_gateway(
    const Context& context, std::string_view method, const std::string& target, std::string body, long* status) {
    const auto answer = answer_of(context, method, target, std::move(body));
    if (!answer) return std::unexpected(answer.error());
    if (status) *status = answer->status;
    if (auto fine = accepted(*answer); !fine) return std::unexpected(fine.error());
    auto json = JsonView::parse(answer->body);
    if (!json) return fail(fmt::format("the gateway's answer ({}) is not understood", answer->status));
    return std::move(*json);
}

Result<std::string> fetch_from_gateway(const Context& context, const std::string& target) {
    auto answer = answer_of(context, "GET", target, {});
    if (!answer) return std::unexpected(answer.error());
    if (auto fine = accepted(*answer); !fine) return std::unexpected(fine.error());
    return std::move(answer->body);
}

std::optional<JsonView> ask_gateway_quietly(const Context& context, const std::string& target) {
    const auto config = context.config();
    if (!config) return std::nullopt;
    const auto answer = over_socket(config->path(config->admin_socket), "GET", target, {}, kPatienceOfAShell);
    if (!answer || !*answer || !accepted(**answer)) return std::nullopt;
    return JsonView::parse((*answer)->body);
}

bool gateway_listens(const Context& context) {
    const auto config = context.config();
    if (!config) return false;
    const auto answer = over_socket(config->path(config->admin_socket), "GET", "/v1/penalties", {});
    return !answer || *answer;
}

std::string with_query(std::string path, const std::vector<std::pair<std::string, std::string>>& query) {
    char separator = '?';
    for (const auto& [name, value] : query) {
        if (value.empty()) continue;
        path += separator + name + "=" + web::url_encoded(value);
        separator = '&';
    }
    return path;
}

Result<void> stream_from_gateway(
    const Context& context, const std::string& target, const std::function<bool(std::string_view)>& take) {
    const auto config = context.config();
    if (!config) return std::unexpected(config.error());
    const std::string socket = config->path(config->admin_socket);
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) return fail("cannot begin an HTTP request");
    const std::string url = "http://gateway" + target;
    Streaming streaming{.curl = curl.get(), .take = take, .answer = {}};
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &streaming);
    const CURLcode code = curl_easy_perform(curl.get());
    if (code == CURLE_COULDNT_CONNECT)
        return fail("no gateway answers at " + socket + ", or this account may not use it: only what runs can be watched");
    if (streaming.left) return {};
    if (code != CURLE_OK) return fail("the gateway is gone", curl_easy_strerror(code));
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &streaming.answer.status);
    return accepted(streaming.answer);
}

}  // namespace sekisho::cli
