#include <fmt/format.h>

#include "base/assert.h"
#include "crypto/hmac.h"
#include "notify/curl_parts.h"
#include "notify/one_line.h"
#include "notify/record_form.h"
#include "notify/stream.h"

namespace sekisho::notify {
namespace {

constexpr long kTotalMilliseconds = 60'000;

/// What the receiver says is not read further than to the end of its answer.
std::size_t ignore(char*, std::size_t, std::size_t size, void* user) {
    auto& left = *static_cast<std::size_t*>(user);
    if (size > left) return 0;
    left -= size;
    return size;
}

class WebhookStream final : public Stream {
public:
    WebhookStream(WebhookSettings settings, const std::atomic<bool>& stop) : m_settings(std::move(settings)), m_stop(stop) {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        SEKISHO_ASSERT(ready == CURLE_OK);
        m_easy = curl_easy_init();
        SEKISHO_ASSERT(m_easy != nullptr);
    }
    ~WebhookStream() override { curl_easy_cleanup(m_easy); }
    WebhookStream(const WebhookStream&) = delete;
    WebhookStream& operator=(const WebhookStream&) = delete;

    Result<void> tell(std::span<const model::AuditRecord> records) override {
        const auto secrets = m_settings.secrets();
        if (!secrets) return std::unexpected(secrets.error());
        std::string body = "{\"host\":" + quoted(m_settings.host) + ",\"records\":[";
        for (const auto& record : records) body += (body.ends_with('[') ? "" : ",") + json_form(record, m_settings.host);
        body += "]}";
        const std::int64_t seconds = base::unix_seconds(std::chrono::system_clock::now());
        return post(body, webhook_signature(seconds, body, *secrets));
    }

private:
    static std::string quoted(std::string_view text) {
        std::string out = "\"";
        for (const char c : one_line(text)) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out + '"';
    }

    template <class T>
    void set(CURLoption option, T value) {
        const CURLcode code = curl_easy_setopt(m_easy, option, value);
        SEKISHO_ASSERT(code == CURLE_OK);
    }

    Result<void> post(const std::string& body, const std::string& signature) {
        curl_easy_reset(m_easy);  // the connection stays
        curl_slist* lines = nullptr;
        for (const std::string& line : {std::string("Content-Type: application/json"), "Sekisho-Signature: " + signature,
                 std::string("Accept:"), std::string("Expect:")})
            lines = curl_slist_append(lines, line.c_str());
        const std::unique_ptr<curl_slist, ListFree> headers(lines);
        std::size_t room = 1U << 16;
        char problem[CURL_ERROR_SIZE] = {};
        set(CURLOPT_URL, m_settings.url.c_str());
        set(CURLOPT_HTTPHEADER, lines);
        set(CURLOPT_PROTOCOLS_STR, m_settings.url.starts_with("http://") ? "http" : "https");
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_USERAGENT, "sekisho");
        set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
        set(CURLOPT_TIMEOUT_MS, kTotalMilliseconds);
        set(CURLOPT_SSL_VERIFYPEER, 1L);
        set(CURLOPT_SSL_VERIFYHOST, 2L);
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (m_settings.url.starts_with("http://")) set(CURLOPT_NOPROXY, "*");  // it is on this machine
        if (!m_settings.authorities.empty()) {
            curl_blob pem{const_cast<char*>(m_settings.authorities.data()), m_settings.authorities.size(), CURL_BLOB_COPY};
            set(CURLOPT_CAINFO_BLOB, &pem);
            set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
        }
        set(CURLOPT_POSTFIELDS, body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        set(CURLOPT_WRITEFUNCTION, &ignore);
        set(CURLOPT_WRITEDATA, &room);
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, &watch_stop);
        set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&m_stop));
        set(CURLOPT_ERRORBUFFER, problem);
        const CURLcode code = curl_easy_perform(m_easy);
        long status = 0;
        curl_easy_getinfo(m_easy, CURLINFO_RESPONSE_CODE, &status);
        set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
        if (code == CURLE_OK && status >= 200 && status < 300) return {};
        if (code == CURLE_OK) return fail(fmt::format("the webhook answers with status {}", status));
        return fail("the webhook cannot be asked", one_line(problem[0] != '\0' ? problem : curl_easy_strerror(code), 300));
    }

    const WebhookSettings m_settings;
    const std::atomic<bool>& m_stop;
    CURL* m_easy = nullptr;
};

}  // namespace

std::string webhook_signature(std::int64_t seconds, std::string_view body, std::span<const Secret> secrets) {
    std::string out = fmt::format("t={}", seconds);
    const std::string signed_text = fmt::format("{}.{}", seconds, body);
    for (const Secret& secret : secrets)
        out += ",v1=" + base::hex(crypto::hmac_sha256(secret.bytes(), base::view(signed_text)));
    return out;
}

std::unique_ptr<Stream> webhook_stream(WebhookSettings settings, const std::atomic<bool>& stop) {
    return std::make_unique<WebhookStream>(std::move(settings), stop);
}

}  // namespace sekisho::notify
