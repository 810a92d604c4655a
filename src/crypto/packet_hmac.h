// Inside of crypto only: HMAC over a packet and its sequence number (RFC 4253 §6.4, RFC 6668), for the ciphers that bring no
// integrity of their own. One context for a key, used again for every packet.
#pragma once

#include <array>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/packet_cipher_families.h"

namespace sekisho::crypto {

class PacketHmac {
public:
    PacketHmac(HashKind hash, const Secret& key) : m_context(EVP_MAC_CTX_new(evp::algorithms().hmac)), m_size(digest_size(hash)) {
        SEKISHO_ASSERT(m_context != nullptr);
        char name[16] = {};
        std::strncpy(name, evp::digest_name(hash), sizeof name - 1);
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                         OSSL_PARAM_construct_end()};
        SEKISHO_ASSERT(EVP_MAC_init(m_context.get(), base::uchars(key.bytes().data()), key.size(), parameters) == 1);
    }

    std::size_t size() const { return m_size; }

    /// RFC 4253 §6.4: mac = MAC(key, sequence_number || packet). `out` has size() bytes.
    void compute(std::uint32_t sequence, BytesView packet, MutableBytes out) {
        std::array<std::byte, 4> number;
        store_be32(number.data(), sequence);
        std::size_t size = 0;
        SEKISHO_ASSERT(EVP_MAC_init(m_context.get(), nullptr, 0, nullptr) == 1);  // the same key again
        SEKISHO_ASSERT(EVP_MAC_update(m_context.get(), base::uchars(number.data()), number.size()) == 1);
        SEKISHO_ASSERT(EVP_MAC_update(m_context.get(), base::uchars(packet.data()), packet.size()) == 1);
        SEKISHO_ASSERT(EVP_MAC_final(m_context.get(), base::uchars(out.data()), &size, out.size()) == 1 && size == m_size);
    }

    bool check(std::uint32_t sequence, BytesView packet, BytesView tag) {
        std::array<std::byte, 64> expected;  // the longest: SHA-512
        compute(sequence, packet, std::span(expected).first(m_size));
        return base::equal_constant_time(std::span(expected).first(m_size), tag);
    }

private:
    evp::MacContext m_context;
    std::size_t m_size;
};

}  // namespace sekisho::crypto
