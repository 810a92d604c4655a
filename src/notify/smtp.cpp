#include "notify/smtp.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/clock.h"
#include "notify/curl_parts.h"
#include "notify/one_line.h"

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kConnect{20};
// RFC 5321 §4.5.3.2: patient with the answer to a mail that was handed over whole, because whoever leaves then does not know whether it
// arrived, and must send it again.
constexpr std::chrono::seconds kSilenceBefore{60};
constexpr std::chrono::seconds kSilenceBehind{600};

struct MimeFree {
    void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};

/// libcurl's own words about what went wrong, and the relay's.
struct Watch {
    const std::atomic<bool>* stop = nullptr;
    curl_off_t sent = -1;
    TimePoint since{};
    bool silent = false;
    std::string last_line;  // of the relay's refusals
};

int progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
    auto& watch = *static_cast<Watch*>(user);
    const TimePoint now = std::chrono::steady_clock::now();
    if (sent != watch.sent) {
        watch.sent = sent;
        watch.since = now;
    }
    watch.silent = now - watch.since > (sent > 0 ? kSilenceBehind : kSilenceBefore);
    return *watch.stop || watch.silent ? 1 : 0;
}

/// Each line of the relay's answers. Behind a refusal comes the farewell, which says nothing.
std::size_t heard(char* data, std::size_t, std::size_t size, void* user) {
    const std::string_view line(data, size);
    if (line.starts_with('4') || line.starts_with('5')) static_cast<Watch*>(user)->last_line = one_line(line, 200);
    static_cast<Watch*>(user)->since = std::chrono::steady_clock::now();
    return size;
}

Delivery judged(CURLcode code, long answer, const Watch& watch, const char* problem) {
    using enum Delivery::Outcome;
    if (code == CURLE_OK) return {Accepted, {}};
    if (*watch.stop) return {Unreachable, "the gateway is going down"};
    if (watch.silent) return {Unreachable, "the relay says nothing"};
    const bool said_no = code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY;
    // 421: the relay is closing.
    if (said_no && answer >= 400 && answer < 600 && answer != 421) {
        std::string_view line = watch.last_line;
        while (line.ends_with('_')) line.remove_suffix(1);
        return {Refused, line.empty() ? fmt::format("the relay answers {}", answer) : std::string(line)};
    }
    const std::string why = one_line(problem[0] != '\0' ? problem : curl_easy_strerror(code), 300);
    if (code == CURLE_LOGIN_DENIED) return {Unreachable, "the relay refuses mail.user and its password: " + why};
    if (code == CURLE_USE_SSL_FAILED)
        return {Unreachable, "the relay offers no TLS (mail.tls = \"none\" would do without): " + why};
    return {Unreachable, why};
}

}  // namespace

struct Smtp::State {
    State(const RelaySettings& wanted, const std::atomic<bool>& stopped) : settings(wanted), stop(stopped) {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        SEKISHO_ASSERT(ready == CURLE_OK);
        easy = curl_easy_init();
        SEKISHO_ASSERT(easy != nullptr);
    }
    ~State() { curl_easy_cleanup(easy); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Result<void> prepare();
    template <class T>
    void set(CURLoption option, T value) {
        const CURLcode code = curl_easy_setopt(easy, option, value);
        SEKISHO_ASSERT(code == CURLE_OK);
    }

    const RelaySettings& settings;
    const std::atomic<bool>& stop;
    CURL* easy = nullptr;
    bool prepared = false;
};

Result<void> Smtp::State::prepare() {
    if (prepared) return {};
    set(CURLOPT_URL, (settings.url + "/" + settings.host).c_str());  // the path is what EHLO says
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(kConnect).count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(kSilenceBehind.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_USE_SSL, static_cast<long>(settings.tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings.authorities.empty()) {
        curl_blob pem{const_cast<char*>(settings.authorities.data()), settings.authorities.size(), CURL_BLOB_COPY};
        set(CURLOPT_CAINFO_BLOB, &pem);
        set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    if (!settings.user.empty()) {
        if (!settings.tls) return fail("a password is not sent without TLS");
        auto password = settings.password();
        if (!password) return std::unexpected(password.error());
        Secret ended(password->size() + 1);
        std::copy(password->bytes().begin(), password->bytes().end(), ended.bytes().begin());
        set(CURLOPT_USERNAME, settings.user.c_str());
        set(CURLOPT_PASSWORD, reinterpret_cast<const char*>(ended.bytes().data()));
        set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
        set(CURLOPT_SASL_IR, 1L);
    }
    prepared = true;
    return {};
}

Smtp::Smtp(const RelaySettings& settings, const std::atomic<bool>& stop)
    : m_state(std::make_unique<State>(settings, stop)) {}
Smtp::~Smtp() = default;

Delivery Smtp::send(const Mail& mail) {
    State& state = *m_state;
    if (const auto ready = state.prepare(); !ready) return {Delivery::Outcome::Unreachable, ready.error().full()};
    const CurlList recipients(curl_slist_append(nullptr, ("<" + mail.to + ">").c_str()));
    curl_slist* lines = nullptr;
    for (const std::string& header : headers_of(mail)) lines = curl_slist_append(lines, header.c_str());
    const CurlList headers(lines);
    const std::unique_ptr<curl_mime, MimeFree> mime(curl_mime_init(state.easy));
    curl_mimepart* part = curl_mime_addpart(mime.get());
    curl_mime_data(part, mail.text.data(), mail.text.size());
    curl_mime_type(part, "text/plain; charset=utf-8");
    curl_mime_encoder(part, "base64");

    Watch watch;
    watch.stop = &state.stop;
    watch.since = std::chrono::steady_clock::now();
    char problem[CURL_ERROR_SIZE] = {};
    state.set(CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
    state.set(CURLOPT_MAIL_RCPT, recipients.get());
    state.set(CURLOPT_HTTPHEADER, headers.get());
    state.set(CURLOPT_MIMEPOST, mime.get());
    state.set(CURLOPT_NOPROGRESS, 0L);
    state.set(CURLOPT_XFERINFOFUNCTION, &progress);
    state.set(CURLOPT_XFERINFODATA, &watch);
    state.set(CURLOPT_HEADERFUNCTION, &heard);
    state.set(CURLOPT_HEADERDATA, &watch);
    state.set(CURLOPT_ERRORBUFFER, problem);
    const CURLcode code = curl_easy_perform(state.easy);
    long answer = 0;
    curl_easy_getinfo(state.easy, CURLINFO_RESPONSE_CODE, &answer);
    const Delivery delivery = judged(code, answer, watch, problem);
    state.set(CURLOPT_MIMEPOST, static_cast<curl_mime*>(nullptr));
    state.set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
    state.set(CURLOPT_MAIL_RCPT, static_cast<curl_slist*>(nullptr));
    state.set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    return delivery;
}

}  // namespace sekisho::notify
