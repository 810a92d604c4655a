// Inside of crypto only: the methods that key_agreement() finds by name, one file each.
#pragma once

#include "crypto/key_agreement.h"

namespace sekisho::crypto {

const KeyAgreement& curve25519_sha256();
const KeyAgreement& mlkem768_x25519_sha256();
const KeyAgreement& sntrup761_x25519_sha512();
const KeyAgreement& ecdh_nistp256();
const KeyAgreement& ecdh_nistp384();
const KeyAgreement& ecdh_nistp521();
const KeyAgreement& diffie_hellman_group16_sha512();
const KeyAgreement& diffie_hellman_group18_sha512();
const KeyAgreement& diffie_hellman_group14_sha256();
const KeyAgreement& diffie_hellman_group14_sha1();  // for old targets only, as the next one
const KeyAgreement& diffie_hellman_group1_sha1();

}  // namespace sekisho::crypto
