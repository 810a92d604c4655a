#include "recording/redact.h"

#include <algorithm>
#include <array>

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::recording {

namespace {

// RFC 4254 §6.3.1: boolean single, string protocol, string cookie, uint32 screen. The cookie opens the user's display.
BytesView without_cookie(BytesView payload, Bytes& storage) {
    wire::Reader reader(payload);
    const bool single = reader.boolean();
    const BytesView protocol = reader.string();
    reader.string();
    const std::uint32_t screen = reader.u32();
    if (!reader.ok()) return {};
    storage = wire::Writer().boolean(single).string(protocol).string("").u32(screen).take();
    return storage;
}

}  // namespace

BytesView kept_payload(model::RecordLevel level, std::string_view type, BytesView payload, Bytes& storage) {
    if (type == "x11-req") return without_cookie(payload, storage);
    if (level != model::RecordLevel::Metadata) return payload;
    static constexpr std::array<std::string_view, 7> kWhole{"pty-req",     "window-change", "subsystem", "signal",
                                                           "exit-status", "exit-signal",   "break"};
    if (std::ranges::find(kWhole, type) != kWhole.end()) return payload;
    if (type == "env") {  // RFC 4254 §6.4: string name, string value
        wire::Reader reader(payload);
        const BytesView name = reader.string();
        if (!reader.ok()) return {};
        return payload.first(4 + name.size());
    }
    return {};
}

}  // namespace sekisho::recording
