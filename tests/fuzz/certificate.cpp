// Public keys and certificates: the input is a blob, as a peer offers it. What is read as a certificate is also judged; what
// is read as a key also verifies a signature made of the input's own bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "keys/certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const BytesView blob = std::as_bytes(std::span(data, size));
    if (const auto certificate = keys::Certificate::from_blob(blob)) {
        (void)certificate->check(keys::CertificateUse::User, "alice", 1'900'000'000);
        (void)certificate->check(keys::CertificateUse::Host, "web1.example.com", 1'900'000'000);
        if (keys::plain_name(certificate->blob_name()) != keys::blob_name(certificate->key().kind())) std::abort();
    }
    if (const auto key = keys::PublicKey::from_blob(blob)) {
        const auto again = keys::PublicKey::from_line(key->line("c"));
        if (!again || !(*again == *key)) std::abort();
        if (key->verify(key->algorithms().front(), base::view("message"), blob)) std::abort();
    }
    return 0;
}
