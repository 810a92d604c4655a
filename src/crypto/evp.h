// Inside of crypto only: owners for OpenSSL objects, and the algorithm objects, fetched once per process. A fetch takes a
// lock and compares strings; done per packet it would cost more than the encryption of a small packet.
// An OpenSSL call that can fail only for lack of memory, or because we called it wrongly, ends in an assertion.
#pragma once

#include <memory>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/hash.h"

namespace sekisho::crypto::evp {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using Pkey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_clear_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using EcdsaDer = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

/// Everything this program ever fetches. Lives as long as the process; OpenSSL's objects are shared between threads.
struct Algorithms {
    EVP_MD* sha1;
    EVP_MD* sha256;
    EVP_MD* sha384;
    EVP_MD* sha512;
    EVP_CIPHER* aes128_gcm;
    EVP_CIPHER* aes256_gcm;
    EVP_CIPHER* aes128_ctr;
    EVP_CIPHER* aes192_ctr;
    EVP_CIPHER* aes256_ctr;
    EVP_CIPHER* aes128_cbc;
    EVP_CIPHER* aes192_cbc;
    EVP_CIPHER* aes256_cbc;
    EVP_CIPHER* triple_des_cbc;
    EVP_CIPHER* chacha20;
    EVP_MAC* hmac;
    EVP_MAC* poly1305;
};
const Algorithms& algorithms();

const EVP_MD* digest_algorithm(HashKind kind);
/// OpenSSL's name, for the calls that take one ("SHA256").
const char* digest_name(HashKind kind);

CipherContext make_cipher_context(const EVP_CIPHER* cipher, BytesView key, BytesView iv, bool encrypt);

/// Key object from its numbers. nullptr when OpenSSL does not take them.
Pkey pkey_from_parameters(const char* type, int selection, OSSL_PARAM_BLD* builder);

/// Empties the thread's OpenSSL error queue after a failure that a peer can cause, so that it cannot grow.
void forget_errors() noexcept;

Number number(BytesView magnitude);
/// Marked for constant-time arithmetic, and wiped by OpenSSL wherever it copies it into parameters.
Number secret_number(const Secret& magnitude);
/// Big endian without leading zeros.
Bytes magnitude(const BIGNUM* number);
Secret secret_magnitude(const BIGNUM* number);

}  // namespace sekisho::crypto::evp
