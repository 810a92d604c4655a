// What people paste or upload: files of authorized keys, and public keys in every text form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "keys/authorized_key.h"
#include "keys/key_import.h"
#include "keys/public_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text = base::text_view(std::as_bytes(std::span(data, size)));
    if (const auto file = keys::parse_authorized_keys(text)) {
        for (const auto& entry : file->entries) {
            const auto again = keys::PublicKey::from_line(entry.key.key.line(entry.key.comment));
            if (!again || !(*again == entry.key.key)) std::abort();
        }
    }
    if (const auto pasted = keys::parse_public_text(text)) {
        const auto again = keys::parse_public_text(keys::rfc4716(pasted->key, pasted->comment));
        if (!again || !(again->key == pasted->key)) std::abort();
    }
    if (const auto lines = keys::authorized_lines(text)) {
        for (const auto& line : *lines) {
            if (!keys::parse_authorized_key(line)) std::abort();
        }
        std::string file;
        for (const auto& line : *lines) file += line + "\n";
        const auto again = keys::authorized_lines(file);
        if (!again || *again != *lines) std::abort();
    }
    return 0;
}
