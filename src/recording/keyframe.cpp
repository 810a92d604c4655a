#include "recording/keyframe.h"

namespace sekisho::recording {

std::optional<Bytes> encode_keyframe(const std::vector<Keyframe::Channel>& channels) {
    Bytes out;
    format::append_varint(out, channels.size());
    for (const Keyframe::Channel& channel : channels) {
        format::append_varint(out, channel.number);
        out.push_back(static_cast<std::byte>(channel.kind));
        if (channel.kind == Keyframe::Kind::Terminal) {
            format::append_text(out, channel.terminal);
            format::append_varint(out, channel.columns);
            format::append_varint(out, channel.rows);
            format::append_varint(out, channel.last_printed);
            format::append_text(out, channel.repaint);
        }
        if (out.size() > format::kBlockPlain) return std::nullopt;
    }
    return out;
}

std::optional<std::vector<Keyframe::Channel>> decode_keyframe(BytesView bytes) {
    format::Cursor in{bytes};
    std::vector<Keyframe::Channel> channels;
    for (std::uint64_t left = in.varint(); left > 0 && in.ok; --left) {
        Keyframe::Channel channel;
        channel.number = static_cast<std::uint32_t>(in.varint());
        channel.kind = static_cast<Keyframe::Kind>(in.byte());
        if (channel.kind == Keyframe::Kind::Terminal) {
            channel.terminal = in.text();
            channel.columns = static_cast<std::uint32_t>(in.varint());
            channel.rows = static_cast<std::uint32_t>(in.varint());
            channel.last_printed = static_cast<char32_t>(in.varint());
            channel.repaint = in.text();
        }
        channels.push_back(std::move(channel));
    }
    if (!in.ok) return std::nullopt;
    return channels;
}

}  // namespace sekisho::recording
