// Order of one run: begin what may begin → let libcurl work → take what ended (an answer, or again later) → sleep until there is more.
#include "s3/transfers.h"

#include <algorithm>
#include <vector>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/assert.h"
#include "base/clock.h"
#include "crypto/random.h"

namespace sekisho::s3 {
namespace {

constexpr long kSlowest = 64;  // bytes a second …
constexpr long kSlowFor = 20;  // … for so many seconds, and a transfer is given up
constexpr int kLongestSleep = 1000;  // milliseconds

struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// One connection's worth of work.
struct Transfer {
    CURL* easy = nullptr;
    std::unique_ptr<curl_slist, ListFree> headers;
    HttpRequest request;
    HttpResponse response;
    bool too_long = false;
    char problem[CURL_ERROR_SIZE] = {};
    std::size_t index = 0;
    unsigned attempt = 0;
};

struct Waiting {
    std::size_t index;
    unsigned attempt;
    TimePoint due;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.response.body.size() + size > transfer.request.most) {
        transfer.too_long = true;
        return 0;
    }
    transfer.response.body.append(data, size);
    return size;
}

/// A line of the answer's head. What stood in an earlier one ("100 Continue") does not count.
std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
    constexpr std::size_t kMost = 1024;
    auto& transfer = *static_cast<Transfer*>(user);
    std::string_view line(data, size);
    if (line.starts_with("HTTP/")) transfer.response.headers.clear();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || size > kMost) return size;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    line.remove_prefix(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    if (std::ranges::find(kHeadersKept, name) != std::end(kHeadersKept))
        transfer.response.headers.emplace_back(std::move(name), std::string(line));
    return size;
}

bool worth_another_attempt(int status) { return status == 429 || status >= 500; }

/// Half of it at least, all of it at most.
Duration scattered(Duration pause) {
    std::uint16_t random = 0;
    crypto::system_random().fill(std::as_writable_bytes(std::span(&random, 1)));
    return pause / 2 + pause / 2 * random / 65535;
}

}  // namespace

struct Transfers::State {
    explicit State(TransferSettings wanted) : settings(std::move(wanted)) {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        SEKISHO_ASSERT(ready == CURLE_OK);
        multi = curl_multi_init();
        SEKISHO_ASSERT(multi != nullptr);
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(settings.parallel));
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(settings.parallel));
    }
    ~State() {
        drop_all();
        for (const auto& one : idle) curl_easy_cleanup(one->easy);
        curl_multi_cleanup(multi);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::unique_ptr<Transfer> idle_one() {
        if (!idle.empty()) {
            auto one = std::move(idle.back());
            idle.pop_back();
            return one;
        }
        auto one = std::make_unique<Transfer>();
        one->easy = curl_easy_init();
        SEKISHO_ASSERT(one->easy != nullptr);
        return one;
    }

    void begin(std::size_t index, unsigned attempt, HttpRequest request);
    void prepare(Transfer& transfer);
    std::unique_ptr<Transfer> ended(CURL* easy);
    Result<void> take(
        std::unique_ptr<Transfer> transfer, CURLcode code, const std::function<void(std::size_t, HttpResponse)>& done);
    void drop_all();

    TransferSettings settings;
    CURLM* multi = nullptr;
    std::vector<std::unique_ptr<Transfer>> idle, running;
    std::vector<Waiting> waiting;
    std::atomic<bool> stopped = false;
};

void Transfers::State::prepare(Transfer& transfer) {
    CURL* easy = transfer.easy;
    curl_easy_reset(easy);  // connections and what TLS remembers stay
    const auto set = [easy](CURLoption option, auto value) {
        const CURLcode code = curl_easy_setopt(easy, option, value);
        SEKISHO_ASSERT(code == CURLE_OK);
    };
    curl_slist* headers = nullptr;
    bool typed = false;
    for (const auto& [name, value] : transfer.request.headers) {
        headers = curl_slist_append(headers, (name + ": " + value).c_str());
        typed = typed || name == "content-type";
    }
    // libcurl's own, which nobody signed.
    for (const char* one : {"Accept:", "Expect:", "Content-Type:"}) {
        if (!typed || std::string_view(one) != "Content-Type:") headers = curl_slist_append(headers, one);
    }
    transfer.headers.reset(headers);
    set(CURLOPT_URL, transfer.request.url.c_str());
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_PROTOCOLS_STR, settings.plain ? "http,https" : "https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PATH_AS_IS, 1L);  // a key may be called a/../b
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "sekisho");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(settings.connect_timeout).count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(settings.total_timeout).count()));
    set(CURLOPT_LOW_SPEED_LIMIT, kSlowest);
    set(CURLOPT_LOW_SPEED_TIME, kSlowFor);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (settings.direct) set(CURLOPT_NOPROXY, "*");
    if (!settings.authorities.empty()) {
        curl_blob pem{settings.authorities.data(), settings.authorities.size(), CURL_BLOB_NOCOPY};
        set(CURLOPT_CAINFO_BLOB, &pem);
        set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    if (transfer.request.method != "GET") set(CURLOPT_CUSTOMREQUEST, transfer.request.method.c_str());
    if (transfer.request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (transfer.request.method == "PUT" || transfer.request.method == "POST") {
        set(CURLOPT_POSTFIELDS, transfer.request.body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.request.body.size()));
    }
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_ERRORBUFFER, transfer.problem);
    set(CURLOPT_PRIVATE, &transfer);
}

