#include "ssh/msg_kexinit.h"

#include <algorithm>
#include <array>

#include "crypto/packet_cipher.h"
#include "ssh/message_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {
namespace {

constexpr std::size_t kCookie = 16;

bool contains(const KexInit::Names& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

std::string joined(const KexInit::Names& list) {
    std::string out;
    for (const std::string_view name : list) {
        if (!out.empty()) out += ',';
        out += name;
    }
    return out;
}

// RFC 4253 §7.1: the first of the client's names that the server has too.
Result<std::string> choose(const char* what, const KexInit::Names& client, const KexInit::Names& server) {
    for (const std::string_view name : client) {
        if (contains(server, name)) return std::string(name);
    }
    return fail(std::string("no common ") + what, "client: " + joined(client) + "; server: " + joined(server));
}

bool is_marker(std::string_view kex_name) {
    return kex_name == kExtInfoClient || kex_name == kExtInfoServer || kex_name == kStrictClient || kex_name == kStrictServer;
}

}  // namespace

bool KexInit::offers(std::string_view kex_name) const { return contains(kex, kex_name); }

Bytes encode(const KexInit& message, crypto::Random& random) {
    std::array<std::byte, kCookie> cookie;
    random.fill(cookie);
    wire::Writer out;
    out.byte(static_cast<std::uint8_t>(Message::KexInit)).raw(cookie);
    out.name_list(message.kex).name_list(message.host_keys);
    out.name_list(message.ciphers_to_server).name_list(message.ciphers_to_client);
    out.name_list(message.macs_to_server).name_list(message.macs_to_client);
    out.name_list(message.compression_to_server).name_list(message.compression_to_client);
    out.u32(0).u32(0);  // languages
    out.boolean(message.first_packet_follows).u32(0);
    return out.take();
}

Result<KexInit> decode_kexinit(BytesView payload) {
    wire::Reader in(payload);
    KexInit message;
    in.byte();
    in.raw(kCookie);
    message.kex = in.name_views();
    message.host_keys = in.name_views();
    message.ciphers_to_server = in.name_views();
    message.ciphers_to_client = in.name_views();
    message.macs_to_server = in.name_views();
    message.macs_to_client = in.name_views();
    message.compression_to_server = in.name_views();
    message.compression_to_client = in.name_views();
    in.name_views();
    in.name_views();
    message.first_packet_follows = in.boolean();
    in.u32();
    if (auto done = in.finish("KEXINIT"); !done) return std::unexpected(done.error());
    return message;
}

Result<Agreement> agree(const KexInit& client, const KexInit& server, const KexInit& theirs) {
    Agreement agreement;
    // The markers are not methods, although they stand in the same list.
    KexInit::Names client_kex = client.kex;
    std::erase_if(client_kex, is_marker);
    auto kex = choose("key exchange method", client_kex, server.kex);
    if (!kex) return std::unexpected(kex.error());
    auto host_key = choose("host key algorithm", client.host_keys, server.host_keys);
    if (!host_key) return std::unexpected(host_key.error());
    auto to_server = choose("cipher", client.ciphers_to_server, server.ciphers_to_server);
    if (!to_server) return std::unexpected(to_server.error());
    auto to_client = choose("cipher", client.ciphers_to_client, server.ciphers_to_client);
    if (!to_client) return std::unexpected(to_client.error());
    agreement.kex = *kex;
    agreement.host_key = *host_key;
    agreement.cipher_to_server = *to_server;
    agreement.cipher_to_client = *to_client;
    if (!crypto::cipher_is_aead(agreement.cipher_to_server)) {
        auto mac = choose("MAC", client.macs_to_server, server.macs_to_server);
        if (!mac) return std::unexpected(mac.error());
        agreement.mac_to_server = *mac;
    }
    if (!crypto::cipher_is_aead(agreement.cipher_to_client)) {
        auto mac = choose("MAC", client.macs_to_client, server.macs_to_client);
        if (!mac) return std::unexpected(mac.error());
        agreement.mac_to_client = *mac;
    }
    to_server = choose("compression", client.compression_to_server, server.compression_to_server);
    to_client = choose("compression", client.compression_to_client, server.compression_to_client);
    if (!to_server) return std::unexpected(to_server.error());
    if (!to_client) return std::unexpected(to_client.error());
    agreement.compression_to_server = *to_server;
    agreement.compression_to_client = *to_client;
    // RFC 4253 §7: the guess is wrong unless both sides' first method and first host key are the same.
    const bool guess_right = !client.kex.empty() && !server.kex.empty() && client.kex.front() == server.kex.front() &&
                             client.host_keys.front() == server.host_keys.front();
    agreement.guess_was_wrong = theirs.first_packet_follows && !guess_right;
    return agreement;
}

}  // namespace sekisho::ssh
