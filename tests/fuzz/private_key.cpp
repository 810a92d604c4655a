// Private key files in all their forms, opened with a passphrase, at a cost that leaves the fuzzer its speed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "keys/private_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text = base::text_view(std::as_bytes(std::span(data, size)));
    const keys::UnlockCost most{.bcrypt_rounds = 2, .pbkdf2_iterations = 2048};
    (void)keys::PrivateKey::needs_passphrase(text);
    const auto key = keys::PrivateKey::from_text(text, "x", most);
    if (!key) return 0;
    const std::string algorithm = key->public_key().algorithms().front();
    const auto signature = key->sign(algorithm, base::view("message"));
    if (!signature || !key->public_key().verify(algorithm, base::view("message"), *signature)) std::abort();
    return 0;
}
