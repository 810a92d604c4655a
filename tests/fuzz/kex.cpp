// The first exchange, both roles, before anything is encrypted: the input is what the peer sends. Bit 0 of the first byte
// chooses the role; bit 1 puts a correct identification line in front, so that the fuzzer gets to KEXINIT at once.
#include <cstddef>
#include <cstdint>

#include "keys/private_key.h"
#include "ssh/engine.h"

namespace {

using namespace sekisho;

const keys::PrivateKey& host_key() {
    static const keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    return key;
}

void answer(ssh::Engine& engine, const ssh::Event& event) {
    if (const auto* e = std::get_if<ssh::HostSignatureWanted>(&event)) {
        (void)engine.submit(ssh::ProvideSignature{e->ticket, *host_key().sign(e->algorithm, e->data)});
    } else if (const auto* offered = std::get_if<ssh::HostKeyOffered>(&event)) {
        (void)engine.submit(ssh::AcceptHostKey{offered->ticket});
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    crypto::TestRandom random(7);
    ssh::Config config;
    config.random = &random;
    config.role = (data[0] & 1) != 0 ? ssh::Role::Client : ssh::Role::Server;
    config.user = "alice";
    config.host_keys = {{base::to_bytes(host_key().public_key().blob()), host_key().public_key().algorithms()}};
    ssh::Engine engine(config, TimePoint{});
    Bytes input;
    if ((data[0] & 2) != 0) input = base::to_bytes(std::string_view("SSH-2.0-fuzz\r\n"));
    const BytesView rest = std::as_bytes(std::span(data + 1, size - 1));
    input.insert(input.end(), rest.begin(), rest.end());
    MutableBytes left = input;
    while (!engine.over()) {
        const auto consumed = engine.feed(left, TimePoint{});
        while (auto event = engine.next_event()) answer(engine, *event);
        if (!consumed || *consumed == 0) break;
        left = left.subspan(*consumed);
    }
    return 0;
}
