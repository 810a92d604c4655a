#include "crypto/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace sekisho::crypto {

std::array<std::byte, 32> hmac_sha256(BytesView key, BytesView message) {
    std::array<std::byte, 32> out{};
    unsigned size = 0;
    // A null key would mean "the key of last time": an empty one is given as an address of nothing.
    static const unsigned char kNothing = 0;
    const unsigned char* bytes = key.empty() ? &kNothing : base::uchars(key.data());
    const bool done = HMAC(EVP_sha256(), bytes, static_cast<int>(key.size()), base::uchars(message.data()), message.size(),
                          base::uchars(out.data()), &size) != nullptr;
    SEKISHO_ASSERT(done && size == out.size());
    return out;
}

}  // namespace sekisho::crypto
