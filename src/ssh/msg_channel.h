// The messages of channels (RFC 4254 §5, §6): small ones are encoded here in one go; CHANNEL_DATA's header is written in
// place in front of the data (channels.cpp).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "ssh/message_numbers.h"
#include "ssh/types.h"

namespace sekisho::ssh {

struct ChannelOpenMessage {
    std::string type;
    std::uint32_t sender = 0;
    std::uint32_t window = 0;
    std::uint32_t most_packet = 0;
    BytesView payload;  // type-specific
};
Bytes encode(const ChannelOpenMessage& message);
Result<ChannelOpenMessage> decode_channel_open(BytesView payload);

struct ChannelOpenConfirmation {
    std::uint32_t recipient = 0;
    std::uint32_t sender = 0;
    std::uint32_t window = 0;
    std::uint32_t most_packet = 0;
    BytesView payload;
};
Bytes encode(const ChannelOpenConfirmation& message);
Result<ChannelOpenConfirmation> decode_channel_open_confirmation(BytesView payload);

struct ChannelOpenFailureMessage {
    std::uint32_t recipient = 0;
    std::uint32_t reason = 0;
    std::string text;
};
Bytes encode(const ChannelOpenFailureMessage& message);
Result<ChannelOpenFailureMessage> decode_channel_open_failure(BytesView payload);

struct ChannelWindowAdjust {
    std::uint32_t recipient = 0;
    std::uint32_t count = 0;
};
Bytes encode(const ChannelWindowAdjust& message);
Result<ChannelWindowAdjust> decode_channel_window_adjust(BytesView payload);

struct ChannelRequestMessage {
    std::uint32_t recipient = 0;
    std::string type;
    bool want_reply = false;
    BytesView payload;
};
Bytes encode(const ChannelRequestMessage& message);
Result<ChannelRequestMessage> decode_channel_request(BytesView payload);

struct ChannelDataMessage {
    std::uint32_t recipient = 0;
    std::uint32_t stream = 0;  // 0: CHANNEL_DATA, else the code of CHANNEL_EXTENDED_DATA
    MutableBytes bytes;
};
Result<ChannelDataMessage> decode_channel_data(MutableBytes payload);
/// Bytes of payload in front of the data: 9, or 13 with a stream code.
constexpr std::size_t channel_data_header(DataStream stream) { return stream == DataStream::Main ? 9 : 13; }
/// Writes that header at `out` for `size` bytes of data.
void write_channel_data_header(std::byte* out, std::uint32_t recipient, DataStream stream, std::uint32_t size);

/// EOF, CLOSE, SUCCESS and FAILURE: message number and channel.
Bytes encode_channel_only(Message message, std::uint32_t recipient);
Result<std::uint32_t> decode_channel_only(BytesView payload);

struct GlobalRequestMessage {
    std::string type;
    bool want_reply = false;
    BytesView payload;
};
Bytes encode(const GlobalRequestMessage& message);
Result<GlobalRequestMessage> decode_global_request(BytesView payload);
/// REQUEST_SUCCESS with data, or REQUEST_FAILURE.
Bytes encode_global_reply(bool success, BytesView payload);

}  // namespace sekisho::ssh
