// TCP and TLS for syslog (RFC 6587, RFC 5425). libcurl makes the connection, with its names, timeouts and certificates, and leaves it to us
// (CURLOPT_CONNECT_ONLY). No receiver of syslog ever answers: what TCP has not brought over, or only a moment ago, is in doubt.
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

#include "base/assert.h"
#include "notify/curl_parts.h"
#include "notify/one_line.h"
#include "notify/stream.h"

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 30s;
constexpr Duration kDoubt = 5s;  // what was told so long ago over a connection that still lives has arrived

class TcpStream final : public Stream {
public:
    TcpStream(TcpSettings settings, Form form, const std::atomic<bool>& stop)
        : m_settings(std::move(settings)), m_form(std::move(form)), m_stop(stop) {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        SEKISHO_ASSERT(ready == CURLE_OK);
    }
    ~TcpStream() override { hang_up(); }

    Result<void> tell(std::span<const model::AuditRecord> records) override {
        const bool doubtful = !m_doubts.empty();
        if (m_easy) {
            // One that hung up while nothing was in doubt is called again, and nobody need know.
            if (auto alive = listen(); !alive && doubtful) return alive;
        }
        if (!m_easy) {
            if (auto connected = connect(); !connected) return connected;
        }
        const TimePoint now = std::chrono::steady_clock::now();
        for (const auto& record : records) {
            m_doubts.told(record.sequence, now);
            if (auto sent = send(m_form(record)); !sent) return sent;
        }
        return {};
    }

    Result<std::uint64_t> certain(std::uint64_t read) override {
        if (m_doubts.empty()) return read;
        if (!m_easy) return failed("the connection is gone");
        if (auto alive = listen(); !alive) return std::unexpected(alive.error());
        if (waiting() == 0) m_doubts.settle(std::chrono::steady_clock::now(), kDoubt);
        return m_doubts.certain(read);
    }

    void finish() override {
        const TimePoint until = std::chrono::steady_clock::now() + kGoodbye;
        while (m_easy && waiting() > 0 && std::chrono::steady_clock::now() < until) (void)::poll(nullptr, 0, 10);
        if (m_easy && waiting() == 0 && listen()) m_doubts.clear();
        hang_up();
    }

private:
    template <class T>
    void set(CURLoption option, T value) {
        const CURLcode code = curl_easy_setopt(m_easy, option, value);
        SEKISHO_ASSERT(code == CURLE_OK);
    }
    void set_blob(CURLoption option, const std::string& pem) {
        curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
        set(option, &blob);
    }

    Result<void> connect() {
        std::string certificate, key;
        if (m_settings.certificate) {
            auto read = m_settings.certificate();
            if (!read) return std::unexpected(read.error());
            certificate = std::move(*read);
            read = m_settings.key();
            if (!read) return std::unexpected(read.error());
            key = std::move(*read);
        }
        m_easy = curl_easy_init();
        SEKISHO_ASSERT(m_easy != nullptr);
        set(CURLOPT_URL, ((m_settings.tls ? "https://" : "http://") + m_settings.authority).c_str());
        set(CURLOPT_CONNECT_ONLY, 1L);
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_NOPROXY, "*");
        set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
        set(CURLOPT_TCP_KEEPALIVE, 1L);
        set(CURLOPT_TCP_KEEPIDLE, 30L);
        set(CURLOPT_TCP_KEEPINTVL, 10L);
        set(CURLOPT_SSL_ENABLE_ALPN, 0L);  // it is no HTTP
        set(CURLOPT_SSL_VERIFYPEER, 1L);
        set(CURLOPT_SSL_VERIFYHOST, 2L);
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!m_settings.authorities.empty()) {
            set_blob(CURLOPT_CAINFO_BLOB, m_settings.authorities);
            set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
        }
        if (!certificate.empty()) {
            set_blob(CURLOPT_SSLCERT_BLOB, certificate);
            set_blob(CURLOPT_SSLKEY_BLOB, key);
            base::wipe(std::as_writable_bytes(std::span(key.data(), key.size())));
        }
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, &watch_stop);
        set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&m_stop));
        std::array<char, CURL_ERROR_SIZE> problem{};
        set(CURLOPT_ERRORBUFFER, problem.data());
        const CURLcode code = curl_easy_perform(m_easy);
        set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
        curl_socket_t fd = CURL_SOCKET_BAD;
        if (code == CURLE_OK) curl_easy_getinfo(m_easy, CURLINFO_ACTIVESOCKET, &fd);
        m_fd = static_cast<int>(fd);
        if (code != CURLE_OK || fd == CURL_SOCKET_BAD)
            return failed(problem[0] != '\0' ? problem.data() : curl_easy_strerror(code));
        return {};
    }

    /// Receivers say nothing; one that is leaving says that.
    Result<void> listen() {
        std::array<char, 1024> heard;
        while (true) {
            std::size_t n = 0;
            const CURLcode code = curl_easy_recv(m_easy, heard.data(), heard.size(), &n);
            if (code == CURLE_AGAIN) return {};
            if (code != CURLE_OK) return failed(curl_easy_strerror(code));
            if (n == 0) return failed("the receiver hung up");
        }
    }

    Result<void> send(std::string_view text) {
        const TimePoint until = std::chrono::steady_clock::now() + kPatience;
        while (!text.empty()) {
            std::size_t n = 0;
            const CURLcode code = curl_easy_send(m_easy, text.data(), text.size(), &n);
            if (code == CURLE_OK) text.remove_prefix(n);
            if (code == CURLE_OK) continue;
            if (code != CURLE_AGAIN) return failed(curl_easy_strerror(code));
            if (m_stop) return failed("the gateway is going down");
            if (std::chrono::steady_clock::now() > until) return failed("it takes nothing");
            pollfd one{m_fd, POLLOUT, 0};
            (void)::poll(&one, 1, static_cast<int>(kPoll.count()));
        }
        return {};
    }

    /// Bytes that TCP has not brought over.
    int waiting() const {
        int bytes = 0;
        return ::ioctl(m_fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
    }

    std::unexpected<Error> failed(std::string_view why) {
        hang_up();
        m_doubts.clear();
        return fail("the receiver at " + m_settings.authority + " cannot be told", one_line(why, 300));
    }

    void hang_up() {
        if (m_easy) curl_easy_cleanup(m_easy);
        m_easy = nullptr;
    }

    const TcpSettings m_settings;
    const Form m_form;
    const std::atomic<bool>& m_stop;
    CURL* m_easy = nullptr;
    int m_fd = -1;
    Doubts m_doubts;
};

}  // namespace

std::unique_ptr<Stream> tcp_stream(TcpSettings settings, Form form, const std::atomic<bool>& stop) {
    return std::make_unique<TcpStream>(std::move(settings), std::move(form), stop);
}

}  // namespace sekisho::notify
