// AES-GCM of SSH packets by OpenSSL, and the choice between it and libipsec-mb. The length field stays readable and is
// authenticated as additional data (RFC 5647 §7.3); the nonce counts packets, so the sequence number plays no part.
#include "crypto/aes_gcm.h"

#include <atomic>
#include <climits>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/packet_cipher_families.h"

namespace sekisho::crypto {
namespace aes_gcm {
namespace {

/// The tag as a parameter of the context. EVP_CIPHER_CTX_ctrl ends in the same call, by a way that costs a tenth of a small
/// packet.
class TagParameter {
public:
    explicit TagParameter(std::byte* tag)
        : m_parameters{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTag),
                       OSSL_PARAM_construct_end()} {}
    OSSL_PARAM* list() { return m_parameters; }

private:
    OSSL_PARAM m_parameters[2];
};

class OpenSslSealer final : public PacketSealer {
public:
    OpenSslSealer(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), true)), m_nonce(iv) {}

    PacketShape shape() const override { return kShape; }

    void seal(std::uint32_t, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(packet.size() > kLength && packet.size() <= INT_MAX && out.size() == packet.size() + kTag);
        EVP_CIPHER_CTX* context = m_context.get();
        const int body = static_cast<int>(packet.size() - kLength);
        int written = 0;
        int rest = 0;
        SEKISHO_ASSERT(EVP_EncryptInit_ex2(context, nullptr, nullptr, m_nonce.bytes(), nullptr) == 1);
        m_nonce.next();
        SEKISHO_ASSERT(EVP_EncryptUpdate(context, nullptr, &written, base::uchars(packet.data()), kLength) == 1);
        SEKISHO_ASSERT(EVP_EncryptUpdate(context, base::uchars(out.data() + kLength), &written,
                                         base::uchars(packet.data() + kLength), body) == 1);
        SEKISHO_ASSERT(EVP_EncryptFinal_ex(context, base::uchars(out.data() + packet.size()), &rest) == 1);
        SEKISHO_ASSERT(written == body && rest == 0);
        SEKISHO_ASSERT(EVP_CIPHER_CTX_get_params(context, TagParameter(out.data() + packet.size()).list()) == 1);
        std::memmove(out.data(), packet.data(), kLength);
    }

private:
    evp::CipherContext m_context;
    Nonce m_nonce;
};

class OpenSslOpener final : public PacketOpener {
public:
    OpenSslOpener(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), false)), m_nonce(iv) {}

    PacketShape shape() const override { return kShape; }
    std::size_t prefix() const override { return kLength; }
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kLength);
        return load_be32(prefix_bytes.data());
    }

    // OpenSSL decrypts before it compares the tag; the caller never sees that text, because a wrong tag ends the connection.
    bool open(std::uint32_t, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() <= kLength + kTag || packet_and_tag.size() > INT_MAX) return false;
        EVP_CIPHER_CTX* context = m_context.get();
        std::byte* body = packet_and_tag.data() + kLength;
        const int body_size = static_cast<int>(packet_and_tag.size() - kLength - kTag);
        std::byte* tag = body + body_size;
        int written = 0;
        int rest = 0;
        SEKISHO_ASSERT(EVP_DecryptInit_ex2(context, nullptr, nullptr, m_nonce.bytes(), nullptr) == 1);
        m_nonce.next();
        SEKISHO_ASSERT(EVP_CIPHER_CTX_set_params(context, TagParameter(tag).list()) == 1);
        SEKISHO_ASSERT(EVP_DecryptUpdate(context, nullptr, &written, base::uchars(packet_and_tag.data()), kLength) == 1);
        // Success is exactly 1 in each of these: EVP calls also return 0 and negative numbers.
        if (EVP_DecryptUpdate(context, base::uchars(body), &written, base::uchars(body), body_size) != 1 ||
            written != body_size || EVP_DecryptFinal_ex(context, base::uchars(tag), &rest) != 1 || rest != 0) {
            evp::forget_errors();
            return false;
        }
        return true;
    }

private:
    evp::CipherContext m_context;
    Nonce m_nonce;
};

std::atomic<Backend>& chosen() {
    static std::atomic<Backend> backend = has_ipsec_mb() ? Backend::IpsecMb : Backend::OpenSsl;
    return backend;
}

}  // namespace

Backend backend() noexcept { return chosen().load(std::memory_order_relaxed); }

void force(Backend wanted) noexcept {
    SEKISHO_ASSERT(wanted == Backend::OpenSsl || has_ipsec_mb());
    chosen().store(wanted, std::memory_order_relaxed);
}

}  // namespace aes_gcm

Result<void> choose_aes_gcm(std::string_view library) {
    const bool there = aes_gcm::has_ipsec_mb();
    if (library == "ipsec-mb" && !there) return fail("libipsec-mb is not in this build, or this processor is not enough for it");
    if (library != "ipsec-mb" && library != "openssl" && library != "auto") return fail("no such library for AES-GCM");
    aes_gcm::force(library == "openssl" || !there ? aes_gcm::Backend::OpenSsl : aes_gcm::Backend::IpsecMb);
    return {};
}

std::unique_ptr<PacketSealer> make_aes_gcm_sealer(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv) {
    if (aes_gcm::backend() == aes_gcm::Backend::IpsecMb) return aes_gcm::make_ipsec_mb_sealer(key, iv);
    return std::make_unique<aes_gcm::OpenSslSealer>(cipher, key, iv);
}

std::unique_ptr<PacketOpener> make_aes_gcm_opener(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv) {
    if (aes_gcm::backend() == aes_gcm::Backend::IpsecMb) return aes_gcm::make_ipsec_mb_opener(key, iv);
    return std::make_unique<aes_gcm::OpenSslOpener>(cipher, key, iv);
}

}  // namespace sekisho::crypto
