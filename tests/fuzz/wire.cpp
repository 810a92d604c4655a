// RFC 4251 types out of arbitrary bytes: the first byte of each step chooses what is read next.
#include <cstddef>
#include <cstdint>

#include "wire/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    wire::Reader in(std::as_bytes(std::span(data, size)));
    while (in.ok() && !in.empty()) {
        switch (in.byte() % 8) {
            case 0: in.boolean(); break;
            case 1: in.u32(); break;
            case 2: in.u64(); break;
            case 3: in.string(); break;
            case 4: in.string(16); break;
            case 5: in.mpint(); break;
            case 6: in.name_list(); break;
            case 7: in.raw(in.byte()); break;
        }
    }
    (void)in.finish("fuzz input");
    return 0;
}
