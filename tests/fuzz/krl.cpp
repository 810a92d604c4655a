// Key revocation lists: the input is the file. What is read is asked about a key.
#include <cstddef>
#include <cstdint>

#include "keys/krl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    static const auto certificate = [] {
        keys::PublicKey key =
            keys::PublicKey::from_line("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
                .value();
        keys::CertificateFields fields;
        fields.serial = 5;
        fields.key_id = "id";
        return keys::Certificate({}, "ssh-ed25519-cert-v01@openssh.com", key, key, fields);
    }();
    if (const auto krl = keys::Krl::parse(std::as_bytes(std::span(data, size)))) {
        (void)krl->check(certificate);
        (void)krl->check(certificate.key());
    }
    return 0;
}
