// Both ends of the gateway's and the keyholder's protocol. The first byte chooses the end; requests are answered by real keys, and
// whatever is signed must be within the bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "keyholder/keyring.h"

namespace {

using namespace sekisho;

const keyholder::Keyring& ring() {
    static const keyholder::Keyring made = [] {
        keyholder::Keyring one({keys::PrivateKey::generate(keys::KeyKind::Ed25519)}, keys::PrivateKey::generate(keys::KeyKind::Ed25519),
            keys::PrivateKey::generate(keys::KeyKind::Ed25519));
        one.wrap_with(keys::WrappingKey::generate());
        return one;
    }();
    return made;
}

void must(bool holds) {
    if (!holds) std::abort();
}

void request(BytesView payload) {
    constexpr std::uint64_t kNow = 1'800'000'000;
    const auto decoded = keyholder::decode_request(payload);
    if (!decoded) return;
    const Bytes again = keyholder::encode(decoded->ticket, decoded->request);
    must(base::to_bytes(payload) == base::to_bytes(BytesView(again).subspan(keyholder::kFrameHeader)));
    must(keyholder::ticket_of(payload) == decoded->ticket);
    const auto answer = ring().answer(decoded->request, std::chrono::system_clock::from_time_t(kNow));
    if (const auto* exchange = std::get_if<keyholder::SignExchange>(&decoded->request)) {
        must(!answer || (exchange->hash.size() >= 32 && exchange->hash.size() <= 64));
    } else if (std::holds_alternative<keyholder::CertificateWish>(decoded->request) && answer) {
        const auto certificate = keys::Certificate::from_blob(*answer);
        must(certificate.has_value());
        const auto& fields = certificate->fields();
        must(fields.use == keys::CertificateUse::User && !fields.principals.empty());
        must(fields.valid_after >= kNow - 5 && fields.valid_before <= kNow + 60 && fields.valid_before > kNow);
    } else if (std::holds_alternative<keyholder::SignAsStored>(decoded->request) ||
               std::holds_alternative<keyholder::OpenPassword>(decoded->request)) {
        must(!answer);  // nothing was ever wrapped under this key
    } else if (std::holds_alternative<keyholder::HostCertificateWish>(decoded->request) && answer) {
        const auto certificate = keys::Certificate::from_blob(*answer);
        must(certificate.has_value());
        const auto& fields = certificate->fields();
        must(fields.use == keys::CertificateUse::Host && !fields.principals.empty());
        must(fields.valid_after >= kNow - 3600 && fields.valid_before <= kNow + 86400 && fields.valid_before > kNow);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView rest = std::as_bytes(std::span(data + 1, size - 1));
    switch (data[0] % 6) {
        case 0: request(rest); break;
        case 1: (void)keyholder::decode_reply(rest); break;
        case 2: (void)keyholder::decode_hello(rest); break;
        case 4: (void)keyholder::decode_checkpoint(rest); break;
        case 5: (void)keyholder::decode_root(rest); break;
        default: (void)keyholder::next_frame(rest, keyholder::kMostRequest);
    }
    return 0;
}
