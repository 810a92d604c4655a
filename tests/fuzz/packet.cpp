// Packets with real keys: the input is opened as it is (almost always refused), then sealed, damaged as the input says,
// and opened again: a damaged packet must never open, an undamaged one always.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "ssh/packet.h"

namespace {

using namespace sekisho;

constexpr std::string_view kCiphers[] = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                                         "aes128-ctr", "aes256-ctr"};
constexpr std::string_view kMacs[] = {"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256",
                                      "hmac-sha2-512"};

struct Keys {
    Secret key, iv, mac;
};

Keys keys_for(std::string_view cipher, std::string_view mac) {
    const crypto::CipherSizes sizes = crypto::cipher_sizes(cipher, mac);
    return {Secret(sizes.key), Secret(sizes.iv), Secret(sizes.mac_key)};
}

void must(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const std::string_view cipher = kCiphers[data[0] % std::size(kCiphers)];
    const std::string_view mac = kMacs[data[1] % std::size(kMacs)];
    const std::size_t flip = static_cast<std::size_t>(data[2]) * 8 + data[3] % 8;
    const BytesView rest = std::as_bytes(std::span(data + 4, size - 4));
    const Keys keys = keys_for(cipher, mac);

    for (const bool encrypted : {false, true}) {
        ssh::PacketReader reader;
        if (encrypted) reader.new_keys(crypto::make_opener(cipher, mac, keys.key, keys.iv, keys.mac), true);
        Bytes input = base::to_bytes(rest);
        MutableBytes left = input;
        while (true) {
            auto packet = reader.next(left, 35000);
            if (!packet || !*packet) break;
            left = left.subspan((*packet)->consumed);
        }
    }

    if (rest.empty() || rest.size() > 30000) return 0;
    crypto::TestRandom random(1);
    ssh::PacketWriter writer(random);
    writer.new_keys(crypto::make_sealer(cipher, mac, keys.key, keys.iv, keys.mac), true);
    writer.send(rest);
    Bytes sealed = base::to_bytes(writer.output().bytes());
    Bytes damaged = sealed;
    ssh::PacketReader good;
    good.new_keys(crypto::make_opener(cipher, mac, keys.key, keys.iv, keys.mac), true);
    const auto packet = good.next(sealed, 35000);
    must(packet.has_value() && packet->has_value() && std::ranges::equal((*packet)->payload, rest));

    damaged[flip / 8 % damaged.size()] ^= static_cast<std::byte>(1U << (flip % 8));
    damaged.resize(damaged.size() + 35100);
    ssh::PacketReader bad;
    bad.new_keys(crypto::make_opener(cipher, mac, keys.key, keys.iv, keys.mac), true);
    const auto opened = bad.next(damaged, 35000);
    must(!opened.has_value());
    return 0;
}
