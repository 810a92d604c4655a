// What a bucket answers: pages of its listing, errors, and what is decoded of them.
#include <cstdlib>

#include "s3/credentials.h"
#include "s3/listing.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text = base::text_view(std::as_bytes(std::span(data, size)));
    if (const auto page = s3::parse_list_page(text, "keys/")) {
        for (const auto& object : page->objects) {
            if (!object.key.starts_with("keys/")) std::abort();
        }
        // A page that was cut anywhere is none.
        if (!text.ends_with("</ListBucketResult>")) return 0;
        if (s3::parse_list_page(text.substr(0, text.rfind('<')), "keys/")) std::abort();
    }
    if (s3::parse_error_code(text).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") !=
        std::string::npos)
        std::abort();
    (void)s3::parse_credentials_file(text);
    (void)s3::parse_role_credentials(text);
    return 0;
}
