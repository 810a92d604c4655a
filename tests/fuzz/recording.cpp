// The reader of recordings, on whatever somebody put into the folder: reading, seeking, verifying and exporting must stay bounded
// and end. The first byte chooses how; checksums are made right where it says so, so that the events behind them are reached.
#include <cstring>

#include "recording/export.h"
#include "recording/reader.h"

namespace {

using namespace sekisho;
using namespace sekisho::recording;

/// Gives each block the checksum that it would need.
void mend(Bytes& bytes) {
    if (bytes.size() < format::kFileHeader) return;
    const auto header = format::file_header();
    std::memcpy(bytes.data(), header.data(), header.size());
    format::Checksum last = format::chain_start();
    for (std::size_t at = format::kFileHeader; at + format::kBlockHeader <= bytes.size();) {
        const MutableBytes rest = MutableBytes(bytes).subspan(at);
        const auto block = format::decode(rest);
        if (!block || block->stored > rest.size() - format::kBlockHeader) return;
        last = format::checksum(last, rest, rest.subspan(format::kBlockHeader, block->stored));
        std::memcpy(rest.data() + format::kHashed, last.data(), last.size());
        at += format::kBlockHeader + block->stored;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 1 << 20) return 0;
    const unsigned how = data[0];
    Bytes bytes = base::to_bytes(std::as_bytes(std::span(data + 1, size - 1)));
    if ((how & 1) != 0) mend(bytes);
    auto reader = Reader::open(open_memory(std::move(bytes)));
    if (!reader) return 0;
    if ((how & 2) != 0) {
        while (reader->next()) {
        }
        reader->seek(std::chrono::microseconds(how * 1000));
    }
    std::size_t written = 0;
    const Sink sink = [&](std::string_view text) { return (written += text.size()) < (8U << 20); };
    if ((how & 4) != 0) {
        (void)export_asciicast(*reader, (how & 8) != 0 ? Asciicast::V2 : Asciicast::V3, {.input = true}, sink);
    } else if ((how & 8) != 0) {
        (void)export_script(*reader, {}, sink, sink);
    } else {
        (void)verify(std::move(reader));
    }
    return 0;
}
