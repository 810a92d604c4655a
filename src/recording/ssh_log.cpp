#include "recording/ssh_log.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::recording {

namespace {

using nlohmann::json;

constexpr std::size_t kPacketHead = 1 + 4 + 8;          // source, code, time
constexpr std::size_t kPieceMost = 16 * 1024;           // of the data of one packet
constexpr std::size_t kBlockMost = 32 * 1024;           // a block is sealed once it has this many bytes
constexpr std::size_t kModesMost = 256;
constexpr std::uint32_t kStderr = 1;                    // SSH_EXTENDED_DATA_STDERR

/// RFC 4254 §8, RFC 8160.
constexpr std::pair<std::uint8_t, std::string_view> kModes[] = {{1, "VINTR"}, {2, "VQUIT"}, {3, "VERASE"}, {4, "VKILL"}, {5, "VEOF"},
    {6, "VEOL"}, {7, "VEOL2"}, {8, "VSTART"}, {9, "VSTOP"}, {10, "VSUSP"}, {11, "VDSUSP"}, {12, "VREPRINT"}, {13, "VWERASE"},
    {14, "VLNEXT"}, {15, "VFLUSH"}, {16, "VSWTCH"}, {17, "VSTATUS"}, {18, "VDISCARD"}, {30, "IGNPAR"}, {31, "PARMRK"}, {32, "INPCK"},
    {33, "ISTRIP"}, {34, "INLCR"}, {35, "IGNCR"}, {36, "ICRNL"}, {37, "IUCLC"}, {38, "IXON"}, {39, "IXANY"}, {40, "IXOFF"},
    {41, "IMAXBEL"}, {42, "IUTF8"}, {50, "ISIG"}, {51, "ICANON"}, {52, "XCASE"}, {53, "ECHO"}, {54, "ECHOE"}, {55, "ECHOK"},
    {56, "ECHONL"}, {57, "NOFLSH"}, {58, "TOSTOP"}, {59, "IEXTEN"}, {60, "ECHOCTL"}, {61, "ECHOKE"}, {62, "PENDIN"}, {70, "OPOST"},
    {71, "OLCUC"}, {72, "ONLCR"}, {73, "OCRNL"}, {74, "ONOCR"}, {75, "ONLRET"}, {90, "CS7"}, {91, "CS8"}, {92, "PARENB"},
    {93, "PARODD"}, {128, "TTY_OP_ISPEED"}, {129, "TTY_OP_OSPEED"}};

json modes_of(BytesView encoded) {
    constexpr std::uint8_t kEnd = 0, kNotNumbers = 160;  // from there on arguments have no known length
    json modes = json::array();
    wire::Reader in(encoded);
    while (!in.empty() && modes.size() < kModesMost) {
        const std::uint8_t opcode = in.byte();
        if (opcode == kEnd || opcode >= kNotNumbers) break;
        const std::uint32_t value = in.u32();
        if (!in.ok()) break;
        const auto* known = std::ranges::find(kModes, opcode, &std::pair<std::uint8_t, std::string_view>::first);
        modes.push_back({known != std::end(kModes) ? std::string(known->second) : std::to_string(opcode), value});
    }
    return modes;
}

/// RFC 4254 §6.2.
json terminal_of(BytesView request) {
    wire::Reader in(request);
    const std::string_view terminal = in.text();
    const std::uint32_t columns = in.u32(), rows = in.u32();
    (void)in.u32();
    (void)in.u32();
    const BytesView modes = in.string();
    if (!in.ok()) return nullptr;
    // As in the other exports: who has no size says 0.
    return {{"term", terminal}, {"width", columns == 0 ? 80 : columns}, {"height", rows == 0 ? 24 : rows}, {"modes", modes_of(modes)}};
}

/// RFC 4254 §6.10.
json exit_of(const Event& event, std::int64_t time) {
    json exit{{"timestamp", std::max<std::int64_t>(time, 0)}, {"status", nullptr}, {"signal", nullptr}, {"core_dumped", false},
              {"error_msg", nullptr}};
    wire::Reader in(event.bytes);
    if (event.name == "exit-status") {
        exit["status"] = in.u32();
    } else {
        exit["signal"] = in.text();
        exit["core_dumped"] = in.boolean();
        if (const std::string_view text = in.text(); !text.empty()) exit["error_msg"] = text;
    }
    return in.ok() ? exit : json(nullptr);
}

/// What stands in front: the first terminal and the last end of the chosen channels.
json metadata_of(Reader& reader, std::optional<std::uint32_t> channel) {
    json meta{{"started_at", std::max<std::int64_t>(base::unix_seconds(reader.facts().started), 0)},
              {"pty", nullptr},
              {"exit_data", nullptr}};
    std::set<std::uint32_t> other;
    while (const auto event = reader.next()) {
        if (event->kind == Event::Kind::ChannelOpened && event->name != "session") other.insert(event->channel);
        if (channel ? event->channel != *channel : other.contains(event->channel)) continue;
        if (event->kind != Event::Kind::Request) continue;
        if (event->from_client && event->name == "pty-req" && meta["pty"].is_null()) meta["pty"] = terminal_of(event->bytes);
        if (!event->from_client && (event->name == "exit-status" || event->name == "exit-signal")) {
            meta["exit_data"] = exit_of(*event, base::unix_seconds(reader.facts().started + event->at));
        }
    }
    reader.seek(std::chrono::microseconds(0));
    return meta;
}

/// Every packet of the chosen channels, in order; `take` gets one after the other and says whether to go on.
bool each_packet(Reader& reader, const ExportOptions& options, const std::function<bool(BytesView packet)>& take) {
    Replay replay(reader, options.channel);
    replay.order_input();
    while (const auto shown = replay.next()) {
        const bool output = shown->kind == Shown::Kind::Output;
        if (!output && shown->kind != Shown::Kind::Input) continue;
        for (BytesView rest = shown->bytes; !rest.empty();) {
            const BytesView piece = rest.first(std::min(rest.size(), kPieceMost));
            rest = rest.subspan(piece.size());
            wire::Writer packet(4 + kPacketHead + piece.size());
            packet.u32(static_cast<std::uint32_t>(kPacketHead + piece.size())).byte(output ? 1 : 0);
            packet.u32(shown->stream == Stream::Stderr ? kStderr : 0).u64(static_cast<std::uint64_t>(shown->at.count())).raw(piece);
            if (!take(packet.bytes())) return false;
        }
    }
    reader.seek(std::chrono::microseconds(0));
    return true;
}

bool write_framed(const Sink& out, BytesView bytes) {
    wire::Writer framed(4 + bytes.size());
    framed.string(bytes);
    return out(base::text_view(framed.bytes()));
}

}  // namespace

Result<void> export_ssh_log(Reader& reader, const AuditorKey& to, const ExportOptions& options, const Sink& out, crypto::Random& random) {
    auto sender = crypto::hpke::seal_to(to, {}, random);
    if (!sender) return std::unexpected(sender.error());
    json meta = metadata_of(reader, options.channel);
    std::uint64_t size = 0;
    each_packet(reader, options, [&size](BytesView packet) {
        size += packet.size();
        return true;
    });
    meta["data_size"] = size;
    meta["encapsulated_key"] = base::hex(sender->encapsulated);
    const std::string text = meta.dump(-1, ' ', false, json::error_handler_t::replace);
    if (!write_framed(out, base::view(base::base64(base::view(text))))) return unwritten();

    // Whole packets to a block: the published reader takes a length that lies across two blocks for the end.
    Bytes block;
    const auto flush = [&] {
        const bool written = block.empty() || write_framed(out, sender->context.seal({}, block));
        block.clear();
        return written;
    };
    const bool written = each_packet(reader, options, [&](BytesView packet) {
        block.insert(block.end(), packet.begin(), packet.end());
        return block.size() < kBlockMost || flush();
    });
    if (!written || !flush()) return unwritten();
    return {};
}

}  // namespace sekisho::recording
