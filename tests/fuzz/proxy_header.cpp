// The PROXY header: the input is what a proxy sends. A header is bounded, needs no byte behind its end and every byte before it, and
// names an address that has one reading.
#include <cstdlib>

#include "base/network.h"
#include "net/proxy_header.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const Bytes input = fuzz::Input(data, size).rest();
    const auto header = net::decode_proxy_header(input);
    if (!header || !*header) {
        must(!header || input.size() < net::kMostProxyHeader);
        return 0;
    }
    const std::size_t end = (*header)->size;
    must(end <= input.size() && end <= net::kMostProxyHeader);
    if ((*header)->source) must(base::Address::parse((*header)->source->address).has_value());
    for (std::size_t i = 0; i < end; ++i) {
        const Bytes part(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(i));
        const auto early = net::decode_proxy_header(part);
        must(early && !*early);
    }
    const Bytes alone(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(end));
    const auto again = net::decode_proxy_header(alone);
    must(again && *again && (*again)->size == end && (*again)->source == (*header)->source);
    return 0;
}
