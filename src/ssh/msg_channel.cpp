#include "ssh/msg_channel.h"

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Bytes encode(const ChannelOpenMessage& m) {
    return wire::Writer()
        .byte(number(Message::ChannelOpen))
        .string(m.type)
        .u32(m.sender)
        .u32(m.window)
        .u32(m.most_packet)
        .raw(m.payload)
        .take();
}

Result<ChannelOpenMessage> decode_channel_open(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    ChannelOpenMessage m;
    m.type = in.text(limits::kMethodName);
    m.sender = in.u32();
    m.window = in.u32();
    m.most_packet = in.u32();
    if (!in.ok()) return in.finish_with("CHANNEL_OPEN", m);
    m.payload = in.rest();
    if (m.payload.size() > limits::kChannelRequestPayload) return fail("CHANNEL_OPEN is over its limit");
    return m;
}

Bytes encode(const ChannelOpenConfirmation& m) {
    return wire::Writer()
        .byte(number(Message::ChannelOpenConfirmation))
        .u32(m.recipient)
        .u32(m.sender)
        .u32(m.window)
        .u32(m.most_packet)
        .raw(m.payload)
        .take();
}

Result<ChannelOpenConfirmation> decode_channel_open_confirmation(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    ChannelOpenConfirmation m;
    m.recipient = in.u32();
    m.sender = in.u32();
    m.window = in.u32();
    m.most_packet = in.u32();
    if (!in.ok()) return in.finish_with("CHANNEL_OPEN_CONFIRMATION", m);
    m.payload = in.rest();
    return m;
}

Bytes encode(const ChannelOpenFailureMessage& m) {
    return wire::Writer()
        .byte(number(Message::ChannelOpenFailure))
        .u32(m.recipient)
        .u32(m.reason)
        .string(m.text)
        .string("")
        .take();
}

Result<ChannelOpenFailureMessage> decode_channel_open_failure(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    ChannelOpenFailureMessage m;
    m.recipient = in.u32();
    m.reason = in.u32();
    m.text = in.text(limits::kText);
    // The language tag is left out by some peers.
    if (!in.ok()) return in.finish_with("CHANNEL_OPEN_FAILURE", m);
    return m;
}

Bytes encode(const ChannelWindowAdjust& m) {
    return wire::Writer().byte(number(Message::ChannelWindowAdjust)).u32(m.recipient).u32(m.count).take();
}

Result<ChannelWindowAdjust> decode_channel_window_adjust(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    ChannelWindowAdjust m;
    m.recipient = in.u32();
    m.count = in.u32();
    return in.finish_with("CHANNEL_WINDOW_ADJUST", m);
}

Bytes encode(const ChannelRequestMessage& m) {
    return wire::Writer()
        .byte(number(Message::ChannelRequest))
        .u32(m.recipient)
        .string(m.type)
        .boolean(m.want_reply)
        .raw(m.payload)
        .take();
}

Result<ChannelRequestMessage> decode_channel_request(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    ChannelRequestMessage m;
    m.recipient = in.u32();
    m.type = in.text(limits::kMethodName);
    m.want_reply = in.boolean();
    if (!in.ok()) return in.finish_with("CHANNEL_REQUEST", m);
    m.payload = in.rest();
    if (m.payload.size() > limits::kChannelRequestPayload) return fail("a channel request is over its limit");
    return m;
}

Result<ChannelDataMessage> decode_channel_data(MutableBytes payload) {
    wire::Reader in(payload);
    const bool extended = in.byte() == number(Message::ChannelExtendedData);
    ChannelDataMessage m;
    m.recipient = in.u32();
    if (extended) m.stream = in.u32();
    const BytesView bytes = in.string();
    if (auto done = in.finish("channel data"); !done) return std::unexpected(done.error());
    m.bytes = payload.last(bytes.size());
    return m;
}

void write_channel_data_header(std::byte* out, std::uint32_t recipient, DataStream stream, std::uint32_t size) {
    *out++ = static_cast<std::byte>(number(stream == DataStream::Main ? Message::ChannelData : Message::ChannelExtendedData));
    out = wire::store_u32(out, recipient);
    if (stream != DataStream::Main) out = wire::store_u32(out, static_cast<std::uint32_t>(stream));
    wire::store_u32(out, size);
}

Bytes encode_channel_only(Message message, std::uint32_t recipient) {
    return wire::Writer().byte(number(message)).u32(recipient).take();
}

Result<std::uint32_t> decode_channel_only(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    const std::uint32_t recipient = in.u32();
    return in.finish_with("channel message", recipient);
}

Bytes encode(const GlobalRequestMessage& m) {
    return wire::Writer()
        .byte(number(Message::GlobalRequest))
        .string(m.type)
        .boolean(m.want_reply)
        .raw(m.payload)
        .take();
}

Result<GlobalRequestMessage> decode_global_request(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    GlobalRequestMessage m;
    m.type = in.text(limits::kMethodName);
    m.want_reply = in.boolean();
    if (!in.ok()) return in.finish_with("GLOBAL_REQUEST", m);
    m.payload = in.rest();
    if (m.payload.size() > limits::kChannelRequestPayload) return fail("a global request is over its limit");
    return m;
}

Bytes encode_global_reply(bool success, BytesView payload) {
    wire::Writer out;
    out.byte(number(success ? Message::RequestSuccess : Message::RequestFailure));
    if (success) out.raw(payload);
    return out.take();
}

}  // namespace sekisho::ssh