void Transfers::State::begin(std::size_t index, unsigned attempt, HttpRequest request) {
    auto transfer = idle_one();
    transfer->request = std::move(request);
    transfer->response = {};
    transfer->too_long = false;
    transfer->problem[0] = '\0';
    transfer->index = index;
    transfer->attempt = attempt;
    prepare(*transfer);
    curl_multi_add_handle(multi, transfer->easy);
    running.push_back(std::move(transfer));
}

std::unique_ptr<Transfer> Transfers::State::ended(CURL* easy) {
    const auto found = std::ranges::find(running, easy, [](const auto& one) { return one->easy; });
    SEKISHO_ASSERT(found != running.end());
    auto transfer = std::move(*found);
    running.erase(found);
    curl_multi_remove_handle(multi, easy);
    return transfer;
}

/// An answer for the caller, another attempt later, or the error that ends the run.
Result<void> Transfers::State::take(
    std::unique_ptr<Transfer> transfer, CURLcode code, const std::function<void(std::size_t, HttpResponse)>& done) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->response.status = static_cast<int>(status);
    const std::size_t index = transfer->index;
    const unsigned attempt = transfer->attempt;
    HttpResponse response = std::move(transfer->response);
    const bool too_long = transfer->too_long;
    const std::string problem = transfer->problem[0] != '\0' ? transfer->problem : curl_easy_strerror(code);
    idle.push_back(std::move(transfer));

    if (too_long) return fail("an answer is longer than was asked for");
    const bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    if (code == CURLE_OK && !worth_another_attempt(response.status)) {
        done(index, std::move(response));
        return {};
    }
    if (attempt + 1 < settings.attempts && !untrusted) {
        const auto pause = scattered(settings.first_pause * (1U << std::min(attempt, 10U)));
        waiting.push_back({index, attempt + 1, std::chrono::steady_clock::now() + pause});
        return {};
    }
    if (code == CURLE_OK) return fail(fmt::format("the server answers with status {}", response.status));
    return fail("the server cannot be asked", problem);
}

void Transfers::State::drop_all() {
    while (!running.empty()) idle.push_back(ended(running.back()->easy));
    waiting.clear();
}

Transfers::Transfers(TransferSettings settings) : m_state(std::make_unique<State>(std::move(settings))) {}
Transfers::~Transfers() = default;
Transfers::Transfers(Transfers&&) noexcept = default;
Transfers& Transfers::operator=(Transfers&&) noexcept = default;

void Transfers::stop() {
    m_state->stopped = true;
    curl_multi_wakeup(m_state->multi);
}

Result<void> Transfers::run(std::size_t count, const std::function<Result<HttpRequest>(std::size_t)>& make,
    const std::function<void(std::size_t, HttpResponse)>& done) {
    State& state = *m_state;
    const auto work = [&]() -> Result<void> {
        std::size_t next = 0;
        while (next < count || !state.running.empty() || !state.waiting.empty()) {
            if (state.stopped) return fail("the gateway is going down");
            const TimePoint now = std::chrono::steady_clock::now();
            while (state.running.size() < state.settings.parallel) {
                const auto due = std::ranges::find_if(state.waiting, [&](const Waiting& one) { return one.due <= now; });
                // While somebody has to wait the server is out of breath, and nobody new begins.
                if (due == state.waiting.end() && (next == count || !state.waiting.empty())) break;
                Waiting one{next, 0, now};
                if (due != state.waiting.end()) {
                    one = *due;
                    state.waiting.erase(due);
                } else {
                    ++next;
                }
                auto request = make(one.index);
                if (!request) return std::unexpected(request.error());
                state.begin(one.index, one.attempt, std::move(*request));
            }
            int active = 0;
            curl_multi_perform(state.multi, &active);
            int left = 0;
            bool ended = false;
            while (const CURLMsg* message = curl_multi_info_read(state.multi, &left)) {
                if (message->msg != CURLMSG_DONE) continue;
                ended = true;
                const CURLcode code = message->data.result;
                if (auto taken = state.take(state.ended(message->easy_handle), code, done); !taken) return taken;
            }
            if (ended) continue;  // and fill the places that are free
            int sleep = kLongestSleep;
            for (const Waiting& one : state.waiting) {
                const auto until = std::chrono::ceil<std::chrono::milliseconds>(one.due - std::chrono::steady_clock::now());
                sleep = std::clamp(static_cast<int>(until.count()), 0, sleep);
            }
            curl_multi_poll(state.multi, nullptr, 0, sleep, nullptr);
        }
        return {};
    };
    auto result = work();
    state.drop_all();
    return result;
}

Result<HttpResponse> Transfers::one(const std::function<Result<HttpRequest>()>& make) {
    HttpResponse answer;
    auto ran = run(
        1, [&](std::size_t) { return make(); }, [&](std::size_t, HttpResponse response) { answer = std::move(response); });
    if (!ran) return std::unexpected(ran.error());
    return answer;
}

}  // namespace sekisho::s3
