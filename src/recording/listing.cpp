#include "recording/listing.h"

#include <algorithm>
#include <limits>

#include "recording/folder.h"
#include "recording/reader.h"

namespace sekisho::recording {

namespace {

constexpr std::size_t kTargetEvents = 10'000;  // how far an unfinished recording is searched for its targets

struct Closing {
    Bytes text;  // JSON
    std::uint64_t begin = 0;  // of the block
};

// The plain text of end and signature closes with u32 length ‖ "SKRE" or "SKRS"; it is never compressed. The block that ends at `size`.
std::optional<Closing> closing(const Source& source, std::uint64_t size, format::BlockType type) {
    const std::uint32_t magic = type == format::BlockType::End ? format::kEndMagic : format::kSignatureMagic;
    std::array<std::byte, 8> trailer{};
    if (size < format::kFileHeader + format::kBlockHeader + trailer.size()) return std::nullopt;
    if (source.read(size - trailer.size(), trailer) != trailer.size()) return std::nullopt;
    std::uint32_t numbers[2] = {};
    for (std::size_t i = 0; i < trailer.size(); ++i) {
        numbers[i / 4] = numbers[i / 4] << 8 | static_cast<std::uint8_t>(trailer[i]);
    }
    const std::uint64_t whole = numbers[0] + trailer.size() + format::kBlockHeader;
    if (numbers[1] != magic || numbers[0] > format::kBlockPlain || whole > size) return std::nullopt;
    Bytes block(static_cast<std::size_t>(whole) - trailer.size());
    if (source.read(size - whole, block) != block.size()) return std::nullopt;
    const auto header = format::decode(block);
    if (!header || header->type != type || header->stored != numbers[0] + trailer.size()) return std::nullopt;
    block.erase(block.begin(), block.begin() + format::kBlockHeader);
    return Closing{std::move(block), size - whole};
}

struct QuickEnd {
    std::optional<End> end;
    bool has_signature = false;
};

QuickEnd quick_end(const Source& source) {
    QuickEnd found;
    const auto signature = closing(source, source.size(), format::BlockType::Signature);
    const auto closed = closing(source, signature ? signature->begin : source.size(), format::BlockType::End);
    if (!closed) return found;
    if (auto end = decode_end(base::text_view(closed->text))) found = {std::move(*end), signature.has_value()};
    return found;
}

void describe_unfinished(Reader& reader, Entry& entry) {
    std::size_t left = kTargetEvents;
    while (const auto event = left-- != 0 ? reader.next() : std::nullopt) {
        if (event->kind != Event::Kind::ChannelOpened) continue;
        const std::string place(event->target.empty() ? event->destination : event->target);
        if (!place.empty() && std::ranges::find(entry.targets, place) == entry.targets.end()) entry.targets.push_back(place);
    }
    reader.seek(std::chrono::microseconds(std::numeric_limits<std::int64_t>::max()));
    while (const auto event = reader.next()) entry.duration = event->at;
    if (!reader.problems().empty()) entry.state = State::Damaged;
}

}  // namespace

std::string_view name(State state) {
    switch (state) {
        case State::Complete: return "complete";
        case State::Live: return "live";
        case State::Cut: return "cut";
        case State::Failed: return "failed";
        case State::Damaged: return "damaged";
    }
    return "unknown";
}

bool has_end(const std::string& path) {
    const auto source = open_file(path);
    return source && quick_end(**source).end;
}

bool has_signature(const std::string& path) {
    const auto source = open_file(path);
    return source && quick_end(**source).has_signature;
}

Result<Entry> describe(const std::string& folder, const std::string& path) {
    auto reader = Reader::open(path);
    if (!reader) return std::unexpected(reader.error());
    Entry entry{.facts = reader->facts(), .path = path, .size = reader->walker().size()};
    auto [end, has_signature] = quick_end(reader->walker().source());
    entry.has_signature = has_signature;
    if (end) {
        entry.state = end->ending == Ending::Cut ? State::Cut : end->ending == Ending::Failed ? State::Failed : State::Complete;
        entry.duration = std::chrono::microseconds(std::min(end->duration_us, format::kTimeMost));
        entry.reason = std::move(end->reason);
        entry.targets = std::move(end->totals.targets);
        if (!reader->problems().empty()) entry.state = State::Damaged;
    } else {
        entry.state = writer_lives(folder, entry.facts.writer) ? State::Live : State::Cut;
        describe_unfinished(*reader, entry);
    }
    return entry;
}

}  // namespace sekisho::recording
