#include "crypto/key_agreement.h"

#include "crypto/key_agreement_methods.h"

namespace sekisho::crypto {

const KeyAgreement* key_agreement(std::string_view name) {
    if (name == "mlkem768x25519-sha256") return &mlkem768_x25519_sha256();
    if (name == "sntrup761x25519-sha512" || name == "sntrup761x25519-sha512@openssh.com") return &sntrup761_x25519_sha512();
    if (name == "curve25519-sha256" || name == "curve25519-sha256@libssh.org") return &curve25519_sha256();
    if (name == "ecdh-sha2-nistp256") return &ecdh_nistp256();
    if (name == "ecdh-sha2-nistp384") return &ecdh_nistp384();
    if (name == "ecdh-sha2-nistp521") return &ecdh_nistp521();
    if (name == "diffie-hellman-group16-sha512") return &diffie_hellman_group16_sha512();
    if (name == "diffie-hellman-group18-sha512") return &diffie_hellman_group18_sha512();
    if (name == "diffie-hellman-group14-sha256") return &diffie_hellman_group14_sha256();
    if (name == "diffie-hellman-group14-sha1") return &diffie_hellman_group14_sha1();
    if (name == "diffie-hellman-group1-sha1") return &diffie_hellman_group1_sha1();
    return nullptr;
}

}  // namespace sekisho::crypto
