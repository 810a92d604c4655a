// KeyLink: one loop's Signer. Requests that a turn made go to the keyholder together at the turn's end; replies come as a turn of
// their own. Without a keyholder every request fails at once, with a text for the user; a new one takes over by adopt(). Owned by
// LoopHome; loop thread only, but for the counters.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>

#include "gateway/store_worker.h"
#include "keyholder/messages.h"
#include "net/stream.h"

namespace sekisho::gateway {

class KeyLink final : public keyholder::Signer, net::StreamHandler, net::TurnEnd {
public:
    /// For users. The error's detail says more.
    static constexpr const char* kCannotSign = "the gateway cannot sign just now; try again in a moment";

    /// `store` gets an audit record of each refusal, also of requests that nobody here made.
    KeyLink(net::Loop& loop, StoreWorker& store) : m_loop(loop), m_store(store) {}
    ~KeyLink() override;

    /// Takes over a connected stream socket; what the one before has not answered fails.
    void adopt(int fd);
    bool linked() const { return m_stream != nullptr; }

    void sign_exchange(std::size_t key, const std::string& algorithm, BytesView hash, Done done) override;
    void prove_host_key(std::size_t key, const std::string& algorithm, BytesView session_id, Done done) override;
    void certify(const keyholder::CertificateWish& wish, Done done) override;
    void certify_host(const keyholder::HostCertificateWish& wish, Done done) override;
    void sign_as_stored(
        const keyholder::StoredCredential& credential, const std::string& algorithm, BytesView data, Done done) override;
    void open_password(const keyholder::StoredCredential& credential, Done done) override;

    /// A step of the user CA; the answer is UserCaKeys.
    void change_user_ca(model::CaStep step, Done done);
    /// A credential for the store; the answer is WrappedSecret.
    void wrap_secret(keyholder::WrapSecret secret, Done done);

    /// Any thread: signatures with host keys since the last call.
    std::uint64_t take_host_signatures() { return m_host_signatures.exchange(0, std::memory_order_relaxed); }

private:
    std::size_t stream_read(MutableBytes bytes) override;
    void stream_writable() override;
    void stream_ended() override;
    void stream_broken(const Error& error) override;
    void turn_ended() override;

    struct Asked {
        Done done;
        const char* what;
        bool host_key;
    };
    void ask(keyholder::Request request, const char* what, bool host_key, Done done);
    void answered(keyholder::Reply reply);
    void lost(const std::string& reason);

    net::Loop& m_loop;
    StoreWorker& m_store;
    std::unique_ptr<net::Stream> m_stream;
    std::unordered_map<std::uint64_t, Asked> m_asked;
    std::uint64_t m_last_ticket = 0;
    Bytes m_output;
    bool m_blocked = false;
    unsigned m_generation = 0;  // of links
    std::atomic<std::uint64_t> m_host_signatures{0};
};

}  // namespace sekisho::gateway
